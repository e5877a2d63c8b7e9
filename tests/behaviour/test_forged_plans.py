"""A plan or a run folder that somebody mailed shows what it sends, and does nothing that a plan made here would not."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.inside import Here, rows
from tests.planning.forged import forge


@pytest.fixture
def saved(here: Here) -> Path:
    """A saved plan of mode upsert: `Sly Newt` exists and gets another motive, `Grey Vole` is new."""
    rows(here.folder / "a.csv", "Name,Motive,Description", "Sly Newt,Financial,Keeps to itself")
    here.ok("apply", "a.csv", "--sandbox")
    rows(here.folder / "a.csv", "Name,Motive,Description", "Sly Newt,Espionage,", "Grey Vole,Financial,")
    here.ok("plan", "a.csv", "--sandbox", "--mode", "upsert", "--out", "p")
    return here.folder / "p" / "plan.json"


def _update(plan: dict[str, Any]) -> dict[str, Any]:
    return next(change for change in plan["changes"] if change["action"] == "update")


def _create(plan: dict[str, Any]) -> dict[str, Any]:
    return next(change for change in plan["changes"] if change["action"] == "create")


def test_a_plan_from_elsewhere_is_carried_out_only_when_it_is_named(here: Here, saved: Path) -> None:
    """Unsealed, it is refused with --yes and where nobody can be asked; the start of its sha256 lets it pass."""
    digest = forge(saved, lambda plan: None)
    for flags in ((), ("--yes",)):
        ran = here("apply", saved, "--sandbox", *flags)
        assert ran.code == 2
        assert f"--trust-plan {digest[:12]}" in ran.err
    assert here("apply", saved, "--sandbox", "--trust-plan", "0" * 12).code == 2
    assert here("apply", saved, "--sandbox", "--trust-plan", digest[:8]).code == 2
    assert "Grey Vole" not in here.tags("--sandbox")
    shown = here("apply", saved, "--sandbox", "--dry-run")
    assert "Made elsewhere" in shown.out
    here.ok("apply", saved, "--sandbox", "--trust-plan", digest[:12])
    assert "Grey Vole" in here.tags("--sandbox")


def test_a_plan_made_here_needs_no_name(here: Here, saved: Path) -> None:
    """The seal of this user's key is enough, also for a copy in another folder; a new hash breaks it."""
    copy = here.folder / "elsewhere" / "plan.json"
    copy.parent.mkdir()
    copy.write_bytes(saved.read_bytes())
    assert "Made elsewhere" not in here("apply", copy, "--sandbox", "--dry-run").out
    forge(saved, lambda plan: _create(plan)["body"].update(description="added"), seal=True)
    assert here("apply", saved, "--sandbox", "--yes").code == 2
    here.ok("apply", copy, "--sandbox", "--yes")


def test_what_is_shown_of_an_update_is_what_it_sends(here: Here, saved: Path) -> None:
    """Fields that a forger adds to the body are shown as the others are."""
    digest = forge(saved, lambda plan: _update(plan)["body"].update(value="Owned", description=""))
    shown = here("apply", saved, "--sandbox", "--dry-run", "--trust-plan", digest)
    assert shown.code == 5, "the plan says that the tag held no description"
    assert "description" in shown.err
    digest = forge(saved, lambda plan: _update(plan)["old"].update(value="Sly Newt", description="Keeps to itself"))
    shown = here("apply", saved, "--sandbox", "--dry-run", "--trust-plan", digest)
    assert '"Sly Newt" -> "Owned"' in shown.out
    assert 'description: "Keeps to itself" -> ""' in shown.out


