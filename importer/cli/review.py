"""`review`: pair after pair at the terminal, one key each; each answer is written to decisions.yaml at once."""

from __future__ import annotations

import getpass
import sys
from argparse import Namespace
from pathlib import Path
from typing import TextIO

from msgspec.structs import replace

from importer.atomic import atomic_text
from importer.cli.console import settings_of
from importer.cli.observer import terminal_to_ask_on
from importer.clock import SystemClock
from importer.errors import ExitCode, UsageError
from importer.model import Pair, Side
from importer.pipeline.drafting import validate
from importer.planning.collisions import speaks_for
from importer.planning.decisions import PairDecision, Verdict, decision_of, parse, undecided, with_pairs
from importer.planning.plan_file import read_plan
from importer.reports.text import visible
from importer.system import one_key

_FILE = "decisions.yaml"
_VERDICTS: dict[str, Verdict] = {"s": "same", "S": "same", "d": "different", "o": "overlaps", "u": "unsure"}
_KEYS = "s same, S same but keep the second name, d different, o overlaps, u unsure, n next, b back, q stop"


def review(namespace: Namespace) -> int:
    """Ask about each pair that nobody has decided; what was decided is kept, and asked never again."""
    if not sys.stdin.isatty():
        raise UsageError("review asks a person, and there is no terminal on standard input")
    sources = namespace.sources
    run = _run(sources)
    settings = settings_of(namespace, () if run is not None else sources)
    path = Path(settings.decisions or _FILE)
    settings = replace(settings, decisions=str(path) if path.exists() else "")
    pairs = read_plan(run).plan.pairs if run is not None else validate(settings).pairs
    text = path.read_text("utf-8-sig") if path.exists() else ""
    asked = undecided(pairs, parse(text, str(path)), stated=bool(getattr(namespace, "stated", False)))
    decided = _ask(asked, path, text)
    print(f"{len(decided):,} decided, {len(asked) - len(decided):,} left: {path}", file=sys.stderr)
    return ExitCode.DONE


def _run(sources: list[str]) -> Path | None:
    """The plan of a run, where one is named."""
    if len(sources) != 1:
        return None
    path = Path(sources[0])
    plan = path if path.name == "plan.json" else path / "plan.json"
    return plan if plan.is_file() else None


def _ask(asked: list[Pair], path: Path, text: str) -> dict[int, PairDecision]:
    decided: dict[int, PairDecision] = {}
    at = 0
    with terminal_to_ask_on() as screen, one_key() as key:
        while at < len(asked):
            _show(screen, asked[at], at + 1, len(asked))
            answer = key()
            if answer in ("q", "", "\x03", "\x04"):
                break
            if answer == "b":
                at = max(0, at - 1)
                decided.pop(at, None)
            elif answer in _VERDICTS:
                pair = asked[at]
                keep = pair.other.name if answer == "S" else ""
                today = SystemClock().now().date().isoformat()
                decided[at] = decision_of(pair, _VERDICTS[answer], keep=keep, by=_person(), on=today)
                at += 1
            elif answer == "n":
                at += 1
            if answer in _VERDICTS or answer == "b":
                _write(path, with_pairs(text, [decided[number] for number in sorted(decided)], str(path)))
    return decided


def _write(path: Path, text: str) -> None:
    try:
        with atomic_text(path, 0o644) as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _person() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a machine without names of users
        return ""


def _show(screen: TextIO, pair: Pair, number: int, total: int) -> None:
    lines = [f"{number:,} of {total:,}", f"  1  {_side(pair.one)}", f"  2  {_side(pair.other)}"]
    lines += [f"     {item.label}  ({item.cell or '-'} | {item.other_cell or '-'})" for item in pair.shared[:12]]
    lines += [f"  {speaks_for(pair)}", f"[{_KEYS}] "]
    screen.write("\n" + "\n".join(map(visible, lines)))
    screen.flush()


def _side(side: Side) -> str:
    country = f", {side.country}" if side.country else ""
    return f"{side.seen_from('')}{country}"
