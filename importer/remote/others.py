"""What everybody else uses of a limit, as far as the counts that the server tells show it."""

from __future__ import annotations

from collections import deque
from typing import Final

_SAMPLE: Final = 0.02
"""Share of the span between two samples."""
_TREND: Final = 0.2
"""Share of the span over which growth is measured at least: over less, one call more or fewer is chance."""
_CHANCE: Final = 0.5
"""Calls of a growth that may be chance: what comes evenly is seen one call early or late."""
_STEADY: Final = 0.8
"""Share of what is expected that others who come evenly have in the window at least."""
_MEMORY: Final = 2
"""Spans for which the most that was expected is remembered."""


class Others:
    """Calls of others in the window, and how many are to be reckoned with. Times are seconds of one clock."""

    __slots__ = ("_most", "_samples", "_span", "count")

    def __init__(self, span: float) -> None:
        self.count = 0
        """Calls of theirs that are in the window."""
        self._span = span
        self._most = 0
        self._samples: deque[tuple[float, int, int]] = deque()
        """When, how many they had, and how many were expected."""

    def counted(self, now: float, least: int, most: int) -> None:
        """They have between `least` and `most` calls in the window: how many of the calls are our own is not certain.

        What is known already is changed no further than that.
        """
        self.count = max(0, least, min(self.count, most))
        samples = self._samples
        if samples and now - samples[-1][0] < self._span * _SAMPLE:
            return
        while samples and samples[0][0] < now - _MEMORY * self._span:
            samples.popleft()
        shortest = self._span * _TREND
        rate = max(
            (
                (self.count - then - _CHANCE) / max(now - at, shortest)
                for at, then, _ in samples
                if now - at <= self._span
            ),
            default=0.0,
        )
        samples.append((now, self.count, max(self.count, round(rate * self._span))))
        self._most = max(expected for _, _, expected in samples)

    def begin_again(self) -> None:
        """From now on others may come at another rate: what was measured before says nothing about it."""
        self._samples.clear()

    @property
    def expected(self) -> int:
        """Calls to reckon with: the most there were lately, or that a span would have brought as fast as they grew."""
        return max(self.count, self._most)

    @property
    def unsteady(self) -> bool:
        """Whether they have clearly fewer calls in the window than are to be reckoned with: more may come at once."""
        return self.count < _STEADY * self.expected
