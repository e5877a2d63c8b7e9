"""plan.json: a Plan with everything that results.csv and a resume on another machine need. One form, one digest.

    {"created": ..., "format": "tag-importer-plan", "plan": {...}, "sha256": ..., "version": 2}

`sha256` is that of the bytes of `plan`. Inside it each table stands once, as columns of cells; the row of a change is
`[table, position]`, and whatever is empty is left out.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import msgspec

from importer.atomic import atomic_path
from importer.errors import UsageError
from importer.model import Plan
from importer.planning.bulk import many_objects
from importer.planning.canonical import canonical_bytes
from importer.planning.plan_form import from_form, plan_bytes

FORMAT: Final = "tag-importer-plan"
VERSION: Final = 2
_HEAD: Final = 400
_AGAIN: Final = "make the plan again and apply that"


class _Envelope(msgspec.Struct):
    format: str
    version: int
    sha256: str
    plan: msgspec.Raw
    created: str = ""


def plan_digest(plan: Plan) -> str:
    """sha256 of the plan, hex. The time it was made is no part of it."""
    digest = hashlib.sha256()
    with many_objects():
        for piece in plan_bytes(plan):
            digest.update(piece)
    return digest.hexdigest()


def write_plan(path: Path, plan: Plan) -> str:
    """Write the plan (mode 0600, whole or not at all) and return its digest.

    Raises OSError where the folder cannot be written.
    """
    digest = hashlib.sha256()
    with atomic_path(path, forced=True) as temporary, temporary.open("wb") as file:
        file.write(canonical_bytes({"created": plan.created, "format": FORMAT})[:-1] + b',"plan":')
        with many_objects():
            for piece in plan_bytes(plan):
                digest.update(piece)
                file.write(piece)
        file.write(b"," + canonical_bytes({"sha256": digest.hexdigest(), "version": VERSION})[1:] + b"\n")
    return digest.hexdigest()


def is_plan_file(path: Path) -> bool:
    """Whether a file says at its beginning that it is a plan of this program. Raises OSError."""
    with path.open("rb") as file:
        return f'"{FORMAT}"'.encode() in file.read(_HEAD)


def read_plan(path: Path) -> Plan:
    """The plan of this file. Raises UsageError for a file that is missing, no plan, of another version, or altered."""
    plan, _ = read_plan_digest(path)
    return plan


def read_plan_digest(path: Path) -> tuple[Plan, str]:
    """The plan and its digest, in one reading; raises as `read_plan` does."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the plan {path} cannot be read: {error.strerror or error}") from error
    with many_objects():
        return _read(path, data)


def _read(path: Path, data: bytes) -> tuple[Plan, str]:
    envelope, form = _decode(path, data)
    if envelope.format != FORMAT:
        raise UsageError(f"{path} is no plan of this program: its format is {envelope.format[:40]!r}")
    if envelope.version != VERSION:
        raise UsageError(
            f"{path} is a plan of version {envelope.version}, this program reads version {VERSION}",
            hint="make the plan again with this version",
        )
    try:
        plan = from_form(form, created=envelope.created)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} is no whole plan: {error!r}", hint=_AGAIN) from error
    # An editor that only laid it out anew has changed nothing.
    if hashlib.sha256(envelope.plan).hexdigest() != envelope.sha256 and plan_digest(plan) != envelope.sha256:
        raise UsageError(f"{path} was altered after it was made: its sha256 does not match", hint=_AGAIN)
    return plan, envelope.sha256


def _decode(path: Path, data: bytes) -> tuple[_Envelope, Any]:
    """The envelope, and the inside as plain data."""
    try:
        try:
            envelope = msgspec.json.decode(data, type=_Envelope)
            return envelope, msgspec.json.decode(envelope.plan)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # Lone surrogates, see canonical_bytes: legal JSON that the fast decoder refuses.
            whole = json.loads(data)
            form = whole.pop("plan")
            return msgspec.convert({**whole, "plan": msgspec.Raw(b"null")}, _Envelope), form
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path} is no plan of this program", hint="make one with: tag-importer plan SOURCE --out DIR"
        ) from error
