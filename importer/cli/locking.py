"""One run at a time for an account; each sandbox database counts as an account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Final

from importer.cli.target import Target
from importer.cli.voice import Voice
from importer.clock import Clock, SystemClock
from importer.engine.lock import account_lock
from importer.errors import LockHeld
from importer.job.settings import Settings

_LOOK: Final = 0.2


@asynccontextmanager
async def locked(
    settings: Settings, target: Target, *, run: str = "", clock: Clock | None = None
) -> AsyncIterator[None]:
    """Hold the account's lock while inside; `run` is what others are told. LockHeld (exit 7) when another has it.

    With --wait the lock is looked at again and again, which a signal can end at any moment.
    """
    account = f"sandbox {settings.sandbox_db.resolve()}" if target.sandbox else target.account_id
    clock = clock or SystemClock()
    until = clock.monotonic() + settings.lock_wait
    told = False
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(account_lock(account, run=run))
                break
            except LockHeld as held:
                if clock.monotonic() >= until:
                    raise
                if not told and not settings.quiet:
                    Voice.of(settings, run).tell(f"waiting: {held.message}", event="waiting-for-lock")
                told = True
            await clock.sleep(_LOOK)
        yield
