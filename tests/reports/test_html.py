"""The page of a run, a plan or a check is safe, self-contained and complete, and says what happened."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from importer.errors import SafetyLimit
from importer.masking import Mask
from importer.model import Action, ColumnUse, FieldChange, Issue, Pair, Reading, Severity, Shared, Side, Status
from importer.planning.cost import Cost
from importer.reports import page_data
from importer.reports.formats import PlanResult
from importer.reports.html import check_page, plan_page, run_page, write_page, write_run_page

from .records import START, change, issue, mixed_plan, outcomes, plan, record, row

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}</style></title>\u202e\u2028'


class Tags(HTMLParser):
    """Collects start tags and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@dataclass(frozen=True)
class Read:
    """A page as a person without JavaScript reads it, and the rows as data."""

    page: str
    words: str = field(init=False)

    def __post_init__(self) -> None:
        shown = re.sub(r"<(script|style)\b.*?</\1>", "", self.page, flags=re.DOTALL)
        object.__setattr__(self, "words", " ".join(" ".join(Tags(shown).words).split()))

    @property
    def data(self) -> Any:
        found = re.search(r'<script type="application/json" id="data">(.*?)</script>', self.page, re.DOTALL)
        assert found
        return json.loads(found[1])

    @property
    def sentence(self) -> str:
        return self.page.partition("<h1>")[2].partition("</h1>")[0]


def test_nothing_hostile_becomes_markup(tmp_path: Path) -> None:
    """Names, cells, values, files and messages full of HTML make no element of their own, here or in the data."""
    bad = row(2, HOSTILE, HOSTILE, HOSTILE)
    hostile = run_page(record(tmp_path, plan([change(Action.INVALID, bad, message=HOSTILE, code=HOSTILE,
                                                     issues=(issue(bad.place("Country"), HOSTILE),))])))  # fmt: skip
    tame = run_page(record(tmp_path, plan([change(Action.INVALID, row(2, "a", "b", "c"), message="m", code="c",
                                                  issues=(issue(bad.place("Country"), "v"),))])))  # fmt: skip
    assert [tag for tag, _ in Tags(hostile).tags] == [tag for tag, _ in Tags(tame).tags]
    assert "{{7*7}}" in hostile, "values are not taken for templates"
    assert not re.search("[\u202e\u2028]", hostile)
    assert "<script>alert(1)</script>" in Read(hostile).data["rows"][0][2]


def test_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    """The page loads nothing, and its policy admits exactly its own style and script."""
    text = run_page(record(tmp_path))
    tags = Tags(text).tags
    assert not [attrs for _, attrs in tags if {"src", "srcset", "action", "style", "onclick"} & attrs.keys()]
    assert all(str(attrs["href"]).startswith(("#", "./")) for _, attrs in tags if "href" in attrs)
    policy = next(attrs["content"] for tag, attrs in tags if tag == "meta" and "http-equiv" in attrs) or ""
    assert policy.startswith("default-src 'none'")
    for element in ("style", "script"):
        inline = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        assert len(inline) == 1
        digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy


def test_a_run_in_one_sentence(tmp_path: Path) -> None:
    """What is a tag now, what waits for a resume and what is left to a person are one sentence that adds up."""
    assert Read(run_page(record(tmp_path))).sentence == (
        "3 of 7 actors are tags now; 1 waits to be resumed; 1 row is skipped; 2 rows need you."
    )
    made = plan([change(Action.CREATE, row(number, f"A{number}")) for number in range(2, 12)])
    done = outcomes(*((one.key, Status.CREATED) for one in made.changes))
    assert Read(run_page(record(tmp_path, made, done))).sentence == "All 10 actors are tags now; no row needs you."
    stopped = Read(run_page(record(tmp_path, made, {}, stopped="the API was down")))
    assert stopped.sentence == ("Stopped early: 0 of 10 actors are tags now; 10 wait to be resumed; no row needs you.")
    assert "Stopped: the API was down." in stopped.words
    assert "tag-importer resume" in stopped.words
    undone = plan([change(Action.DELETE, None, "Gone")])
    ended = outcomes((undone.changes[0].key, Status.DELETED))
    assert Read(run_page(record(tmp_path, undone, ended))).sentence == "1 tag was deleted; no row needs you."


def test_a_plan_and_a_check_in_one_sentence() -> None:
    """Before anything is sent the page says what would be done, what it costs, and what to mend first."""
    shown = Read(plan_page(PlanResult(mixed_plan(), cost=Cost(2, 1, 0, 0, 65.0, 1))))
    assert shown.sentence == "Apply would create 2 tags and update 1 tag; 2 of 7 rows need you first."
    assert "2 to create" in shown.words
    assert "3 calls, about 65 s" in shown.words
    checked = Read(check_page(mixed_plan(), "mended/list.xlsx"))
    assert checked.sentence == "2 of 7 rows are ready to be sent; 1 row is skipped; 2 rows need you."
    assert 'href="./mended/list.xlsx"' in checked.page
    one = plan([change(Action.CREATE, row(2, "A"))])
    assert Read(check_page(one)).sentence == "The one row is ready to be sent; no row needs you."
    assert Read(check_page(plan([]))).sentence == "There is no row to be checked."


