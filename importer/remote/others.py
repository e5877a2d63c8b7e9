"""What everybody else uses of a limit, as far as the counts that the server tells show it."""

from __future__ import annotations

from collections import deque
from math import inf, sqrt
from typing import Final

_SAMPLE: Final = 0.02
"""Share of the span between two samples."""
_TREND: Final = 0.2
"""Share of the span over which growth is measured at least: over less, one call more or fewer is chance."""
_MEMORY: Final = 3
"""Spans for which what they had is remembered."""
_STEADY: Final = 0.8
"""Share of what is expected that others who come evenly have in the window at least."""
_CHANCE: Final = 0.7
"""Calls that may come beside so many: this times their root, while nobody knows how evenly they come."""
_SPREAD: Final = 0.45
"""Share of the width within which their calls moved that they may leave it by."""
_LEAST: Final = 0.2
"""As _CHANCE, where they have been seen to come evenly."""


class Others:
    """Calls of others in the window, and how many are to be reckoned with. Times are seconds of one clock."""

    __slots__ = ("_samples", "_span", "_steady_since", "count", "expected")

    def __init__(self, span: float) -> None:
        self.count = 0
        """Calls of theirs that are in the window."""
        self.expected = 0
        """Calls to reckon with: the most there were lately, or that a span brings as fast as they grow, and what chance
        may add."""
        self._span = span
        self._samples: deque[tuple[float, int, float]] = deque()
        """When, how many they had, and how many a span would have brought as fast as they grew."""
        self._steady_since = -inf

    def counted(self, now: float, least: int, most: int) -> None:
        """They have between `least` and `most` calls in the window: how many of the calls are our own is not certain.

        What is known already is changed no further than that.
        """
        count = self.count = max(0, least, min(self.count, most))
        samples, span = self._samples, self._span
        if samples and now - samples[-1][0] < span * _SAMPLE:
            self.expected = max(count, self.expected)
            return
        while samples and samples[0][0] < now - _MEMORY * span:
            samples.popleft()
        lately = [sample for sample in samples if now - sample[0] <= span]
        growing = max(
            (
                (count - then - 1 + _CHANCE * sqrt(count - then)) * span / max(now - at, span * _TREND)
                for at, then, _ in lately
                if count > then
            ),
            default=0.0,
        )
        samples.append((now, count, growing))
        if growing * _STEADY > count + _CHANCE * sqrt(count):
            self._steady_since = now
        highest = max(then for _, then, _ in samples)
        margin = _CHANCE * sqrt(highest)
        if now - self._steady_since >= span:
            lowest = min(then for at, then, _ in samples if at >= self._steady_since)
            margin = max((highest - lowest) * _SPREAD, _LEAST * sqrt(highest), 1.0)
        self.expected = int(max(highest + margin, growing, *(rate for _, _, rate in lately))) if highest else 0

    def begin_again(self) -> None:
        """From now on others may come at another rate: what was measured before says nothing about it."""
        self._samples.clear()

    @property
    def unsteady(self) -> bool:
        """Whether they have clearly fewer calls in the window than are to be reckoned with: more may come at once."""
        return self.count < _STEADY * self.expected
