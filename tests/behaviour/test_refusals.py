"""What the server refuses: is it the row, the token, the address, or somebody on the way?"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.inside import Here, last, rows
from tests.behaviour.scripted import ACCOUNT, TOKEN, Asked, Reply, Scripted, error, page

QUICK = ("--grace", "0.4", "--quiet", "--yes")


def _list(folder: Path, count: int = 20) -> Path:
    return rows(folder / "actors.csv", "name,notes", *(f"Actor {n:02},note {n}" for n in range(count)))


def _results(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "run" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def _counts(folder: Path) -> dict[str, int]:
    return {status: count for status, count in last(folder)["counts"].items() if count}


def _apply(here: Here, scripted: Scripted, *more: str) -> Any:
    return here("apply", "actors.csv", "--out", "run", *QUICK, *more, env=scripted.env)


@pytest.mark.parametrize("concurrency", ["1", "50"])
@pytest.mark.parametrize("victim", ["Actor 00", "Actor 07", "Actor 19"])
@pytest.mark.parametrize("reply", [page(403), page(406, "blocked"), page(403, ""), error(403, 1234)])
def test_one_row_that_is_refused(here: Here, scripted: Scripted, concurrency: str, victim: str, reply: Reply) -> None:
    """A firewall that stops one row of twenty, or a 403 of the API for it, costs that row alone, which is named."""
    _list(here.folder)
    scripted.refuse = lambda asked: reply if asked.name == victim else None
    assert _apply(here, scripted, "--concurrency", concurrency).code == 1
    assert _counts(here.folder) == {"created": 19, "failed": 1}
    row = _results(here.folder)[victim]
    assert (row["_status"], row["_code"]) == ("failed", "forbidden" if reply.body[:1] == b"{" else "blocked")
    assert f"HTTP {reply.status}" in row["_message"]
    assert ("8f00-FRA" in row["_message"]) == ("cf-ray" in reply.headers)
    assert here("resume", "run", *QUICK, env=scripted.env).code == 1
    assert len(scripted.names()) == 19


@pytest.mark.parametrize("concurrency", ["1", "50"])
def test_a_single_403_with_code_10000(here: Here, scripted: Scripted, concurrency: str) -> None:
    """One such answer among good writes is tried again, and nothing is left of it."""
    _list(here.folder)
    scripted.refuse = lambda asked: error(403, 10000) if asked.method == "POST" and asked.number == 9 else None
    assert _apply(here, scripted, "--concurrency", concurrency).code == 0
    assert len(scripted.names()) == 20
    assert len(scripted.sent("POST")) == 21


@pytest.mark.parametrize("concurrency", ["1", "5", "50"])
@pytest.mark.parametrize(("reply", "code"), [(error(403, 10000), 4), (error(401, 10000), 4), (page(403), 6)])
def test_refused_from_some_row_on(here: Here, scripted: Scripted, concurrency: str, reply: Reply, code: int) -> None:
    """A token revoked midway (4), or an address that is barred (6), stops the run; the rest can be resumed."""
    _list(here.folder, 60)
    scripted.refuse = lambda asked: reply if asked.method == "POST" and asked.number > 8 else None
    ran = _apply(here, scripted, "--concurrency", concurrency)
    assert ran.code == code, ran.err
    assert _counts(here.folder) == {"created": 8, "not_attempted": 52}
    assert f"HTTP {reply.status}" in ran.err
    assert len(scripted.sent("POST")) < 8 + 60 + 5
    scripted.refuse = lambda asked: None
    assert here("resume", "run", *QUICK, env=scripted.env).code == 0
    assert len(scripted.names()) == len(set(scripted.names())) == 60


def test_many_rows_that_are_stopped_one_by_one(here: Here, scripted: Scripted) -> None:
    """Half of the rows, all under way at once, may be such that a firewall stops them: the others show that."""
    _list(here.folder, 50)
    scripted.refuse = lambda asked: page(403) if asked.name and int(asked.name[-2:]) % 2 == 0 else None
    assert _apply(here, scripted, "--concurrency", "50").code == 1
    assert _counts(here.folder) == {"created": 25, "failed": 25}


@pytest.mark.parametrize("count", [1, 2, 20])
@pytest.mark.parametrize("concurrency", ["1", "50"])
def test_a_token_that_may_only_read(here: Here, scripted: Scripted, count: int, concurrency: str) -> None:
    """Before any write has worked, a 403 of the API is the token's: exit code 4, and a few calls at most."""
    _list(here.folder, count)
    scripted.refuse = lambda asked: error(403, 10000) if asked.method == "POST" else None
    ran = _apply(here, scripted, "--concurrency", concurrency)
    assert ran.code == 4
    assert _counts(here.folder) == {"not_attempted": count}
    assert "permission" in ran.err
    assert len(scripted.sent("POST")) <= (count if concurrency == "50" else min(count, 3))
    assert here("resume", "run", *QUICK, "--concurrency", concurrency, env=scripted.env).code == 4


