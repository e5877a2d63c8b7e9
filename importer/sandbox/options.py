"""The options of `tag-importer sandbox` and `apply --sandbox`, turned into settings and a fault plan."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from importer.errors import UsageError
from importer.sandbox.fault_text import parse_options, read_plan
from importer.sandbox.fault_words import FAULTS
from importer.sandbox.faults import FaultPlan
from importer.sandbox.settings import SandboxSettings


def read_options(
    *,
    token: str | None = None,
    account: str | None = None,
    quota: int | None = None,
    window: float | None = None,
    block: float | None = None,
    latency_ms: float | None = None,
    faults: Sequence[str] = (),
    fault_plan: Path | None = None,
    seed: int | None = None,
    envelope: bool = False,
    base: SandboxSettings | None = None,
) -> tuple[SandboxSettings, FaultPlan]:
    """Settings and plan from what the command line gave; None leaves the default (or `base`) in place.

    A window without a block sets both. `faults` are added to the plan of the file `fault_plan`, and the plan's own
    settings are applied already.
    UsageError, with every mistake in its details, when something is wrong.
    """
    numbers = {"--quota": quota, "--window": window, "--block": block, "--latency": latency_ms, "--seed": seed}
    for flag, number in numbers.items():
        if number is not None and not (math.isfinite(number) and number >= 0):
            raise UsageError(f"{flag} must be a number from 0, not {number}")
    if block is None:
        block = window  # a shorter window is for trying things out, where a block of five minutes helps nobody
    if account is not None and not re.fullmatch(r"[A-Za-z0-9_-]+", account):
        raise UsageError(f"--account must be letters and digits, not {account!r}")
    if window == 0:
        raise UsageError("--window must be more than 0 seconds", hint="--quota 0 means no limit")
    if token is not None and (not token.isascii() or not token.isprintable() or not token.strip()):
        raise UsageError("--token must be printable ASCII text")
    given: dict[str, Any] = {
        "token": token.strip() if token else None,
        "account_id": account,
        "quota": quota,
        "window": window,
        "block": block,
        "latency": None if latency_ms is None else latency_ms / 1000,
        "envelope": envelope or None,
    }
    settings = replace(base or SandboxSettings(), **{name: value for name, value in given.items() if value is not None})
    plan = parse_options(faults, read_plan(fault_plan) if fault_plan else None)
    if seed is not None:
        plan = replace(plan, seed=seed)
    return plan.applied_to(settings), plan


def fault_lines() -> list[tuple[str, str, str]]:
    """Every fault as (name, kind of its value, meaning), for the help."""
    return [(name, word.value.value, word.meaning) for name, word in FAULTS.items()]
