"""The account that a command works on: the real one, or the embedded sandbox."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from importer.atomic import private_folder
from importer.clock import Clock
from importer.engine.lock import account_lock, state_dir
from importer.engine.shared_budget import SharedBudget
from importer.errors import AccessRefused, LockHeld, StoppedEarly, UsageError, os_errors
from importer.pipeline.session import Session
from importer.planning.cost import Budget
from importer.planning.options import Account
from importer.planning.returned import Returned
from importer.planning.source_ids import SourceIds
from importer.remote.api import Api, open_api
from importer.remote.events import Remark
from importer.remote.failures import CallFailed, Meaning
from importer.remote.pacer import PacerSettings
from importer.remote.settings import ApiSettings
from importer.settings.settings import Settings

SANDBOX_WINDOW: Final = 5.0
"""Seconds in which the embedded sandbox's budget of 1,200 calls comes back (the API: 300). Practice need not wait."""
_LOOK: Final = 0.2
"""Seconds between two looks at a lock that another run holds."""


class Target(Struct, frozen=True):
    """An open account."""

    api: Api
    sandbox: bool
    returned: Returned
    """What is remembered of how this account gives back what it is sent."""
    ids: SourceIds
    """What is remembered of the ids by which sources know its tags."""

    @property
    def account_id(self) -> str:
        return self.api.settings.account_id

    def budget(self, settings: Settings) -> Budget:
        """The rate limit as far as it is known by now."""
        quota, window = self.api.pacer.limit()
        return Budget(quota, window, settings.reserve, remaining=self.api.pacer.left(), resets_in=window)


@asynccontextmanager
async def open_target(session: Session, *, tries: int = 10) -> AsyncIterator[Target]:
    """The account of the settings, for `async with`. UsageError where account, token or endpoint are missing.

    A read that fails is tried `tries` times.
    """
    settings, clock, observe = session.settings, session.clock, session.observe
    async with AsyncExitStack() as stack:
        if settings.sandbox:
            from importer.sandbox.server import Sandbox
            from importer.sandbox.settings import SandboxSettings, read_options

            base = SandboxSettings(window=SANDBOX_WINDOW, block=SANDBOX_WINDOW)
            served = read_options(faults=settings.faults, base=base)
            database = settings.database
            with os_errors(f"the sandbox's folder {database.parent} cannot be made"):
                private_folder(database.parent)
            sandbox = await stack.enter_async_context(Sandbox(served, database=database))
            account, token, base_url = served.account_id, served.token, sandbox.base_url
        else:
            if settings.faults:
                raise UsageError("--fault is for the sandbox", hint="add --sandbox, or start `tag-importer sandbox`")
            known = settings.credentials()
            account, token, base_url = known.account, known.token, known.base_url
            for remark in known.remarks:
                observe(Remark(remark))
        api_settings = ApiSettings(
            account, token, base_url, concurrency=settings.pacing.concurrency,
            connect_timeout=min(10.0, settings.pacing.timeout), total_timeout=settings.pacing.timeout,
            read_attempts=tries,
        )  # fmt: skip
        pacing = PacerSettings(
            settings.pacing.quota,
            settings.pacing.window,
            settings.reserve,
            settings.pacing.max_wait,
            per_address=api_settings.production,
        )
        shared = None if settings.sandbox else _shared(api_settings, clock)
        earlier = shared.earlier if shared is not None else None
        opened = open_api(api_settings, pacing, clock=clock, observe=observe, earlier=earlier)
        api = await stack.enter_async_context(opened)
        if shared is not None:
            await stack.enter_async_context(shared.kept(api.pacer))
        name = settings.account_name(account)
        yield Target(api, settings.sandbox, Returned(_memory("returned", name)), SourceIds(_memory("ids", name)))


@asynccontextmanager
async def locked(session: Session, target: Target) -> AsyncIterator[None]:
    """Hold the locks of account and token while inside: the limit is the token's, whichever account it is used for."""
    async with held(session, lock_names(session, target)):
        yield


