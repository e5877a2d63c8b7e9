"""The options of `tag-importer sandbox` and `apply --sandbox`, and fault plans, turned into settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from importer.errors import UsageError
from importer.sandbox.settings import SandboxSettings
from importer.shipped import shipped
from importer.text.typed_yaml import convert
from importer.text.yaml_nodes import Problems, compose, read_file


def read_options(
    *,
    token: str | None = None,
    account: str | None = None,
    quota: int | None = None,
    window: float | None = None,
    block: float | None = None,
    latency_ms: float | None = None,
    faults: Sequence[str] = (),
    seed: int | None = None,
    envelope: bool = False,
    base: SandboxSettings | None = None,
) -> SandboxSettings:
    """Settings from what the command line gave; None leaves the plan's value, or that of `base`, in place.

    `faults` are plans (`read_plan`), each laid over the one before; their lists of faults are joined. A window without
    a block sets both. UsageError when something is wrong.
    """
    settings = base or SandboxSettings()
    for plan in faults:
        given = read_plan(plan)
        settings = replace(settings, **{**given, "faults": (*settings.faults, *given.get("faults", ()))})
    numbers = {"--quota": quota, "--window": window, "--block": block, "--latency": latency_ms, "--seed": seed}
    for flag, number in numbers.items():
        if number is not None and not (math.isfinite(number) and number >= 0):
            raise UsageError(f"{flag} must be a number from 0, not {number}")
    if window == 0:
        raise UsageError("--window must be more than 0 seconds", hint="--quota 0 means no limit")
    if account is not None and not account.replace("-", "").replace("_", "").isalnum():
        raise UsageError(f"--account must be letters and digits, not {account!r}")
    if token is not None and (not token.isascii() or not token.isprintable() or not token.strip()):
        raise UsageError("--token must be printable ASCII text")
    flags = {
        "token": token.strip() if token else None,
        "account_id": account,
        "quota": quota,
        "window": window,
        # a shorter window is for trying things out, where a block of five minutes helps nobody
        "block": window if block is None else block,
        "latency": None if latency_ms is None else latency_ms / 1000,
        "seed": seed,
        "envelope": envelope or None,
    }
    return replace(settings, **{name: value for name, value in flags.items() if value is not None})


def read_plan(plan: str) -> dict[str, Any]:
    """What a fault plan says: fields of SandboxSettings with their values.

    `plan` is the name of a shipped one (`lossy`), a YAML file, or the YAML itself (`stale_reads: 2 s`).
    UsageError for anything else, and for mistakes in it, each with its line and column.
    """
    written = ": " in plan
    path = shipped("faults", f"{plan}.yaml")
    if written or not path.is_file():
        path = Path(plan)
    known = ", ".join(sorted(one.stem for one in shipped("faults").glob("*.yaml")))
    problems = Problems(
        "on the command line" if written else str(path), what="fault plan",
        hint=f"give one of {known}, a YAML file, or YAML like 'faults: [{{do: slow, chance: 10%}}]'",
    )  # fmt: skip
    root = compose(plan if written else read_file(path, problems), problems)
    settings = convert(root, SandboxSettings, problems)
    problems.raise_if_any()
    return {field: getattr(settings, field) for field in root.value}
