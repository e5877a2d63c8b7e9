"""The main job, end to end, through the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloudflare import Cloudflare

from tests.behaviour.program import Cli, Served

SAMPLES = ["actors.csv", "actors.xlsx", "actors.stix20.json", "actors.stix21.json", "actors.misp.json"]
ACTORS = 38


def results(run: Path) -> list[dict[str, str]]:
    with (run / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summary(run: Path) -> Any:
    return json.loads((run / "summary.json").read_text(encoding="utf-8"))


def held(served: Served) -> dict[str, Any]:
    """What the account holds, read with the official SDK."""
    client = Cloudflare(api_token=served.env["CLOUDFLARE_API_TOKEN"], base_url=served.env["CLOUDFLARE_BASE_URL"])
    tags: dict[str, Any] = {}
    page = 1
    while True:
        answer = client.cloudforce_one.threat_events.tags.list(
            account_id=served.env["CLOUDFLARE_ACCOUNT_ID"], page=page, page_size=500
        )
        for tag in answer.tags:
            assert tag.value not in tags, f"{tag.value} is there twice"
            tags[tag.value] = tag
        if page >= answer.pagination.total_pages:
            return tags
        page += 1


@pytest.mark.parametrize("name", SAMPLES)
def test_each_sample_creates_every_actor_once_and_the_second_run_nothing(
    name: str, cli: Cli, samples: Path, tmp_path: Path
) -> None:
    """Every kind of list arrives complete in the sandbox, and a second run finds what the first one made."""
    first = cli("apply", samples / name, "--sandbox", "--yes", "--out", "one")
    assert first.code == 0, first.err + first.out
    assert summary(tmp_path / "one")["counts"]["created"] == ACTORS
    second = cli("apply", samples / name, "--sandbox", "--yes", "--out", "two")
    assert second.code == 0, second.err + second.out
    counts = summary(tmp_path / "two")["counts"]
    assert counts["created"] == 0
    assert sum(counts.values()) == len(results(tmp_path / "two")) == ACTORS
    assert all(row["_uuid"] for row in results(tmp_path / "two"))


def test_what_arrives_is_what_the_list_says(
    cli: Cli, samples: Path, serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Read back with the official SDK, a tag has the name, aliases, country, motive and references of its row."""
    served = serve()
    ran = cli("apply", samples / "actors.csv", "--yes", "--out", "run", env=served.env)
    assert ran.code == 0, ran.err
    tags = held(served)
    assert len(tags) == ACTORS
    tag = tags["Amber Jackal"]
    assert tag.origin_country_iso == "IR"
    assert tag.motive == "Espionage"
    assert tag.actor_category == "Nation State"
    assert tag.alias_group_names_internal == ["Dust Courier", "UNC-A0417"]
    assert not tag.alias_group_names, "aliases are private unless the mapping says public"
    assert not tag.external_reference_links, "the row is marked amber: its link is in the private notes"
    assert "https://reports.example.org/amber-jackal" in str(tag.internal_description)
    assert tags["Cinder Otter"].external_reference_links
    uuids = {row["Actor"]: row["_uuid"] for row in results(tmp_path / "run")}
    assert uuids == {name: tag.uuid for name, tag in tags.items()}


def test_a_dry_run_writes_nothing(cli: Cli, samples: Path, serve: Callable[..., Served]) -> None:
    """`plan` and `apply --dry-run` are one path, print one plan and leave the account as it is."""
    served = serve()
    plan = cli("plan", samples / "actors.csv", env=served.env)
    dry = cli("apply", samples / "actors.csv", "--dry-run", env=served.env)
    assert plan.code == dry.code == 0, plan.err + dry.err
    assert plan.out == dry.out
    assert str(ACTORS) in plan.out
    assert held(served) == {}
    assert cli("plan", samples / "actors.csv", "--detailed-exitcode", env=served.env).code == 10


