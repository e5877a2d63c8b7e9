"""`doctor`: whether a run would work from here, found out with one call that changes nothing."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Final

from importer import __version__
from importer.atomic import private_folder
from importer.engine.lock import account_lock, state_dir
from importer.errors import ExitCode, ImporterError, LockHeld
from importer.network import CA_FILES, proxy_for, ssl_context
from importer.pipeline.account import Target, lock_names, open_target
from importer.pipeline.session import Session
from importer.remote.failures import CallFailed
from importer.remote.settings import PRODUCTION
from importer.reports.explained import codes
from importer.reports.listings import Check, State
from importer.reports.text import count, duration

_LIBRARIES: Final = ("aiohttp", "pandas", "msgspec", "python-calamine", "XlsxWriter")
_SKEW: Final = 60.0
"""Seconds that the clock may be wrong by."""


async def doctor(session: Session) -> list[Check]:
    """Every check that can be made, in the order in which a run needs what they look at."""
    checks = [Check("versions", State.OK, _versions())]
    checks += _folders(session)
    settings = session.settings
    if settings.sandbox:
        checks.append(Check("account", State.OK, f"the embedded sandbox, {settings.database}"))
    else:
        with _told(checks, "account"):
            known = settings.credentials()
            where = "CLOUDFLARE_API_TOKEN" if settings.environ.get("CLOUDFLARE_API_TOKEN") else "its file"
            checks.append(Check("account", State.OK, f"{known.account}, with the token of {where}"))
            mine = known.base_url == PRODUCTION
            said = known.base_url if mine else f"{known.base_url}, not Cloudflare's own"
            todo = "" if mine else "Unset CLOUDFLARE_BASE_URL, if that is not what you want."
            checks.append(Check("endpoint", State.OK if mine else State.WARNING, said, todo))
            for remark in known.remarks:
                if "token file" in remark:
                    said, _, todo = remark.partition("; ")
                    checks.append(Check("token", State.WARNING, said, todo))
            checks += _network(known.base_url)
    if any(one.state is State.FAILED for one in checks):
        return checks  # without these there is nothing to call
    with _told(checks, "call"):
        async with open_target(session, tries=1) as target:
            checks += await _call(session, target)
            checks.append(_locks(session, target))
    return checks


def exit_code(checks: list[Check]) -> int:
    """What a run would end with: the first check's that failed."""
    return next((one.exit_code for one in checks if one.state is State.FAILED), ExitCode.DONE)


@contextmanager
def _told(checks: list[Check], name: str) -> Iterator[None]:
    """An error of ours as a check that failed."""
    try:
        yield
    except ImporterError as error:
        said = "; ".join((error.message, *error.details))
        checks.append(Check(name, State.FAILED, said, error.hint, error.exit_code))


def _versions() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"tag-importer {__version__}, Python {platform.python_version()} on {sys.platform}, {libraries}"


def _folders(session: Session) -> list[Check]:
    checks: list[Check] = []
    settings = session.settings
    with _told(checks, "state folder"):
        for name, folder in (("state folder", state_dir(settings.environ)), ("run folders", settings.runs_dir)):
            try:
                if name == "state folder":  # as the first run would; a folder of runs is made by a run alone
                    private_folder(folder)
                there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
                with tempfile.TemporaryFile(dir=there):
                    checks.append(Check(name, State.OK, f"{folder} can be written"))
            except OSError as error:
                reason = error.strerror or type(error).__name__
                todo = "Set TAG_IMPORTER_STATE_DIR to a folder that can be written." if name == "state folder" else \
                       "Change to a folder that can be written, or name one with --runs-dir."  # fmt: skip
                checks.append(Check(name, State.FAILED, f"{folder} cannot be written: {reason}", todo, ExitCode.USAGE))
    return checks


def _network(base_url: str) -> list[Check]:
    checks: list[Check] = []
    with _told(checks, "proxy"):
        proxy = proxy_for(base_url)
        said = f"{proxy.url}, from {proxy.variable}" if proxy else "none"
        checks.append(Check("proxy", State.OK, said))
    if base_url.startswith("https:"):
        with _told(checks, "certificates"):
            ssl_context()
            named = next((name for name in CA_FILES if os.environ.get(name)), "")
            said = f"those of {os.environ[named]} ({named}), and the system's" if named else "those of the system"
            checks.append(Check("certificates", State.OK, f"{said} are trusted"))
    return checks


async def _call(session: Session, target: Target) -> list[Check]:
    """One look at the list of tags."""
    began = session.clock.monotonic()
    try:
        held = await target.api.count_tags()
    except CallFailed as failed:
        code = failed.failure.code
        todo = codes()[code].settle if code in codes() else ""
        checks = [Check("call", State.FAILED, f"{code}: {failed}", todo, failed.exit_code)]
    else:
        took = duration(session.clock.monotonic() - began)
        left = target.api.pacer.left()
        limit = f"; {left:,} calls are left in the window" if left is not None and left >= 0 else ""
        said = f"{count(held, 'tag') if held >= 0 else 'the tags'} seen in {took}{limit}"
        checks = [
            Check("call", State.OK, said),
            Check("token", State.OK, "accepted for reading; whether it may write shows with the first tag"),
        ]
    return [*checks, *_clock(session, target)]


def _clock(session: Session, target: Target) -> list[Check]:
    try:
        theirs = parsedate_to_datetime(target.api.date)
    except ValueError:
        return []
    off = (session.clock.now().astimezone(UTC) - theirs).total_seconds()
    if abs(off) <= _SKEW:
        return [Check("clock", State.OK, "agrees with the server's to the minute")]
    said = f"this machine is {duration(60 * round(abs(off) / 60))} {'ahead of' if off > 0 else 'behind'} the server"
    return [Check("clock", State.WARNING, said, "Set it right: certificates and the log depend on it.")]


def _locks(session: Session, target: Target) -> Check:
    try:
        with ExitStack() as taken:
            for what, name in lock_names(session, target).items():
                taken.enter_context(account_lock(name, what=what, command="tag-importer doctor"))
    except LockHeld as held:
        return Check("locks", State.WARNING, held.message, held.hint)
    except ImporterError as error:
        return Check("locks", State.FAILED, error.message, error.hint, error.exit_code)
    return Check("locks", State.OK, "free: no other run is under way")