def test_a_plan_that_a_limit_stops_says_so_first() -> None:
    """The page of a plan beyond a safety limit gives the counts and the override, and no command to carry it out."""
    read = Read(plan_page(PlanResult(mixed_plan()), SafetyLimit("2 tags would be created, limit 1; allow with --x")))
    assert read.sentence.startswith("A safety limit stops this: apply would create 2 tags")
    assert "limit 1; allow with --x." in read.words
    assert "tag-importer apply" not in read.words


def test_what_is_quoted_from_the_right_is_set_apart() -> None:
    """Behind a quoted word in Arabic or Hebrew the sentence goes on as it began."""
    use = ColumnUse("الدولة", "B", "originCountryISO", "header like 'الدولة', 100 % countries", 1)
    words = Read(check_page(plan([], readings=(Reading("a.csv", "", "p", 1, (use,)),)))).words
    assert "'\u2068الدولة\u2069', 100 %" in words  # noqa: RUF001


def test_what_a_person_has_to_do_is_on_the_page(tmp_path: Path) -> None:
    """Each issue has value, cell, field and nearest word; each difference is old to new; the failed file is linked."""
    made = record(tmp_path)
    (tmp_path / "failed.csv").touch()
    read = Read(run_page(made))
    assert "Freedonia this is not a country · nearest: France" in read.words
    assert "Country → originCountryISO · B4" in read.words
    assert 'motive "Fun" → "Espionage"' in read.words
    assert "Mend 3 rows in" not in read.words
    assert 'Mend 2 rows in <a href="./failed.csv">' in read.page


def test_lists_differ_by_entry() -> None:
    """Of a list that changes only the entries that come and go are shown, and how many stay."""
    change_of = FieldChange("aliases", [{"value": "A"}, {"value": "B"}, {"value": "C"}],
                            [{"value": "A"}, {"value": "C"}, {"value": "D"}])  # fmt: skip
    made = plan([change(Action.UPDATE, row(2, "X"), uuid="u", differences=(change_of,))])
    read = Read(plan_page(PlanResult(made)))
    assert re.search(
        r"<del><bdi>\{value: &#34;B&#34;\}</bdi></del> → <ins><bdi>\{value: &#34;D&#34;\}</bdi></ins>", read.page
    )
    assert "2 kept" in read.words
    assert read.data["rows"][0][-1] == ['aliases: - {value: "B"}, + {value: "D"} (2 kept)']


def test_pairs_are_side_by_side() -> None:
    """Two actors that may be one are shown with their places and what speaks for it; a settled pair is not."""
    one, other = Side("Amber Jackal", "actors.csv", row(2, "x").place("Name")), Side("Jackal", "account", id="u-1")
    pair = Pair(one, other, Severity.WARNING, "alias-is-name", (Shared("Dust Courier"),))
    settled = Pair(one, Side("Basalt Heron", "b.csv"), Severity.WARNING, "similar-name", decision="same")
    words = Read(check_page(plan([change(Action.CREATE, row(2, "A"))], pairs=(pair, settled)))).words.replace(" :", ":")
    told = "1 pair Amber Jackal actors.csv A2 Jackal the tag u-1 in the account both have the name 'Dust Courier'"
    assert told in words
    assert "Decide 1 pair with tag-importer review SOURCE --page" in words
    assert "Basalt Heron" not in words


def test_errors_are_never_cut(tmp_path: Path) -> None:
    """All of 700 different errors and all cells of one that occurs 400 times are on the page; warnings may be cut."""

    def bad(number: int, value: str, severity: Severity) -> Any:
        at = row(number, f"A{number}", value)
        found = (issue(at.place("Country"), value, severity),)
        return change(Action.INVALID if severity is Severity.ERROR else Action.CREATE, at, issues=found)

    changes = [bad(number, f"Land {number}", Severity.ERROR) for number in range(2, 702)]
    changes += [bad(number, "Chnia", Severity.ERROR) for number in range(1_000, 1_400)]
    changes += [bad(number, f"Doubt {number}", Severity.WARNING) for number in range(2_000, 2_200)]
    words = Read(check_page(plan(changes))).words
    assert [number for number in range(2, 702) if f"Land {number} " not in words] == []
    assert "Chnia this is not a country" in words
    assert "400 rows" in words
    assert [number for number in range(1_000, 1_400) if f"B{number}" not in words] == []
    assert "150 more of this kind, in the rows below" in words


