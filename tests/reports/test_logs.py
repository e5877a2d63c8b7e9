"""Logs can be read by a person and by a machine, and give nothing away."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from importer.engine.events import AnswerLost, Event, Retrying, RowDone, RunFinished, RunStarted, Stopping, Waiting
from importer.model import Action, Outcome, Status
from importer.reports.logs import Log

from .records import START

EVENTS: tuple[Event, ...] = (
    RunStarted("run-1", 3, 2),
    Retrying("create", "k", 1, "server-error", 0.5),
    AnswerLost("k", 'Evil"\n{"level":"forged"}\x1b[2J', "answer-lost"),
    Waiting(212.0, "quota"),
    RowDone("k", "APT28", Action.CREATE, Outcome("k", Status.CREATED, "u")),
    RowDone("l", "APT29", Action.CREATE, Outcome("l", Status.FAILED, message="refused tok-secret-123")),
    Stopping("Ctrl-C", 10),
    RunFinished("run-1", {"created": 1, "failed": 1, "skipped": 0}, 3.2, "Ctrl-C"),
)


def lines(style: str, **options: Any) -> list[str]:
    written: list[str] = []
    log = Log(written.append, lambda: datetime.fromtimestamp(START.timestamp(), START.tzinfo), style=style, **options)
    for event in EVENTS:
        log.observe(event)
    return written


def test_json_is_one_object_a_line_with_the_run_in_each() -> None:
    """Each line is one JSON object with time, level, event, run and message; no name can forge a line."""
    found = [json.loads(line) for line in lines("json")]
    assert all("\n" not in line and line.isascii() for line in lines("json"))
    assert {one["run"] for one in found} == {"run-1"}
    assert {one["time"] for one in found} == {"2026-11-23T17:40:00.000Z"}
    assert [one["event"] for one in found] == [
        "run-started", "retrying", "answer-lost", "waiting", "row", "stopping", "run-finished",
    ]  # fmt: skip
    assert found[2]["name"] == 'Evil"\n{"level":"forged"}\x1b[2J'
    assert found[-1]["counts"] == {"created": 1, "failed": 1, "skipped": 0}


def test_text_is_one_visible_line_each() -> None:
    """Lines for a person hold no control character and no second line."""
    text = lines("text")
    assert text[0] == "17:40:00 Run run-1 begins: 3 rows, 2 to send."
    assert text[2].startswith('17:40:00 warning: The answer for "Evil')
    assert not any(char in line for line in text for char in "\n\x1b")
    assert text[-1].endswith("stopped early (Ctrl-C) after 3.2 s: created 1, failed 1.")


def test_no_secret_is_written() -> None:
    """A token that found its way into a message is masked, in text and in JSON."""
    for style in ("text", "json"):
        whole = "\n".join(lines(style, secrets=["tok-secret-123", ""]))
        assert "tok-secret-123" not in whole
        assert "refused ***" in whole


def test_a_long_run_tells_how_far_it_is() -> None:
    """Where there is no bar, a line every half a minute says how many rows are done; not one for each row."""
    written: list[str] = []
    seconds = iter(range(100_000))
    log = Log(written.append, lambda: START + timedelta(seconds=next(seconds)))
    log.observe(RunStarted("r", 10_000, 10_000))
    for _ in range(10_000):
        log.observe(RowDone("k", "n", Action.CREATE, Outcome("k", Status.CREATED)))
    told = [line for line in written if "sent." in line]
    assert told[0].endswith(" of 10,000 sent.")
    assert 2 <= len(told) <= 30


def test_quiet_leaves_errors_alone_and_verbose_names_every_row() -> None:
    """--quiet keeps cron's mail empty; verbose logs the rows that went well too."""
    assert lines("text", quiet=True) == []
    assert len(lines("text", verbose=True)) == len(EVENTS)
