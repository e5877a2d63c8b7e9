"""The options of `tag-importer sandbox` and `apply --sandbox`, and fault plans, turned into settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec.structs import replace

from importer.errors import Spot, UsageError
from importer.sandbox.settings import SandboxSettings
from importer.shipped import shipped

_LARGEST = 1_000_000


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

    `plan` is the name of a shipped one (`lossy`), a YAML file, or the YAML itself (`stale_reads: 2`).
    UsageError for anything else, and for mistakes in it.
    """
    name, text = f"'{plan[:60]}'", plan
    if ": " not in plan:
        path = shipped("faults", f"{plan}.yaml")
        if not path.is_file():
            path = Path(plan)
        name = str(path)
        try:
            if path.stat().st_size > _LARGEST:
                raise UsageError(f"{path} is too large for a fault plan")
            text = path.read_text(encoding="utf-8")
        except OSError as problem:
            known = ", ".join(sorted(one.stem for one in shipped("faults").glob("*.yaml")))
            raise UsageError(
                f"the fault plan '{plan}' cannot be read: {problem.strerror}",
                hint=f"give one of {known}, a YAML file, or YAML like 'faults: [{{do: slow, chance: 0.1}}]'",
            ) from problem
        except UnicodeDecodeError as problem:
            raise UsageError(f"the fault plan {path} is not UTF-8 text") from problem
    try:
        given = yaml.load(text, Loader=yaml.CSafeLoader)
        settings = msgspec.convert(given, SandboxSettings)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        spot = Spot(name, mark.line + 1, mark.column + 1) if mark else Spot(name)
        raise UsageError(f"{spot}: the fault plan is not valid YAML: {problem.problem}") from problem
    except msgspec.ValidationError as problem:
        raise UsageError(f"the fault plan {name} is wrong: {problem}") from problem
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise UsageError(f"the fault plan {name} is not valid YAML") from problem
    return {field: getattr(settings, field) for field in given}