def test_errors_of_one_row_are_all_in_its_data() -> None:
    """A row with more errors than results.csv has room for keeps every one of them."""
    at = row(2, "A", "x")
    issues = tuple(
        Issue(Severity.ERROR, "too-long", f"mistake {number} {'x' * 500}", at.place("Country"), "f", "v")
        for number in range(50)
    )
    why = Read(check_page(plan([change(Action.INVALID, at, issues=issues)]))).data["rows"][0][7]
    assert [f"mistake {number} " in text for number, text in enumerate(why)] == [True] * 50


def test_rows_are_counted_by_country_motive_and_confidence() -> None:
    """The charts count what is sent; of a tag that is there already they count what its row says."""
    sent = {"value": "A", "originCountryISO": "RU", "motive": {"value": "Espionage", "confidence": 3}, "confidence": 8}
    changes = [change(Action.CREATE, row(number, f"A{number}", "Russia"), body=sent) for number in range(2, 5)]
    changes.append(change(Action.UNCHANGED, row(9, "B", "China"), uuid="u"))
    reading = Reading("actors.csv", "", "spreadsheet", 4, (ColumnUse("Country", "B", "originCountryISO"),))
    data = Read(check_page(plan(changes, readings=(reading,)))).data
    assert [data["countries"][one[4]] for one in data["rows"]] == ["Russian Federation"] * 3 + ["China"]
    assert [data["motives"][one[5]] for one in data["rows"]] == ["Espionage"] * 3 + [""]
    assert [data["scores"][one[6]] for one in data["rows"]] == ["8"] * 3 + [""]


def test_the_time_line_is_the_journals(tmp_path: Path) -> None:
    """Calls, retries and the time in which none was made come out of the journal."""

    def line(event: str, seconds: float, **more: object) -> str:
        at = (START + timedelta(seconds=seconds)).isoformat()
        return json.dumps({"event": event, "at": at, **more})

    lines = [line("run", 0), *(line("intent", at / 10, key=str(at), attempt=1) for at in range(100)),
             line("intent", 100, key="0", attempt=2), line("end", 101)]  # fmt: skip
    (tmp_path / "journal.jsonl").write_text("\n".join(lines) + '\n{"event":"int', "utf-8")
    read = Read(run_page(record(tmp_path)))
    assert "101 calls between 17:40:00 and 17:42:05 UTC, 1 of them sent again, 1 pause" in read.page
    assert "17:40:09: no call was made for 90 s" in read.words
    assert "1 wait for the rate limit, 3 min 32 s in all; 1 retry." in read.words


def test_a_clock_that_was_set_back_is_no_hindrance(tmp_path: Path) -> None:
    """A journal whose times go back, by minutes, has all of its calls in the picture."""
    lines = [
        json.dumps({"event": "intent", "at": (START + timedelta(seconds=at)).isoformat(), "key": str(at), "attempt": 1})
        for at in (50, 51, -900, -899)
    ]
    (tmp_path / "journal.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    assert "4 calls between 17:25:00 and" in Read(run_page(record(tmp_path))).page


def test_of_more_rows_than_a_page_holds_those_that_need_work_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cut is said, and a row that needs work is not what is cut."""
    monkeypatch.setattr(page_data, "ROWS", 20)
    rows = [change(Action.UNCHANGED, row(number, f"A{number}")) for number in range(2, 50)]
    rows.append(change(Action.INVALID, row(60, "Last One")))
    read = Read(run_page(record(tmp_path, plan(rows), {})))
    assert "20 of 49 rows are on this page, those that need work first; results.csv has all of them." in read.words
    assert read.data["rows"][0][2] == "Last One"
    assert len(read.data["rows"]) == 20


def test_ten_thousand_rows_are_a_small_file(tmp_path: Path) -> None:
    """Of 10,000 rows all are on the page, in less than 2 MB, and the file is its owner's alone."""
    rows = [change(Action.CREATE, row(number, f"A{number}", "RU", "")) for number in range(10_000)]
    write_run_page(
        tmp_path / "report.html", record(tmp_path, plan(rows), outcomes(*((one.key, Status.CREATED) for one in rows)))
    )
    assert (tmp_path / "report.html").stat().st_mode & 0o777 == 0o600
    text = (tmp_path / "report.html").read_text("utf-8")
    assert len(text) < 2_000_000
    assert len(Read(text).data["rows"]) == 10_000


def test_no_secret_is_on_a_page(tmp_path: Path) -> None:
    """A token that a list holds is masked, in what is shown and in the data."""
    secret = "cf-token-0123456789abcdef"
    made = plan([change(Action.CREATE, row(2, f"APT {secret}"))])
    write_page(tmp_path / "page.html", plan_page(PlanResult(made)), Mask([secret]))
    text = (tmp_path / "page.html").read_text("utf-8")
    assert secret not in text
    assert "APT ***" in text
