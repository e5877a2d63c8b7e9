"""Trying again has an end, and a pause that is too long is not begun."""

from __future__ import annotations

import random

import pytest

from importer.remote.events import Event, Retrying
from importer.remote.failures import CallFailed, failure
from importer.remote.retry import again

from .virtual_time import VirtualClock, run


def _busy(retry_after: float) -> CallFailed:
    return CallFailed(failure("server-error"), status=503, retry_after=retry_after)


@pytest.mark.parametrize(("pauses", "calls", "seconds"), [
    ([901], 0, 0),
    ([900, 901], 1, 900),
    ([900, 900, 901], 2, 1800),
    ([60, 70, 80, 90, 100], 4, 300),
])  # fmt: skip
def test_a_pause_longer_than_the_longest_is_not_made(pauses: list[float], calls: int, seconds: float) -> None:
    """A Retry-After is waited for whole or not at all: over `longest` the failure itself is what comes back."""

    async def main(clock: VirtualClock) -> None:
        made: list[float] = []
        events: list[Event] = []

        async def call() -> None:
            made.append(clock.monotonic())
            raise _busy(pauses[len(made)])

        with pytest.raises(CallFailed) as failed:
            await again(
                call, _busy(pauses[0]), attempts=5, wanted=lambda _: True, clock=clock, chance=random.Random(0),
                observe=events.append, what=("list", ""), longest=900,
            )  # fmt: skip
        assert failed.value.retry_after == pauses[len(made)]
        assert len(made) == calls
        assert clock.monotonic() == pytest.approx(seconds)
        told = [event.seconds for event in events if isinstance(event, Retrying)]
        assert told == pauses[:calls]

    run(main)
