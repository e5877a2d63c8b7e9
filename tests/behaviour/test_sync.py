"""Keeping an account in step with a list: modes, blank cells, precedence, and what an unchanged night costs."""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.behaviour.inside import Here, Recorder, last, rows
from tests.behaviour.program import Served
from tests.behaviour.test_main_job import results

HEADER = "Name,Aliases,Country,Motive,Description,Priority,action"
FIRST = ('Red Fox,"Zorro, Vulpes",CN,Espionage,A fox,3,', 'Blue Owl,"Strix, Noctua",RU,Financial,,5,')
RUNS = Path("tag-importer-runs")


def test_create_only_creates_and_shows_what_differs(here: Here) -> None:
    """In create mode an existing name is skipped, its differences are told, and the account keeps what it has."""
    rows(here.folder / "a.csv", HEADER, *FIRST)
    here.ok("apply", "a.csv", "--sandbox")
    rows(here.folder / "a.csv", HEADER, "red  fox,,US,Financial,,9,", "Green Hen,,IR,,,,")
    ran = here.ok("apply", "a.csv", "--sandbox", "--out", "run")
    assert [row["_status"] for row in results(here.folder / "run")] == ["skipped", "created"]
    assert "originCountryISO" in results(here.folder / "run")[0]["_message"]
    assert 'motive: "Espionage" -> "Financial"' in here.ok("plan", "a.csv", "--sandbox").out
    assert here.tags("--sandbox")["Red Fox"]["originCountryISO"] == "CN"
    assert "skipped" in ran.out


def test_update_only_updates(here: Here) -> None:
    """In update mode a name that the account does not have is skipped as absent."""
    rows(here.folder / "a.csv", HEADER, *FIRST)
    here.ok("apply", "a.csv", "--sandbox")
    rows(here.folder / "a.csv", HEADER, "Red Fox,,US,,,,", "Green Hen,,IR,,,,")
    here.ok("apply", "a.csv", "--sandbox", "--mode", "update", "--out", "run")
    found = results(here.folder / "run")
    assert [(row["_status"], row["_code"]) for row in found] == [("updated", ""), ("skipped", "absent")]
    assert set(here.tags("--sandbox")) == {"Red Fox", "Blue Owl"}


def test_a_patch_holds_the_differing_fields_alone(
    here: Here, serve: Callable[..., Served], recorded: Callable[[dict[str, str]], Recorder]
) -> None:
    """Order of aliases, case of a country and blank cells make no difference; what differs is all that is sent."""
    calls = recorded(serve().env)
    rows(here.folder / "a.csv", HEADER, *FIRST)
    here.ok("apply", "a.csv", env=calls.env)
    rows(
        here.folder / "a.csv",
        HEADER,
        'Red Fox,"Vulpes, Zorro",chn,Espionage,A red fox,3,',
        'Blue Owl,"Noctua, Strix",Russia,,,,',
    )
    calls.calls.clear()
    here.ok("apply", "a.csv", "--mode", "upsert", "--max-updates", "none", env=calls.env)
    assert calls.sent("PATCH") == [{"description": "A red fox"}]
    assert calls.sent("POST") == []


def test_a_blank_leaves_alone_and_a_word_or_the_mapping_empties(here: Here) -> None:
    """`#CLEAR` in a cell, or `on_blank: clear` in the mapping, empties a field; a blank cell alone never does."""
    rows(here.folder / "a.csv", HEADER, *FIRST)
    here.ok("apply", "a.csv", "--sandbox")
    rows(here.folder / "a.csv", HEADER, "Red Fox,,#CLEAR,,,#CLEAR,", "Blue Owl,,,,,,")
    here.ok("apply", "a.csv", "--sandbox", "--mode", "upsert", "--max-updates", "none")
    held = here.tags("--sandbox")
    assert not held["Red Fox"].get("originCountryISO")
    assert not held["Red Fox"].get("priority")
    assert held["Red Fox"]["description"] == "A fox"
    assert held["Blue Owl"]["motive"] == "Financial"
    (here.folder / "m.yaml").write_text(
        "name: m\nfields:\n  value: {column: Name}\n  motive: {column: Motive, on_blank: clear}\n"
        "  aliasGroupNamesInternal: {column: Aliases, on_blank: clear}\n"
    )
    again = ("apply", "a.csv", "--sandbox", "--mode", "upsert", "--mapping", "m.yaml", "--max-updates", "none")
    here.ok(*again, "--max-drift", "none")
    held = here.tags("--sandbox")
    assert not held["Blue Owl"].get("motive")
    assert not held["Red Fox"].get("aliasGroupNamesInternal")
    here.ok(*again)
    assert last(here.folder / RUNS)["counts"]["unchanged"] == 2


