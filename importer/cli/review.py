"""`review`: pair after pair, at the terminal or on a page; each answer is written to decisions.yaml at once."""

from __future__ import annotations

import getpass
import sys
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TextIO

from msgspec.structs import replace

from importer.cli.console import settings_of, tell
from importer.cli.observer import terminal_to_ask_on
from importer.clock import SystemClock
from importer.engine.lock import account_lock
from importer.errors import ExitCode, UsageError
from importer.masking import Mask
from importer.model import Pair, Plan, Side
from importer.pipeline.validation import check
from importer.planning.collisions import speaks_for
from importer.planning.decisions import AskedValue, Verdict
from importer.planning.plan_file import read_plan
from importer.planning.review import FileChanged, NotAnAnswer, Review
from importer.reports.run_record import issues_of
from importer.reports.text import count, quoted, visible
from importer.system import one_key

_FILE = "decisions.yaml"
_PATIENCE = 10.0
"""Seconds for which another review is waited for: it holds the file while it writes, and no longer."""
_VERDICTS: dict[str, Verdict] = {"s": "same", "S": "same", "d": "different", "o": "overlaps", "u": "unsure"}
_PAIR_KEYS = "s same, S same but keep the second name, d different, o overlaps, u unsure, n next, b back, q stop"
_VALUE_KEYS = "m say what it means, l leave it as it is and do not ask again, n next, b back, q stop"


def review(namespace: Namespace) -> int:
    """Ask about each pair and each value that nobody has decided; what was decided is kept, and asked never again."""
    page = getattr(namespace, "page", False) or getattr(namespace, "open", False)
    if not page and not sys.stdin.isatty():
        raise UsageError(
            "review asks a person, and there is no terminal on standard input", hint="--page asks in a browser."
        )
    run = _run(namespace.sources)
    settings = settings_of(namespace, () if run is not None else namespace.sources)
    path = Path(settings.decisions or _FILE)
    settings = replace(settings, decisions=str(path) if path.exists() else "")
    plan = read_plan(run).plan if run is not None else check(settings)[0]
    today = SystemClock().now().date().isoformat()
    stated = bool(getattr(namespace, "stated", False))
    lock = partial(account_lock, str(path.resolve()), what="file of decisions", wait=_PATIENCE)
    held = Review(path, plan.pairs, issues_of(plan), stated=stated, by=_person(), on=today, lock=lock)
    if page:
        _on_page(plan, held, Mask(settings.secrets()), open_it=getattr(namespace, "open", False))
    else:
        _ask(held)
    print(f"{len(held.decided):,} decided, {len(held.asked) - len(held.decided):,} left: {path}", file=sys.stderr)
    return ExitCode.DONE


def _run(sources: list[str]) -> Path | None:
    """The plan of a run, where one is named."""
    if len(sources) != 1:
        return None
    path = Path(sources[0])
    plan = path if path.name == "plan.json" else path / "plan.json"
    return plan if plan.is_file() else None


def _ask(review: Review) -> None:
    at = 0
    with terminal_to_ask_on() as screen, one_key() as (key, line):
        while at < len(review.asked):
            asked = review.asked[at]
            _show(screen, asked, f"{at + 1:,} of {len(review.asked):,}")
            answer = key()
            if answer in ("q", "", "\x03", "\x04"):
                break
            try:
                if answer == "b":
                    at = max(0, at - 1)
                    review.undo(at)
                elif answer == "n":
                    at += 1
                elif isinstance(asked, Pair) and answer in _VERDICTS:
                    review.decide(at, _VERDICTS[answer], keep=int(answer == "S"))
                    at += 1
                elif isinstance(asked, AskedValue) and (answer in ("m", "l") or (answer == "y" and asked.nearest)):
                    means = asked.nearest if answer == "y" else _typed(screen, line) if answer == "m" else ""
                    review.decide(at, "leave" if answer == "l" else "means", means=means)
                    at += 1
            except FileChanged as changed:
                at = 0
                screen.write(f"\n{visible(changed.message)}\n")
            except NotAnAnswer as wrong:
                screen.write(f"\n{visible(wrong.message)}\n")


def _typed(screen: TextIO, line: Callable[[], str]) -> str:
    screen.write("\nmeans: ")
    screen.flush()
    return line()


def _on_page(plan: Plan, review: Review, mask: Mask, *, open_it: bool) -> None:
    """The same in a browser; one is opened only if that was asked for."""
    import asyncio
    import webbrowser

    from importer.pipeline.review_server import ReviewServer
    from importer.reports.html import review_page

    with TemporaryDirectory() as folder:  # for its owner alone

        def listening(url: str) -> None:
            tell("Decide on this page, which the link opens once; its Done, Ctrl-C or half an hour unused ends it:")
            print(url, flush=True)
            if open_it:
                # Others can see a browser's command line: it gets a file that leads on, and not the link.
                file = Path(folder, "review.html")
                file.write_text(f'<meta http-equiv="refresh" content="0;url={url}">', "utf-8")
                Thread(target=opened, args=(file.as_uri(),), daemon=True).start()  # some return when they are closed

        def opened(address: str) -> None:
            if not webbrowser.open(address):
                tell("No browser could be opened: open the link by hand.")

        def page(path: str) -> tuple[str, str]:
            text, policy = review_page(plan, review, path)
            return mask.text(text), policy

        asyncio.run(ReviewServer(review, page, SystemClock()).serve(listening))


def _person() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a machine without names of users
        return ""


def _show(screen: TextIO, asked: Pair | AskedValue, number: str) -> None:
    if isinstance(asked, Pair):
        keys, lines = _PAIR_KEYS, [f"  1  {_side(asked.one)}", f"  2  {_side(asked.other)}"]
        lines += [f"     {item.label}  ({item.cell or '-'} | {item.other_cell or '-'})" for item in asked.shared[:12]]
        lines.append(f"  {speaks_for(asked)}")
    else:
        keys = f"y it means {asked.nearest}, {_VALUE_KEYS}" if asked.nearest else _VALUE_KEYS
        lines = [f"  {quoted(asked.value)} {asked.issue.message} ({asked.field})",
                 f"  {count(asked.count, 'row')}: {', '.join(asked.cells)}"]  # fmt: skip
    screen.write("\n" + "\n".join(map(visible, [number, *lines, f"[{keys}] "])))
    screen.flush()


def _side(side: Side) -> str:
    country = f", {side.country}" if side.country else ""
    return f"{side.seen_from('')}{country}"
