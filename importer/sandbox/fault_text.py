"""Fault plans as text: option strings (`lose-after-commit=10%,calls=create`) and YAML files, read by one grammar."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rapidfuzz import process

from importer.errors import UsageError
from importer.sandbox.fault_file import entries_of
from importer.sandbox.fault_words import CALL_GROUPS, FAULTS, PARAMETERS, PATTERNS, Entry, Given, Value, Word
from importer.sandbox.faults import CALLS, PHASES, Fault, FaultPlan, Outage
from importer.sandbox.settings import Duplicates, Filtering
from importer.shipped import shipped


class _Mistake(Exception):
    """One thing that is wrong with a plan."""


def parse_options(specs: Iterable[str], plan: FaultPlan | None = None) -> FaultPlan:
    """`plan` with the faults of `--fault` options added. UsageError names every mistake at once."""
    entries: list[Entry] = []
    for spec in specs:
        parts = (part.strip() for part in spec.split(","))
        pairs = (part.partition("=") for part in parts if part)
        entries.append(
            [
                Given(word.strip(), tuple(text.strip().split("+")) if text else (), f"--fault {spec}")
                for word, _, text in pairs
            ]
        )
    return build(entries, plan or FaultPlan(), "the fault options are wrong")


def read_plan(path: Path) -> FaultPlan:
    """The plan in a YAML file, or a shipped one by its name (`lossy`).

    UsageError names every mistake with its line and column.
    """
    example = shipped("faults", f"{path}.yaml")
    if path.name == str(path) and not path.exists() and example.is_file():
        path = example
    seed, entries = entries_of(path)
    return build(entries, FaultPlan(seed=seed), f"the fault plan {path} is wrong")


def build(entries: Iterable[Entry], plan: FaultPlan, complaint: str) -> FaultPlan:
    """`plan` with these faults added."""
    mistakes: list[str] = []
    for entry in entries:
        try:
            plan = _added(plan, entry)
        except _Mistake as mistake:
            mistakes.append(str(mistake))
    if mistakes:
        raise UsageError(
            f"{complaint}: {mistakes[0]}" if len(mistakes) == 1 else f"{complaint}, in {len(mistakes)} places",
            details=tuple(mistakes),
        )
    return plan


def _added(plan: FaultPlan, entry: Entry) -> FaultPlan:
    names = [given for given in entry if given.word in FAULTS]
    if not names:
        unknown = next((given for given in entry if given.word not in PARAMETERS), None)
        spot = entry[0].spot if entry else "--fault"
        raise _Mistake(_unknown(unknown, tuple(FAULTS)) if unknown else f"{spot}: names no fault")
    name = names[0]
    word = FAULTS[name.word]
    options: dict[str, Any] = {}
    for given in entry:
        if given is name:
            continue
        if given.word in FAULTS:
            raise _Mistake(f"{given.spot}: '{given.word}' is a second fault in one entry")
        if given.word not in word.parameters:
            raise _Mistake(_unknown(given, word.parameters) + f" of '{name.word}'")
        if given.word in options:
            raise _Mistake(f"{given.spot}: '{given.word}' is given twice")
        options[given.word] = _value(given, PARAMETERS[given.word])
    value = _value(name, word)
    if name.word in PHASES:
        options = {"statuses" if key == "status" else key: content for key, content in options.items()}
        return replace(plan, faults=(*plan.faults, Fault(name.word, value, **options)))
    if name.word == "outage":
        start, end, in_calls = value
        outage = Outage(start, end, in_calls, options.get("answer", 503))
        return replace(plan, outages=(*plan.outages, outage))
    if name.word in _PLAN_FIELDS:
        return replace(plan, **{_PLAN_FIELDS[name.word]: value})
    field, convert = _SETTINGS[name.word]
    return replace(plan, settings=MappingProxyType({**plan.settings, field: convert(value)}))


_PLAN_FIELDS = MappingProxyType(
    {"neighbour": "neighbour", "shifting-pages": "shifting_pages", "revoke-token": "revoke_after"}
)
_SETTINGS: MappingProxyType[str, tuple[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        "stale-reads": ("stale_reads", float),
        "latency": ("latency", float),
        "duplicates": ("duplicates", Duplicates),
        "filters": ("filtering", Filtering),
        "per-second": ("per_second", int),
        "page-size-limit": ("page_size_limit", lambda size: max(1, size)),
        "fixed-window": ("fixed_window", bool),
        "unknown-properties": ("unknown_properties", bool),
        "envelope": ("envelope", bool),
    }
)


def _unknown(given: Given, allowed: tuple[str, ...]) -> str:
    what = "fault" if allowed == tuple(FAULTS) else "parameter"
    near = process.extractOne(given.word, allowed, score_cutoff=60)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(allowed)}" if allowed else "it takes none"
    return f"{given.spot}: unknown {what} '{given.word}'; {hint}"


def _value(given: Given, word: Word) -> Any:
    """The value of the word's kind. _Mistake when the text is none."""
    text = " + ".join(given.texts)
    single = given.texts[0].strip() if len(given.texts) == 1 else ""
    kind = word.value
    if kind is Value.FLAG and (not given.texts or single.lower() in ("true", "on", "yes")):
        return True
    if kind is Value.FLAG and single.lower() in ("false", "off", "no"):
        return False
    if kind is Value.WORD and single in word.words:
        return single
    if kind is Value.CALLS and given.texts:
        return _calls(given)
    if kind in (Value.STATUSES, Value.CUT_OR_STATUS) and given.texts:
        if kind is Value.CUT_OR_STATUS and single == "cut":
            return 0
        statuses = [int(one) for one in given.texts if re.fullmatch(r"5\d\d", one.strip())]
        if len(statuses) == len(given.texts):
            if kind is Value.STATUSES:
                return tuple(statuses)
            if len(statuses) == 1:
                return statuses[0]
    if kind in PATTERNS and re.fullmatch(PATTERNS[kind].strip("^$"), single):
        number = _number(kind, single)
        if number is not None:
            return number
    raise _Mistake(f"{given.spot}: '{given.word}' takes {_expected(word)}, not '{text}'")


