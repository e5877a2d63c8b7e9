"""How long reads lag behind writes, learned from the tags that this run itself has made.

A look-up for lost answers also asks for some of them, the controls. One that is missing shows that the lag is at least
its age; twenty that are seen for the first time, the oldest of them so many seconds old, show that most writes lag no
longer than that. Absence of a lost create is believed after three times the longer of the two, but not before `FLOOR`:
a server may carry a create out some seconds after its answer was lost, and no control shows that. A server that takes
longer than that makes a duplicate, which the list at the end of the run finds.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from importer.remote.lookup import TOGETHER, is_plain

FLOOR: Final = 5.0
"""Seconds after a lost answer before which absence is never believed, unless the grace time is shorter."""
_TIMES: Final = 3.0
_ENOUGH: Final = 20
"""Controls that one look-up must show for the first time before it says anything."""
_REMEMBERED: Final = 2_000


@dataclass(slots=True, eq=False)
class _Made:
    """A tag that the run has made."""

    name: str
    uuid: str
    at: float
    """Monotonic time at which its create was answered."""
    shown: bool = False
    missed: bool = False
    """Whether a look-up that began after its answer came did not have it."""


class ReadLag:
    """What the controls of a run have shown so far. Times are of one monotonic clock."""

    def __init__(self, grace: float, chance: random.Random) -> None:
        """`grace` are the seconds that hold while too little is known, and at most."""
        self._grace = grace
        self._chance = chance
        self._made: deque[_Made] = deque(maxlen=_REMEMBERED)
        self._missing: dict[str, _Made] = {}
        self._least = 0.0
        """Seconds that must be waited, after what was missed."""
        self._seen: deque[tuple[float, float]] = deque(maxlen=100)
        """When enough controls were seen for the first time, and how old those were at most."""

    def made(self, name: str, uuid: str, at: float) -> None:
        """A create was answered at that time."""
        self._made.append(_Made(name, uuid, at))

    def controls(self, now: float, rows: int) -> Sequence[_Made]:
        """Which tags a look-up for so many rows is to ask for as well: as many again, and what its calls hold anyway.

        Names that the filter may not understand prove nothing and are left out. So is what is older than the grace.
        """
        places = rows + -(2 * rows) % TOGETHER
        missing = list(self._missing.values())[: places // 2]
        others = [
            made
            for made in self._made
            if now - made.at <= self._grace and made.uuid not in self._missing and is_plain(made.name)
        ]
        return [*missing, *self._chance.sample(others, min(len(others), places - len(missing)))]

    def all(self) -> Sequence[_Made]:
        """All that can be a control where the whole list is read."""
        return list(self._made)

    def learn(self, controls: Collection[_Made], held: Mapping[str, object], began: float) -> None:
        """A look-up that began at that time asked for these and found what is in `held`, by uuid."""
        first = []
        for made in controls:
            age = began - made.at
            if made.uuid not in held:
                self.missed(age)
                made.missed = True
                if age <= self._grace:
                    self._missing[made.uuid] = made
                else:
                    self._missing.pop(made.uuid, None)
                continue
            if made.missed and not made.shown:
                self.came_late(age)
            if not made.shown:
                first.append(age)
            made.shown = True
            self._missing.pop(made.uuid, None)
        if len(first) >= _ENOUGH:
            self._seen.append((began, sorted(first)[_ENOUGH - 1]))

    def missed(self, age: float) -> None:
        """A tag of ours was not shown so many seconds after it was made."""
        self._least = max(self._least, _TIMES * age)

    def came_late(self, age: float) -> None:
        """A tag of ours that had been missed showed when it was so old."""
        self._least = max(self._least, age)

    def wait(self, now: float) -> float:
        """Seconds after a lost answer for which absence is not believed. What was seen counts for twice the grace."""
        seen = [age for at, age in self._seen if now - at <= 2 * self._grace]
        if not seen:
            return self._grace
        return min(self._grace, max(FLOOR, self._least, _TIMES * min(seen)))

    def patience(self, uuids: Collection[str], now: float) -> float:
        """Seconds for which it is worth waiting until these tags of the run show: none of them is then older than the
        grace. 0 where one is already: this server does not show what it makes."""
        ages = [now - made.at for made in self._made if made.uuid in uuids]
        return self._grace - min(ages) if ages and max(ages) <= self._grace else 0.0
