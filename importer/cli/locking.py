"""One run at a time for an account; each sandbox database counts as an account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from importer.cli.target import Target
from importer.engine.lock import account_lock
from importer.job.settings import Settings


@contextmanager
def locked(settings: Settings, target: Target) -> Iterator[None]:
    """Hold the account's lock while inside. LockHeld (exit 7) when another run has it."""
    account = f"sandbox {settings.sandbox_db.resolve()}" if target.sandbox else target.account_id
    with account_lock(account, wait=settings.lock_wait):
        yield