def test_a_score_is_taken_off_for_good(here: Here) -> None:
    """`#CLEAR` in a confidence's cell takes it off the tag and leaves value and TLP; the next run is unchanged."""
    (here.folder / "m.yaml").write_text(
        "name: m\nfields:\n  value: {column: Name}\n  motive: {column: Motive, confidence: mc, tlp: mt}\n"
    )
    how = ("a.csv", "--sandbox", "--mode", "upsert", "--mapping", "m.yaml")
    rows(here.folder / "a.csv", "Name,Motive,mc,mt", "Red Fox,Financial,5,red")
    here.ok("apply", *how)
    rows(here.folder / "a.csv", "Name,Motive,mc,mt", "Red Fox,Financial,#CLEAR,red")
    assert '-> {value: "Financial", tlp: "red"}' in here.ok("plan", *how).out
    here.ok("apply", *how, "--max-updates", "none")
    here.ok("apply", *how)
    assert last(here.folder / RUNS)["counts"]["unchanged"] == 1


def test_the_action_column_chooses_for_its_row(here: Here) -> None:
    """`action` narrows what the mode allows, row by row, and never widens it."""
    rows(here.folder / "a.csv", HEADER, *FIRST)
    here.ok("apply", "a.csv", "--sandbox")
    rows(
        here.folder / "a.csv",
        HEADER,
        "Red Fox,,US,,,,skip",
        "Blue Owl,,US,,,,create",
        "Green Hen,,US,,,,update",
        "Pink Pig,,US,,,,upsert",
    )
    plan = here.ok("plan", "a.csv", "--sandbox", "--mode", "upsert", "--format", "json").json
    assert {name: number for name, number in plan["actions"].items() if number} == {"create": 1, "skip": 3}
    plan = here.ok("plan", "a.csv", "--sandbox", "--mode", "update", "--format", "json").json
    assert plan["actions"]["create"] == 0


def test_the_first_source_of_a_job_counts(here: Here) -> None:
    """Of two rows with one name that of the more trusted source is used; the other is skipped and told."""
    rows(here.folder / "in" / "team.csv", "Name,Country", "Red Fox,CN")
    rows(here.folder / "in" / "feed.csv", "Name,Country", "RED FOX,US", "Blue Owl,RU")
    (here.folder / "job.yaml").write_text("sources: [in/team.csv, in/feed.csv]\nmode: upsert\noutput: {runs: r}\n")
    here.ok("apply", "job.yaml", "--sandbox", "--quiet")
    held = here.tags("--sandbox", "--sandbox-db", "r/sandbox.sqlite3")
    assert {name: tag["originCountryISO"] for name, tag in held.items()} == {"Red Fox": "CN", "Blue Owl": "RU"}
    assert last(here.folder / "r")["counts"]["skipped"] == 1


def test_flags_override_the_environment_which_overrides_the_job(here: Here) -> None:
    """One setting, three places: the flag wins, then the environment, then the file."""
    rows(here.folder / "a.csv", "Name", "Red Fox")
    (here.folder / "job.yaml").write_text("sources: a.csv\nmode: create\n")
    env = {"TAG_IMPORTER_MODE": "update"}
    for given, expected, flags in (({}, "create", ()), (env, "update", ()), (env, "upsert", ("--mode", "upsert"))):
        plan = here("plan", "job.yaml", "--sandbox", "--format", "json", *flags, env=given)
        assert plan.json["mode"] == expected


def test_a_job_file_with_mistakes_names_line_and_column(here: Here) -> None:
    """Every mistake of a job file is told at once with its line and column, and what a token must not do there."""
    (here.folder / "job.yaml").write_text(
        "sources: a.csv\nmodee: upsert\nlimits: {updates: lots}\ncategory: ${TEAM}\ntoken: s3cr3t-t0ken\n"
    )
    ran = here("apply", "job.yaml", "--sandbox")
    assert ran.code == 2
    for said in ("job.yaml:2:1", "'mode'", "job.yaml:3:", "job.yaml:4:", "job.yaml:5:1", "token_file"):
        assert said in ran.err, ran.err
    assert "s3cr3t-t0ken" not in ran.err


