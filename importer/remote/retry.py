"""Trying a call again, with tenacity. Entered only after a first failure, so that a call that works pays nothing."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from importer.clock import Clock
from importer.remote.events import Observe, Retrying
from importer.remote.failures import CallFailed, Meaning

T = TypeVar("T")
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 8.0


def pause(failed: CallFailed, attempt: int, chance: random.Random) -> float:
    """Seconds before the attempt after number `attempt`: doubling, with jitter, never less than a Retry-After."""
    if failed.failure.meaning is Meaning.LIMITED:
        return 0.0  # the pacer holds everyone back for the whole Retry-After
    ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * float(2 ** (min(attempt, 20) - 1)))
    return max(failed.retry_after, ceiling * (0.5 + chance.random() / 2))


async def again(
    call: Callable[[], Awaitable[T]],
    first: CallFailed,
    *,
    attempts: int,
    wanted: Callable[[CallFailed], bool],
    clock: Clock,
    chance: random.Random,
    observe: Observe,
    what: tuple[str, str],
    longest: float = float("inf"),
) -> T:
    """Make `call` again after it failed with `first`, as often as `wanted` agrees, `attempts` times in all.

    A 429 is not an attempt; a pause over `longest` seconds is not made.
    `what` is the kind of call and the key of the change. Raises the last CallFailed.
    """
    from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

    done, last = 1, first
    limited = Meaning.LIMITED

    def unwanted(error: BaseException) -> bool:
        return isinstance(error, CallFailed) and not error.failure.stops and wanted(error)

    def wait(state: RetryCallState) -> float:
        nonlocal done, last
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, CallFailed):
            last = error
            done += error.failure.meaning is not limited
        return pause(last, done, chance)

    def tell(seconds: float) -> None:
        observe(Retrying(*what, done, last.failure.code, seconds))

    if first.failure.stops or not wanted(first) or (done >= attempts and first.failure.meaning is not limited):
        raise first

    async def once() -> T:  # tenacity awaits only what it sees to be a coroutine function
        return await call()

    seconds = pause(first, done, chance)
    if seconds > longest:
        raise first
    tell(seconds)
    await clock.sleep(seconds)
    loop = AsyncRetrying(
        sleep=clock.sleep,
        wait=wait,
        stop=lambda state: done >= attempts or state.upcoming_sleep > longest,
        retry=retry_if_exception(unwanted),
        before_sleep=lambda state: tell(state.upcoming_sleep),
        reraise=True,
    )
    return await loop(once)