def test_a_resume_tries_other_rows_first(here: Here, scripted: Scripted) -> None:
    """Rows over which a run stopped come last when it is taken up again: they do not stop it a second time."""
    _list(here.folder)
    first = {"Actor 00", "Actor 01", "Actor 02"}
    scripted.refuse = lambda asked: error(403, 10000) if asked.name in first else None
    assert _apply(here, scripted, "--concurrency", "1").code == 4
    assert here("resume", "run", *QUICK, "--concurrency", "1", env=scripted.env).code == 1
    assert _counts(here.folder) == {"created": 17, "failed": 3}


@pytest.mark.parametrize("reply", [error(403, 10000), page(403), page(403, "")])
def test_a_list_that_is_refused(here: Here, scripted: Scripted, reply: Reply) -> None:
    """When not even reading works, a 403 is exit code 4, whoever answered it."""
    _list(here.folder)
    scripted.refuse = lambda asked: reply
    ran = _apply(here, scripted)
    assert ran.code == 4
    assert ("firewall" in ran.err) == (reply.body[:1] != b"{")
    assert len(scripted.calls) == 1


@pytest.mark.parametrize("reply", [error(404, 7003), error(400, 7000), page(404), error(404), page(405, "")])
def test_a_wrong_address(here: Here, scripted: Scripted, reply: Reply) -> None:
    """A path that the API does not have is a usage error that names URL and account, and no advice to run it again."""
    _list(here.folder)
    scripted.refuse = lambda asked: reply
    ran = here("apply", "actors.csv", "--out", "run", "--yes", env=scripted.env)
    assert ran.code == 2
    flat = "".join(ran.err.split())
    base = scripted.env["CLOUDFLARE_BASE_URL"]
    assert f"{base}/accounts/{ACCOUNT}/cloudforce-one/events/tags,fortheaccount{ACCOUNT}" in flat
    assert "?" not in flat
    assert "again" not in ran.err
    assert TOKEN not in ran.err
    assert len(scripted.calls) == 1


@pytest.mark.parametrize("reply", [error(400, 7001, "nicht eindeutig"), error(409), page(409, ""), error(422)])
@pytest.mark.parametrize("there", [True, False])
def test_a_create_that_is_refused_is_looked_up(here: Here, scripted: Scripted, reply: Reply, there: bool) -> None:
    """Whether it is a conflict is seen in the account, not read from the server's words."""
    _list(here.folder)
    victims = {"Actor 03", "Actor 11", "Actor 19"}

    def refuse(asked: Asked) -> Reply | None:
        if asked.name not in victims:
            return None
        if there:
            scripted.hold({"value": asked.name.upper()})
        return reply

    scripted.refuse = refuse
    ran = _apply(here, scripted)
    assert ran.code == 1
    assert _counts(here.folder) == {"created": 17, "conflict" if there else "failed": 3}
    for name in victims:
        row = _results(here.folder)[name]
        assert f"HTTP {reply.status}" in row["_message"]
        uuids = {uuid for uuid, tag in scripted.tags.items() if tag["value"] == name.upper()}
        assert not there or (row["_code"], {row["_uuid"]}) == ("exists", uuids)
        assert all(uuid in row["_message"] for uuid in uuids)
    assert len(scripted.sent("POST")) == 20


def test_refused_creates_are_looked_up_together(here: Here, scripted: Scripted) -> None:
    """Forty rows that the server refuses cost a few look-ups, not one each."""
    _list(here.folder, 40)
    scripted.refuse = lambda asked: error(400, 7001) if asked.method == "POST" else None
    assert _apply(here, scripted, "--grace", "4").code == 1
    assert _counts(here.folder) == {"failed": 40}
    assert len(scripted.sent("GET")) < 10


@pytest.mark.parametrize(("reply", "calls"), [(error(400, 7001), 2), (error(400, 9109), 1), (error(400, 7003), 1)])
def test_a_list_call_that_is_refused(here: Here, scripted: Scripted, reply: Reply, calls: int) -> None:
    """A 400 on the list is asked about once more, without a page size, unless its code says what it is about."""
    _list(here.folder)
    scripted.refuse = lambda asked: reply
    assert _apply(here, scripted).code in (2, 4, 6)
    assert len(scripted.calls) == calls


def test_a_page_size_that_is_refused(here: Here, scripted: Scripted) -> None:
    """A server that takes smaller pages only is read all the same."""
    scripted.hold(*({"value": f"Other {n}"} for n in range(130)))
    _list(here.folder, 3)
    scripted.refuse = lambda asked: error(400, 1) if int(asked.query.get("pageSize", 50)) > 60 else None
    assert _apply(here, scripted).code == 0
    assert len(scripted.names()) == 133
