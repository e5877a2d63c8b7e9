"""`doctor` finds out what would go wrong before a run does; `explain` says what has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from importer.clock import SystemClock
from importer.engine.lock import account_lock
from importer.network import CA_FILES
from importer.pipeline.doctor import doctor
from importer.pipeline.session import Session
from importer.settings.merge import merge
from tests.behaviour.inside import Here
from tests.behaviour.program import environment
from tests.behaviour.scripted import ACCOUNT, TOKEN, Scripted, error


def checks(here: Here, *more: str, env: dict[str, str] | None = None, code: int = 0) -> dict[str, dict[str, Any]]:
    """The checks by name; the command ends with `code` and never shows the token."""
    ran = here("doctor", "--format", "json", *more, env=env)
    shown = here("doctor", *more, env=env)
    assert (ran.code, shown.code) == (code, code), ran.out
    assert TOKEN not in ran.out + ran.err + shown.out + shown.err
    return {one["name"]: one for one in ran.json["checks"]}


def test_all_is_well_with_one_harmless_call(here: Here, scripted: Scripted) -> None:
    """Everything is looked at with a single read, and nothing is sent that changes anything."""
    found = checks(here, env=scripted.env)
    assert {name: one["state"] for name, one in found.items()} == {
        "versions": "ok", "state folder": "ok", "run folders": "ok", "account": "ok", "endpoint": "warning",
        "proxy": "ok", "call": "ok", "token": "ok", "clock": "ok", "locks": "ok",
    }  # fmt: skip
    assert ACCOUNT in found["account"]["said"]
    assert [call.method for call in scripted.calls] == ["GET", "GET"], "one for each of the two commands"
    assert not (here.folder / "tag-importer-runs").exists()


def test_what_is_missing_is_said_with_what_to_do(here: Here, tmp_path: Path) -> None:
    """Without an account nothing is called; a folder that cannot be written is named."""
    found = checks(here, code=2)
    assert found["account"]["state"] == "failed"
    assert "--sandbox" in found["account"]["todo"]
    assert "call" not in found
    (tmp_path / "file").write_text("")
    found = checks(here, "--sandbox", env={"TAG_IMPORTER_STATE_DIR": str(tmp_path / "file" / "state")}, code=2)
    assert "TAG_IMPORTER_STATE_DIR" in found["state folder"]["todo"]


def test_a_call_that_fails_is_explained(here: Here, scripted: Scripted) -> None:
    """A refused token ends with 4, a server that is not there with 6; each says what to do, after one attempt."""
    scripted.refuse = lambda asked: error(401, 10000)
    found = checks(here, env=scripted.env, code=4)
    assert found["call"]["said"].startswith("unauthorized: ")
    assert "Cloudforce One Write" in found["call"]["todo"]
    found = checks(here, env={**scripted.env, "CLOUDFLARE_BASE_URL": "http://127.0.0.1:9/client/v4"}, code=6)
    assert found["call"]["said"].startswith("not-connected: ")
    assert "CLOUDFLARE_BASE_URL" in found["call"]["todo"]
    assert len(scripted.calls) == 2


def test_the_network_is_described_as_it_is_used(here: Here, scripted: Scripted, tmp_path: Path) -> None:
    """The proxy without its password, the authorities' file, and a token file that others may read."""
    away = {
        **dict.fromkeys(CA_FILES, ""),
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
        "CLOUDFLARE_API_TOKEN_FILE": "token",
        "HTTPS_PROXY": "u:hush@127.0.0.1:9",
    }
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o644)
    found = checks(here, "--timeout", "5 s", env=away, code=6)
    assert found["proxy"]["said"] == "http://127.0.0.1:9, from HTTPS_PROXY"
    assert "hush" not in json.dumps(found)
    assert found["certificates"]["said"] == "those of the system are trusted"
    assert "call" in found
    assert found["call"]["said"].startswith("proxy-refused: ")
    found = checks(here, env={**away, "SSL_CERT_FILE": "none.pem"}, code=2)
    assert found["certificates"]["state"] == "failed"


def test_a_wrong_clock_and_a_run_under_way_are_told(
    here: Here, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock an hour ahead of the server's, and another run that holds the lock, are warnings with what to do."""
    env = environment(here.folder, serve().env)

    class Ahead(SystemClock):
        def now(self) -> datetime:
            return super().now() + timedelta(hours=1)

    monkeypatch.setenv("TAG_IMPORTER_STATE_DIR", str(here.folder / "state"))
    with account_lock(env["CLOUDFLARE_ACCOUNT_ID"]):
        found = {one.name: one for one in asyncio.run(doctor(Session(merge({}, env), Ahead())))}
    assert found["clock"].state == "warning"
    assert "60 min ahead of the server" in found["clock"].said
    assert found["locks"].state == "warning"


def test_explain_is_a_command(here: Here) -> None:
    """A code is explained, as JSON too; all are listed; an unknown one ends with 2 and what is near."""
    assert "Chnia" in here.ok("explain", "unknown-country").out
    assert here.ok("explain", "unknown-country", "--format", "json").json["settle"]
    assert "several-countries" in here.ok("explain").out
    ran = here("explain", "unknown-contry")
    assert ran.code == 2
    assert "unknown-country" in ran.err