Forgery = Callable[[dict[str, Any]], object]
FORGERIES: dict[str, Forgery] = {
    "another name for a new tag": lambda plan: _create(plan).update(name="New Guy"),
    "differences of its own": lambda plan: _update(plan).update(differences=[["motive", "Financial", "Espionage"]]),
    "an update without what it saw": lambda plan: _update(plan).pop("seen"),
    "an update in mode create": lambda plan: plan.update(mode="create"),
    "a mode that is none": lambda plan: plan.update(mode="delete"),
    "a field that tags have not": lambda plan: _create(plan)["body"].update(isAdmin=True),
    "a value that no list may have": lambda plan: _create(plan)["body"].update(originCountryISO="Freedonia"),
    "a link that runs code": lambda plan: _create(plan)["body"].update(externalReferenceLinks=["javascript:alert(1)"]),
    "a body for a row that is skipped": lambda plan: _create(plan).update(action="skip"),
    "the uuid of another tag": lambda plan: _update(plan).update(name="Grey Vole"),
    "one key twice": lambda plan: _create(plan).update(key=_update(plan)["key"]),
    "a delete that was not planned": lambda plan: _update(plan).update(action="delete", body={}, old={}),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_plan_that_contradicts_itself_is_refused(here: Here, saved: Path, forgery: Forgery) -> None:
    """Even when it is named, and with --yes: exit 2, the place is said, and nothing is sent."""
    before = here.tags("--sandbox")
    digest = forge(saved, forgery)
    ran = here("apply", saved, "--sandbox", "--yes", "--trust-plan", digest)
    assert ran.code == 2, ran.err
    assert "changes[" in ran.err
    assert here.tags("--sandbox") == before


@pytest.fixture
def pruned(here: Here) -> Path:
    """A saved plan that updates nothing, against an account with one unmarked tag and twelve marked ones."""
    rows(here.folder / "other.csv", "Name", "Somebody Else's")
    here.ok("apply", "other.csv", "--sandbox")
    rows(here.folder / "a.csv", "Name", *(f"Vole {number}" for number in range(12)))
    flags = ("--sandbox", "--mode", "upsert", "--managed-by", "nightly")
    here.ok("apply", "a.csv", *flags)
    rows(here.folder / "a.csv", "Name", *(f"Vole {number}" for number in range(11)))
    here.ok("plan", "a.csv", *flags, "--prune", "--out", "p")
    return here.folder / "p" / "plan.json"


def _uuids(here: Here) -> dict[str, str]:
    return {name: tag["_uuid"] for name, tag in here.tags("--sandbox").items()}


def test_deletes_of_a_saved_plan_keep_to_marks_and_limits(here: Here, pruned: Path) -> None:
    """A delete needs pruning, marking, the mark on the tag itself and the limit of deletes, whatever the file says."""
    uuids = _uuids(here)
    good = pruned.read_bytes()
    here.ok("plan", "other.csv", "--sandbox", "--mode", "upsert", "--out", "q")
    (held,) = json.loads((here.folder / "q" / "plan.json").read_text())["plan"]["changes"]

    def attempt(change: Forgery, *flags: str) -> tuple[int, str]:
        pruned.write_bytes(good)
        digest = forge(pruned, change)
        ran = here("apply", pruned, "--sandbox", "--yes", "--trust-plan", digest, *flags)
        assert _uuids(here) == uuids
        return ran.code, ran.err

    def delete(plan: dict[str, Any]) -> dict[str, Any]:
        return next(change for change in plan["changes"] if change["action"] == "delete")

    assert attempt(lambda plan: delete(plan).update(message="a harmless clean-up"))[0] == 2
    assert attempt(lambda plan: plan["options"].pop("prune"))[0] == 2
    assert attempt(lambda plan: plan["options"].pop("managed_by"))[0] == 2
    assert attempt(lambda plan: delete(plan).pop("stamp"))[0] == 2
    code, said = attempt(lambda plan: delete(plan).update(uuid=uuids["Somebody Else's"]))
    assert code in (2, 5)

    def theirs(plan: dict[str, Any]) -> None:
        one = delete(plan)
        one.update(uuid=uuids["Somebody Else's"], name="Somebody Else's", old={"value": "Somebody Else's"})
        one.update(seen=held["seen"], stamp=[0, ""])

    code, said = attempt(theirs)
    assert code == 2
    assert "not marked" in said

    def two(plan: dict[str, Any]) -> None:
        keep = next(change for change in plan["changes"] if change["action"] == "unchanged")
        keep.update(action="delete", old={"value": keep["name"]}, code="vanished", stamp=[0, ""])
        plan["account_tags"] = plan["options"]["managed_tags"] = 1_000

    code, said = attempt(two)
    assert code == 5
    assert "(2/12)" in said
    assert "--max-deletes 2" in said


def test_a_made_up_source_is_not_fetched(here: Here, saved: Path) -> None:
    """A plan from elsewhere does not say what this machine asks for: no URL of its sources is called."""
    url = "http://127.0.0.1:9/list.csv"
    digest = forge(saved, lambda plan: plan["sources"].append({"file": url, "kind": "csv", "sha256": "x", "size": 1}))
    here.ok("apply", saved, "--sandbox", "--yes", "--trust-plan", digest)


def _forge_journal(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    journal = folder / "journal.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        if line["event"] == "outcome":
            change(line)
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_undo_of_a_forged_run_deletes_nothing_of_others(here: Here) -> None:
    """A run folder that claims a tag it never made: the account's own name, content and times say otherwise."""
    rows(here.folder / "held.csv", "Name,Description", "Old Hand,Here for years")
    here.ok("apply", "held.csv", "--sandbox")
    rows(here.folder / "bait.csv", "Name", "Bait")
    here.ok("apply", "bait.csv", "--sandbox", "--out", "bait")
    uuid = _uuids(here)["Old Hand"]
    folder = here.folder / "bait"
    _forge_journal(folder, lambda line: line.update(uuid=uuid))
    ran = here("undo", folder, "--sandbox", "--yes")
    assert ran.code == 1
    for after in ({}, {"version": 1}):
        _forge_journal(folder, partial(dict.update, uuid=uuid, after=after))
        forged = forge(folder / "plan.json", lambda plan: plan["changes"][0]["body"].update(value="Old Hand"))
        lines = (folder / "journal.jsonl").read_text().splitlines()
        head = json.loads(lines[0]) | {"plan": forged}
        kept = [line for line in lines[1:] if '"und' not in line]
        (folder / "journal.jsonl").write_text("\n".join([json.dumps(head), *kept]) + "\n")
        ran = here("undo", folder, "--sandbox", "--yes")
        assert ran.code == 2
        assert "--trust-plan" in ran.err
        here("undo", folder, "--sandbox", "--yes", "--trust-plan", forged)
        assert "Old Hand" in here.tags("--sandbox")


def test_a_forged_run_is_not_resumed_unnamed(here: Here, saved: Path) -> None:
    """Resume sends what the folder's plan says, so a folder from elsewhere has to be named."""
    forge(saved, lambda plan: _create(plan)["body"].update(description="planted"))
    ran = here("resume", saved.parent, "--sandbox", "--yes")
    assert ran.code == 2
    assert "--trust-plan" in ran.err
    assert "Grey Vole" not in here.tags("--sandbox")
