"""How a plan is executed, and the defaults that the documentation names."""

from __future__ import annotations

from dataclasses import dataclass

from importer.engine.journal import Fsync
from importer.errors import UsageError


@dataclass(frozen=True, slots=True)
class ExecuteSettings:
    """Seconds, counts and shares; checked when made."""

    concurrency: int = 50
    """Rows under way at once."""
    grace: float = 35.0
    """Seconds after a lost answer before absence is believed, unless the run's own tags show that less will do: longer
    than reads lag behind writes (30 s were seen)."""
    fresh: float = 30.0
    """Seconds for which what was seen of a tag is believed; after that it is looked at again before a row is sent."""
    max_attempts: int = 10
    """Requests for one row whose answers were lost, before it is given up."""
    stop_grace: float = 10.0
    """Seconds that requests under way get to finish when the run stops."""
    max_consecutive: int = 20
    """Calls in a row without a usable answer that stop the run; from half of it calls go one at a time."""
    max_failed_share: float = 0.5
    """Share of rows refused by the server that stops the run."""
    min_rows: int = 50
    """Rows that must be answered before that share counts."""
    fsync: Fsync = Fsync.BATCH
    """For whoever opens the journal."""

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.max_attempts < 1 or self.max_consecutive < 1 or self.min_rows < 1:
            raise UsageError("concurrency, attempts, failures in a row and rows must be 1 or more")
        if self.grace < 0 or self.stop_grace < 0 or self.fresh < 0:
            raise UsageError("the grace times, and the time for which a look counts, must be 0 seconds or more")
        if not 0 <= self.max_failed_share <= 1:
            raise UsageError("the share of failed rows must be 0 to 1 (0 % to 100 %)")