def test_the_list_with_mistakes_is_explained_cell_by_cell(cli: Cli, samples: Path) -> None:
    """`validate` names each mistake with file, sheet, cell, value and what is allowed, and exits 1."""
    ran = cli("validate", samples / "mistakes.xlsx")
    assert ran.code == 1
    expected = {
        "Actors!A3": "",
        "Actors!C4": "Chnia",
        "Actors!D5": "Monney",
        "Actors!E6": "Nation Stat",
        "Actors!G7": "31/02/2015",
        "Actors!H8": "11",
        "Actors!I9": "orange",
        "Actors!C10": "Vietnam or Laos",
        "Actors!H11": "high-ish",
        "Actors!A12": "amber jackal",
        "Actors!G14": "03/04/2016",
        "Actors!J15": "reports example org",
        "Actors!C16": "Middle East",
    }
    assert "mistakes.xlsx" in ran.out
    for cell, value in expected.items():
        assert cell in ran.out, f"{cell} is not named:\n{ran.out}"
        assert value in ran.out, f"{value!r} is not shown:\n{ran.out}"
    for nearest in ("China", "Nation State"):
        assert nearest in ran.out


def test_failed_rows_can_be_mended_and_imported_again(cli: Cli, samples: Path, tmp_path: Path) -> None:
    """failed.xlsx holds the rows that need work, under the same headers, and is a source as it stands."""
    ran = cli("apply", samples / "mistakes.xlsx", "--sandbox", "--yes", "--out", "run")
    assert ran.code == 1, ran.err
    counts = summary(tmp_path / "run")["counts"]
    assert sum(counts.values()) == 15
    again = cli("validate", tmp_path / "run" / "failed.xlsx")
    assert again.code == 1
    assert "orange" in again.out


def test_a_missing_file_is_exit_3(cli: Cli) -> None:
    """A source that is not there stops before anything else, by name."""
    ran = cli("apply", "nowhere.csv", "--sandbox", "--yes")
    assert ran.code == 3
    assert "nowhere.csv" in ran.err


def test_a_bad_mapping_is_exit_2_with_line_and_column(cli: Cli, samples: Path, tmp_path: Path) -> None:
    """A wrong word in a mapping is told with its place and the nearest valid word."""
    shown = cli("mapping", "show", "spreadsheet")
    assert shown.code == 0
    (tmp_path / "bad.yaml").write_text(shown.out.replace("\nfields:", "\nfeilds:", 1), encoding="utf-8")
    ran = cli("validate", samples / "actors.csv", "--mapping", "bad.yaml")
    assert ran.code == 2
    assert "bad.yaml:" in ran.err
    assert "fields" in ran.err


def test_a_wrong_token_costs_one_call(cli: Cli, samples: Path, serve: Callable[..., Served]) -> None:
    """A refused token ends the run at once with exit code 4, and never shows the token."""
    served = serve()
    env = {**served.env, "CLOUDFLARE_API_TOKEN": "wr0ng-t0ken"}
    ran = cli("apply", samples / "actors.csv", "--yes", "--format", "json", env=env)
    assert ran.code == 4
    assert "wr0ng-t0ken" not in ran.err + ran.out


def test_no_account_is_exit_2_and_says_which_variable(cli: Cli, samples: Path) -> None:
    """Without account or token nothing is attempted, and the message names what to set."""
    ran = cli("apply", samples / "actors.csv", "--yes")
    assert ran.code == 2
    assert "CLOUDFLARE_ACCOUNT_ID" in ran.err
    assert "CLOUDFLARE_API_TOKEN" in ran.err


@pytest.mark.parametrize(("given", "meant"), [("--sandbx", "--sandbox"), ("--mdoe=upsert", "--mode")])
def test_a_mistyped_flag_is_told_with_the_nearest_one(cli: Cli, samples: Path, given: str, meant: str) -> None:
    """An unknown flag ends with exit 2 and one line that names the flag of this command that comes closest."""
    ran = cli("plan", samples / "actors.csv", given)
    assert (ran.code, ran.out) == (2, "")
    assert f"there is no flag {given.partition('=')[0]}; did you mean {meant}?" in ran.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("aply", "x.csv"), "COMMAND: there is no 'aply'; did you mean apply?"),
        (("plan", "x.csv", "--mode", "upsrt"), "--mode: unknown word 'upsrt'; did you mean 'upsert'?"),
        (("plan", "x.csv", "--mode", "all"), "unknown word 'all'; allowed: create, update, upsert"),
        (("mapping", "lst"), "did you mean list?"),
        (("runs", "prune", "a", "b"), "there is no place for a b"),
    ],
)
def test_a_word_that_is_not_one_of_those_allowed_is_told_with_the_nearest(
    cli: Cli, words: tuple[str, ...], told: str
) -> None:
    """A mistyped command or choice, or a word too many, ends with exit 2 and what it was probably meant to be."""
    ran = cli(*words)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
