"""A plan that was looked at is what is applied, or nothing is."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.behaviour.inside import Here, rows
from tests.behaviour.test_main_job import results

LIST = ("Red Fox,CN", "Blue Owl,RU", "Green Hen,IR")


@pytest.fixture
def planned(here: Here) -> Path:
    """A saved plan: one tag exists and differs, two are new."""
    rows(here.folder / "a.csv", "Name,Country", "Red Fox,US")
    here.ok("apply", "a.csv", "--sandbox")
    rows(here.folder / "a.csv", "Name,Country", *LIST)
    here.ok("plan", "a.csv", "--sandbox", "--mode", "upsert", "--out", "p")
    return here.folder / "p" / "plan.json"


def test_what_was_planned_is_what_is_done(here: Here, planned: Path) -> None:
    """`apply DIR/plan.json` carries out the saved plan where it lies: same digest, same changes, row by row."""
    predicted = json.loads(planned.read_bytes())
    here.ok("apply", "p/plan.json", "--sandbox")
    told = json.loads((planned.parent / "summary.json").read_text())
    assert told["plan_sha256"] == predicted["sha256"]
    ended = {"create": "created", "update": "updated"}
    assert [row["_status"] for row in results(planned.parent)] == [
        ended[change["action"]] for change in predicted["plan"]["changes"]
    ]
    assert here.tags("--sandbox")["Red Fox"]["originCountryISO"] == "CN"
    again = here("apply", "p/plan.json", "--sandbox")
    assert again.code != 0, "a plan is applied once"
    assert len(here.tags("--sandbox")) == 3


def test_an_altered_plan_is_refused(here: Here, planned: Path) -> None:
    """One letter changed in plan.json, and its hash does not fit; laid out anew it still does."""
    text = planned.read_text()
    planned.write_text(text.replace("Blue Owl", "Blue Eel"))
    ran = here("apply", planned, "--sandbox")
    assert ran.code == 2
    assert "sha256" in ran.err
    planned.write_text(json.dumps(json.loads(text), indent=2))
    here.ok("apply", planned, "--sandbox")


def test_a_changed_source_is_refused_with_the_rows_that_moved(here: Here, planned: Path) -> None:
    """Rows that were edited, taken out or added since are named; nothing is sent."""
    rows(here.folder / "a.csv", "Name,Country", "Red Fox,CN", "Blue Owl,KP", "Green Hen,IR", "New One,US")
    ran = here("apply", planned, "--sandbox")
    assert ran.code == 5
    assert "'Blue Owl' (a.csv #3): the row changed" in ran.err
    assert "a.csv #5: the row is new" in ran.err
    assert "Green Hen" not in ran.err
    rows(here.folder / "a.csv", "Name,Country", *LIST[:2])
    assert "'Green Hen' (a.csv #4): the row is gone" in here("apply", planned, "--sandbox").err
    (here.folder / "a.csv").unlink()
    ran = here("apply", planned, "--sandbox")
    assert ran.code == 5
    assert "a.csv is not there any more" in ran.err
    assert len(here.tags("--sandbox")) == 1


def test_a_changed_account_is_refused_with_the_rows_that_moved(here: Here, planned: Path) -> None:
    """A tag that was created, edited or deleted since is named with its row, the old value and the new one."""
    rows(here.folder / "b.csv", "Name,Country", "Red Fox,KP", "green hen,KP")
    here.ok("apply", "b.csv", "--sandbox", "--mode", "upsert")
    ran = here("apply", planned, "--sandbox")
    assert ran.code == 5
    assert "2 of 3 rows moved" in ran.err
    assert 'originCountryISO was "US", it is "KP"' in ran.err
    assert "'Green Hen'" in ran.err
    assert "Blue Owl" not in ran.err
    assert here.tags("--sandbox")["Red Fox"]["originCountryISO"] == "KP"


def test_a_category_that_is_gone_is_refused(here: Here) -> None:
    """A plan whose category was deleted since stops before its first call, instead of failing row by row."""
    rows(here.folder / "a.csv", "Name", "Red Fox")
    (here.folder / "cat.yaml").write_text("categories: [{name: Cat}]\n")
    here.ok("categories", "apply", "cat.yaml", "--sandbox", "--yes")
    here.ok("plan", "a.csv", "--sandbox", "--category", "Cat", "--out", "p")
    with closing(sqlite3.connect(here.folder / "tag-importer-runs" / "sandbox.sqlite3")) as store, store:
        store.execute("DELETE FROM categories")
    ran = here("apply", "p/plan.json", "--sandbox")
    assert ran.code == 5
    assert "is not there any more" in ran.err


def test_an_edit_elsewhere_in_the_account_is_no_reason_to_refuse(here: Here, planned: Path) -> None:
    """Tags that no row of the plan stands for may come and go."""
    rows(here.folder / "b.csv", "Name", "Somebody Else")
    here.ok("apply", "b.csv", "--sandbox")
    here.ok("apply", planned, "--sandbox")


def test_a_changed_download_is_refused(here: Here) -> None:
    """A list behind a URL is asked for again before its plan is applied."""
    lists = [b"Name\nRed Fox\n", b"Name\nRed Fox\nBlue Owl\n"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(lists[0])))
            self.end_headers()
            self.wfile.write(lists[0])

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        here.ok("plan", f"http://127.0.0.1:{server.server_port}/a.csv", "--sandbox", "--out", "p")
        lists.pop(0)
        ran = here("apply", "p/plan.json", "--sandbox")
    finally:
        server.shutdown()
        server.server_close()
    assert ran.code == 5
    assert "#3: the row is new" in ran.err


def test_a_plan_of_another_account_is_refused(here: Here, planned: Path) -> None:
    """A plan belongs to its account, whatever the environment says today."""
    env = {"CLOUDFLARE_ACCOUNT_ID": "0" * 32, "CLOUDFLARE_API_TOKEN": "x" * 40}
    ran = here("apply", planned, env={**env, "CLOUDFLARE_BASE_URL": "http://127.0.0.1:9/client/v4"})
    assert ran.code == 2
    assert "0" * 32 in ran.err


def test_a_plan_for_a_pull_request_is_markdown(here: Here, planned: Path) -> None:
    """`plan --format markdown` has counts, creates, and each update old -> new; names of a stranger stay text."""
    rows(here.folder / "a.csv", "Name,Country", *LIST, "<b>Bold</b> | [x](http://evil.example),US")
    out = here.ok("plan", "a.csv", "--sandbox", "--mode", "upsert", "--format", "markdown").out
    assert out.startswith("### Tag plan: create 3, update 1")
    assert '`originCountryISO`: `"US"` → `"CN"`' in out
    assert "<b>Bold</b>" not in out.replace("`<b>Bold</b> | [x](http://evil.example)`", "")


def test_the_exit_code_of_a_plan_tells_whether_there_is_work(here: Here, planned: Path) -> None:
    """0 without --detailed-exitcode, 10 with it while changes are pending, 0 when none are, 1 for rows to mend."""
    command = ("plan", "a.csv", "--sandbox", "--mode", "upsert")
    assert here(*command).code == 0
    assert here(*command, "--detailed-exitcode").code == 10
    here.ok("apply", planned, "--sandbox")
    assert here(*command, "--detailed-exitcode").code == 0
    rows(here.folder / "a.csv", "Name,Country", *LIST, ",US")
    assert here(*command, "--detailed-exitcode").code == 1


def test_a_limit_beside_a_saved_plan_holds_and_what_would_change_it_is_refused(here: Here, planned: Path) -> None:
    """What is said beside a plan is never passed over: a limit stops it, a flag of planning is exit 2."""
    limited = here("apply", planned, "--sandbox", "--max-creates", "1")
    assert limited.code == 5
    assert "allow with --max-creates 2" in limited.err
    late = here("apply", planned, "--sandbox", "--mode", "create")
    assert late.code == 2
    assert "--mode came too late" in late.err
    assert len(here.tags("--sandbox")) == 1
    here.ok("apply", planned, "--sandbox", "--max-creates", "2")


def test_a_category_may_only_be_made_where_one_is_named(here: Here) -> None:
    """`--create-category` alone would do nothing, and says so."""
    rows(here.folder / "a.csv", "Name,Country", "Red Fox,US")
    ran = here("apply", "a.csv", "--sandbox", "--create-category")
    assert ran.code == 2
    assert "--category NAME" in ran.err
