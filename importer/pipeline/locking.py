"""One run at a time for an account and for a token; each sandbox database counts as an account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Final

from importer.clock import Clock, SystemClock
from importer.engine.lock import account_lock
from importer.errors import LockHeld
from importer.pipeline.account import Target
from importer.settings.settings import Settings

_LOOK: Final = 0.2


@asynccontextmanager
async def locked(
    settings: Settings, target: Target, tell: Callable[..., None], *, run: str = "", clock: Clock | None = None
) -> AsyncIterator[None]:
    """Hold the locks of account and token while inside; `run` is what others are told. LockHeld (exit 7) when not free.

    The limit belongs to the token, whichever account it is used for. Neither lock is kept while waiting for the other,
    so that no two runs wait for each other. With --wait they are looked at again and again, which a signal can end.
    """
    if target.sandbox:
        names = {"account": f"sandbox {settings.database.resolve()}"}
    else:
        names = {"account": target.account_id, "token": f"token {target.api.settings.token_key}"}
    clock = clock or SystemClock()
    until = clock.monotonic() + settings.pacing.lock_wait
    told = False
    while True:
        try:
            with ExitStack() as taken:
                for what, name in names.items():
                    taken.enter_context(account_lock(name, run=run, what=what))
                stack = taken.pop_all()
            break
        except LockHeld as held:
            if clock.monotonic() >= until:
                raise
            if not told and not settings.quiet:
                tell(f"waiting: {held.message}", event="waiting-for-lock")
            told = True
        await clock.sleep(_LOOK)
    with stack:
        yield