@asynccontextmanager
async def held(session: Session, names: Mapping[str, str]) -> AsyncIterator[None]:
    """Hold these locks while inside: what each is of, and its name. LockHeld (exit 7) when not free.

    None is kept while waiting for another, so that no two runs wait for each other. With --wait they are looked at
    again and again, which a signal can end.
    """
    settings, clock = session.settings, session.clock
    until = clock.monotonic() + settings.pacing.lock_wait
    said = settings.quiet
    while True:
        try:
            with ExitStack() as taken:
                for what, name in names.items():
                    taken.enter_context(account_lock(name, run=session.folder.run, what=what))
                stack = taken.pop_all()
            break
        except LockHeld as other:
            if clock.monotonic() >= until:
                raise
            if not said:
                session.observer.tell(f"waiting: {other.message}", event="waiting-for-lock")
            said = True
        await clock.sleep(_LOOK)
    with stack:
        yield


def lock_names(session: Session, target: Target) -> dict[str, str]:
    """What a run holds the lock of, each with its name."""
    if target.sandbox:  # each of its databases counts as an account
        return {"account": f"sandbox {session.settings.database.resolve()}"}
    names = {"account": target.account_id, "token": token_lock(target.api.settings.token_key)}
    return {what: name for what, name in names.items() if what != "token" or not session.token_held}


def token_lock(key: str) -> str:
    """The name of a token's lock."""
    return f"token {key}"


def reset_sandbox(database: Path) -> None:
    """Forget all that the embedded sandbox holds and that is remembered of it.

    LockHeld while a run is under way there, UsageError where a file cannot be deleted.
    """
    name = f"sandbox {database.resolve()}"
    files = [Path(f"{database}{ending}") for ending in ("", "-wal", "-shm")]
    files += [path for what in ("returned", "ids") if (path := _memory(what, name)) is not None]
    with account_lock(name):
        for path in files:
            with os_errors(f"{path} cannot be deleted"):
                path.unlink(missing_ok=True)


def _shared(settings: ApiSettings, clock: Clock) -> SharedBudget | None:
    """The budget of the token; None where no state can be kept: only what changes an account insists on that."""
    try:
        return SharedBudget(state_dir() / "budgets" / settings.token_key, clock)
    except UsageError:
        return None


def _memory(what: str, account: str) -> Path | None:
    """Where something is remembered of an account; None where nothing can be kept."""
    try:
        return state_dir() / what / f"{hashlib.sha256(account.encode()).hexdigest()[:16]}.json"
    except UsageError:
        return None


@contextmanager
def explained(doing: str, api: Api) -> Iterator[None]:
    """Turn a call that failed before anything was changed into the error that says so."""
    try:
        yield
    except CallFailed as failed:
        if failed.failure.access or failed.status == 403:
            hint = "The token needs the permission Cloudforce One Write (Read for a plan) on this account."
            if failed.failure.code == "blocked":
                hint = f"Something between here and the API may have answered: a firewall, a proxy, a VPN. Or: {hint}"
            raise AccessRefused(f"{doing} was refused: {failed}", hint=hint) from failed
        if failed.failure.code in ("no-route", "not-found"):
            raise UsageError(
                f"{doing} failed: {failed.failure.sentence} (HTTP {failed.status}): {failed.url}, for the account "
                f"{api.settings.account_id}" + (f": {failed.detail}" if failed.detail else ""),
                hint="Check the account id (CLOUDFLARE_ACCOUNT_ID) and the base URL (CLOUDFLARE_BASE_URL, like "
                "https://api.cloudflare.com/client/v4). Nothing was changed.",
            ) from failed
        again = "" if failed.failure.stops or failed.failure.meaning is Meaning.REFUSED else "; run it again"
        raise StoppedEarly(f"{doing} failed: {failed}", hint=f"Nothing was changed{again}.") from failed


async def read_account(target: Target, *, categories: bool) -> Account:
    """What the account holds. Categories are a call more, made only where they matter."""
    with explained("reading the account's tags", target.api):
        tags = await target.api.list_tags()
    held = None
    if categories:
        with explained("reading the account's categories", target.api):
            held = await target.api.list_categories()
    return Account(target.account_id, tags, held, target.returned, target.ids)