def _calls(given: Given) -> frozenset[str]:
    kinds: frozenset[str] = frozenset()
    for text in given.texts:
        word = text.strip()
        if word not in CALLS and word not in CALL_GROUPS:
            known = (*sorted(CALLS), *CALL_GROUPS)
            near = process.extractOne(word, known, score_cutoff=60)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
            raise _Mistake(f"{given.spot}: unknown kind of call '{word}'; {hint}")
        kinds |= CALL_GROUPS.get(word, frozenset({word}))
    return kinds


def _number(kind: Value, text: str) -> Any:
    """The number of a text that has the right pattern; None when it is out of range."""
    if kind is Value.COUNT:
        return int(text)
    if kind is Value.CHANCE:
        chance = float(text.rstrip(" %")) / (100 if text.endswith("%") else 1)
        return chance if chance <= 1 else None
    if kind is Value.SECONDS:
        return _seconds(text)
    if kind is Value.RATE:
        rate = float(text.partition("/")[0])
        return rate / 60 if text.endswith("m") else rate
    start, _, end = (part.strip() for part in text.partition("-"))
    in_calls = not end.endswith("s")
    span = _seconds(start), _seconds(end), in_calls
    return span if span[0] < span[1] and not (in_calls and start.endswith("s")) else None


def _seconds(text: str) -> float:
    if text.endswith("ms"):
        return float(text.removesuffix("ms")) / 1000
    return float(text.removesuffix("s"))


def _expected(word: Word) -> str:
    kinds = {
        Value.CHANCE: "a chance like 10%",
        Value.SECONDS: "a time like 2s or 500ms",
        Value.RATE: "a rate like 2/s",
        Value.COUNT: "a whole number",
        Value.SPAN: "a span like 10s-15s, or 100-200 in calls",
        Value.CALLS: "kinds of call",
        Value.STATUSES: "statuses from 500 to 599",
        Value.CUT_OR_STATUS: "'cut' or a status from 500 to 599",
        Value.FLAG: "on or off",
    }
    return kinds.get(word.value) or f"one of {', '.join(word.words)}"