def test_variables_and_secret_files_are_read_where_they_are_meant(here: Here, serve: Callable[..., Served]) -> None:
    """Account and token come through `${NAME}` and a file; a cell that looks like a variable stays a text."""
    served = serve()
    (here.folder / "token").write_text(served.env["CLOUDFLARE_API_TOKEN"] + "\n")
    rows(here.folder / "a.csv", "Name,Description", "Red Fox,${HOME}")
    (here.folder / "job.yaml").write_text("account: ${TEAM}\ntoken_file: ${CREDS}/token\nsources: a.csv\n")
    env = {
        "TEAM": served.env["CLOUDFLARE_ACCOUNT_ID"],
        "CREDS": str(here.folder),
        "CLOUDFLARE_BASE_URL": served.env["CLOUDFLARE_BASE_URL"],
    }
    here.ok("apply", "job.yaml", "--quiet", env=env)
    assert here.tags(env=served.env)["Red Fox"]["description"] == "${HOME}"
    ran = here("apply", "job.yaml", "--quiet", env={**env, "TEAM": ""})
    assert ran.code == 2
    assert "job.yaml:1:10" in ran.err
    assert "TEAM" in ran.err


def multiplied(database: Path, times: int) -> None:
    """Copies of the sandbox's one tag `Actor 00000`, as if they had been created one by one."""
    store = sqlite3.connect(database)
    columns = "account, uuid, folded, category, created, foreign_made, fields, answer, needle"
    row = store.execute(f"SELECT {columns} FROM tags").fetchone()
    copies = []
    for number in range(1, times):
        new = {"00000": f"{number:05d}", row[1]: str(uuid.uuid4())}
        copy = []
        for cell in row:
            for old, text in new.items():
                cell = cell.replace(old, text) if isinstance(cell, str) and cell != row[0] else cell
            copy.append(cell)
        copies.append(copy)
    with store:
        store.executemany(f"INSERT INTO tags ({columns}) VALUES ({', '.join('?' * 9)})", copies)
    store.close()


def test_ten_thousand_unchanged_tags_cost_the_list_calls_alone(here: Here) -> None:
    """A night on which nothing changed reads the account's pages, takes seconds, and leaves little behind."""
    lines = [f"Actor {n:05d},,IR,Espionage,A longer text about what is known,5," for n in range(10_000)]
    rows(here.folder / "a.csv", HEADER, lines[0])
    here.ok("apply", "a.csv", "--sandbox", "--quiet", "--out", "first")
    multiplied(here.folder / RUNS / "sandbox.sqlite3", 10_000)
    source = rows(here.folder / "a.csv", HEADER, *lines)
    began = time.monotonic()
    here.ok("apply", "a.csv", "--sandbox", "--quiet", "--mode", "upsert", "--out", "second")
    assert time.monotonic() - began < 10
    told = last(here.folder)
    assert told["counts"]["unchanged"] == told["rows"] == 10_000
    assert set(told["calls"]) == {"list", "total"}
    assert len(results(here.folder / "second")) == 10_000
    sizes = {path.name: path.stat().st_size for path in (here.folder / "second").iterdir()}
    assert sizes.pop("results.csv") < source.stat().st_size + 10_000 * 120, "a line for each row, and no more"
    assert sizes.pop("report.html") < 10_000 * 120, "all rows are in the page, in few words"
    assert sum(sizes.values()) < 10_000 * 100, sizes
    for command in (("report", "second"), ("resume", "second", "--sandbox")):
        here.ok(*command)
    assert len(results(here.folder / "second")) == 10_000


@contextmanager
def listening(body: bytes) -> Iterator[tuple[str, list[int]]]:
    """A server of one list with an ETag; the statuses that it answered."""
    answered: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            same = self.headers.get("If-None-Match") == '"one"'
            answered.append(304 if same else 200)
            self.send_response(answered[-1])
            self.send_header("ETag", '"one"')
            self.send_header("Content-Length", "0" if same else str(len(body)))
            self.end_headers()
            if not same:
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/actors.csv", answered
    finally:
        server.shutdown()
        server.server_close()


def test_an_unchanged_list_is_not_downloaded_again(here: Here) -> None:
    """A source with an ETag is asked about, answered 304, and planned from what was kept."""
    with listening(b"Name,Country\nRed Fox,CN\n") as (url, answered):
        for _ in range(2):
            here.ok("apply", url, "--sandbox", "--mode", "upsert", "--quiet")
        assert answered == [200, 304]
        assert last(here.folder / RUNS)["counts"]["unchanged"] == 1
    gone = here("apply", url, "--sandbox", "--mode", "upsert", "--quiet")
    assert gone.code == 3, "what was kept is not a list of tonight"


@pytest.mark.parametrize("kind", ["actors.csv", "actors.stix21.json", "actors.misp.json"])
def test_apply_then_plan_gives_no_change(here: Here, samples: Path, kind: str) -> None:
    """After any sample was applied, an upsert of the same list has nothing to do."""
    here.ok("apply", samples / kind, "--sandbox", "--quiet")
    plan = here.ok("plan", samples / kind, "--sandbox", "--mode", "upsert", "--format", "json", "--detailed-exitcode")
    assert plan.json["actions"]["unchanged"] == plan.json["rows"]
