"""An actor that its source renames is one update of the tag it has, whatever the source knows it by."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from uuid import UUID

import pytest

from tests.behaviour.inside import Here, last, rows
from tests.behaviour.test_main_job import results

SIZE = 12


def _uuid(number: int) -> str:
    return str(UUID(int=number + 1, version=4))


def misp(path: Path, names: dict[int, str]) -> Path:
    values = [
        {"value": name, "uuid": _uuid(n), "description": "An actor", "meta": {"synonyms": [f"{name} Gang"]}}
        for n, name in names.items()
    ]
    path.write_text(json.dumps({"name": "Threat Actor", "type": "threat-actor", "uuid": _uuid(99), "values": values}))
    return path


def stix(path: Path, names: dict[int, str]) -> Path:
    made = "2024-01-01T00:00:00.000Z"
    objects = [
        {
            "type": "intrusion-set", "spec_version": "2.1", "id": f"intrusion-set--{_uuid(n)}", "name": name,
            "created": made, "modified": made, "aliases": [name],
        }
        for n, name in names.items()
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "bundle", "id": f"bundle--{_uuid(99)}", "objects": objects}))
    return path


def numbered(path: Path, names: dict[int, str]) -> Path:
    (path.parent / "m.yaml").write_text(
        "name: m\nid: No.\nfields:\n  value: {column: Actor}\n  originCountryISO: {column: From}\n"
    )
    return rows(path, "No.,Actor,From", *(f"{n},{name},IR" for n, name in names.items()))


KINDS = [
    pytest.param("a.json", misp, (), id="misp"),
    pytest.param("a.json", stix, (), id="stix"),
    pytest.param("a.csv", numbered, ("--mapping", "m.yaml"), id="an id column"),
]


@pytest.mark.parametrize(("file", "write", "options"), KINDS)
def test_a_renamed_actor_is_one_update_of_its_tag(
    here: Here, file: str, write: object, options: tuple[str, ...]
) -> None:
    """Every rename is an update that keeps the uuid: no tag is made, none vanishes, and undo takes it back."""
    assert callable(write)
    names = {n: f"Actor {chr(65 + n)}" for n in range(SIZE)}
    write(here.folder / file, names)
    here.ok("apply", file, "--sandbox", *options)
    before = {name: tag["_uuid"] for name, tag in here.tags("--sandbox").items()}
    renamed = {n: f"{name} Prime" if n % 2 else name for n, name in names.items()}
    write(here.folder / file, renamed)
    shown = here.ok("plan", file, "--sandbox", "--mode", "upsert", "--max-updates", "none", *options).out
    assert 'renamed "Actor B" -> "Actor B Prime"' in shown
    here.ok("apply", file, "--sandbox", "--mode", "upsert", "--max-updates", "none", "--out", "second", *options)
    counts = last(here.folder)["counts"]
    assert (counts["updated"], counts["created"]) == (SIZE // 2, 0)
    after = {name: tag["_uuid"] for name, tag in here.tags("--sandbox").items()}
    assert after == {renamed[n]: before[name] for n, name in names.items()}
    here.ok("undo", "second", "--sandbox", "--yes")
    assert {name: tag["_uuid"] for name, tag in here.tags("--sandbox").items()} == before


def test_in_create_mode_a_renamed_actor_is_not_made_again(here: Here) -> None:
    """Mode create promises to update nothing: the renamed row is skipped and says of which tag it is."""
    misp(here.folder / "a.json", {0: "Tin Weasel"})
    here.ok("apply", "a.json", "--sandbox")
    misp(here.folder / "a.json", {0: "Lead Weasel"})
    here.ok("apply", "a.json", "--sandbox", "--out", "second")
    (row,) = results(here.folder / "second")
    assert (row["_status"], row["_code"]) == ("skipped", "exists")
    assert "value" in row["_message"]
    assert set(here.tags("--sandbox")) == {"Tin Weasel"}


def test_a_name_that_is_edited_in_an_export_renames_its_tag(here: Here) -> None:
    """The `_uuid` of an exported row says which tag it is about, with no state folder at all."""
    rows(here.folder / "a.csv", "Name,Country", "Tin Weasel,IR", "Amber Jackal,CN")
    here.ok("apply", "a.csv", "--sandbox")
    before = here.tags("--sandbox")["Tin Weasel"]["_uuid"]
    here.ok("export", "out.csv", "--sandbox")
    text = (here.folder / "out.csv").read_text("utf-8-sig")
    (here.folder / "out.csv").write_text(text.replace("Tin Weasel", "Lead Weasel"), "utf-8-sig")
    here.ok("apply", "out.csv", "--sandbox", "--mode", "upsert")
    held = here.tags("--sandbox")
    assert set(held) == {"Lead Weasel", "Amber Jackal"}
    assert held["Lead Weasel"]["_uuid"] == before


def test_a_row_that_was_copied_with_its_uuid_takes_no_tag_away(here: Here) -> None:
    """A row that brings the uuid of another row's tag is a conflict that names both, and that tag stays."""
    rows(here.folder / "a.csv", "Name,Country", "Tin Weasel,IR")
    here.ok("apply", "a.csv", "--sandbox")
    here.ok("export", "out.csv", "--sandbox")
    with (here.folder / "out.csv").open(encoding="utf-8-sig", newline="") as stream:
        header, row = csv.reader(stream)
    copied = ["Lead Stoat" if cell == "Tin Weasel" else cell for cell in row]
    with (here.folder / "out.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([header, row, copied])
    done = here("apply", "out.csv", "--sandbox", "--mode", "upsert", "--out", "second")
    assert done.code == 1
    found = results(here.folder / "second")
    assert [(row["_status"], row["_code"]) for row in found] == [("unchanged", ""), ("conflict", "id-of-another")]
    assert "'Tin Weasel'" in found[1]["_message"]
    assert set(here.tags("--sandbox")) == {"Tin Weasel"}


def test_an_id_and_a_name_of_two_tags_are_a_conflict(here: Here) -> None:
    """A row whose id is one tag's and whose name is another's changes neither."""
    misp(here.folder / "a.json", {0: "Tin Weasel", 1: "Amber Jackal"})
    here.ok("apply", "a.json", "--sandbox")
    misp(here.folder / "a.json", {0: "Amber Jackal"})
    assert here("apply", "a.json", "--sandbox", "--mode", "upsert", "--out", "second").code == 1
    (row,) = results(here.folder / "second")
    assert (row["_status"], row["_code"]) == ("conflict", "id-of-another")


def test_numbers_of_one_list_are_not_those_of_another(here: Here) -> None:
    """An id that is a mere number belongs to its file: row 1 of another list is another actor."""
    numbered(here.folder / "a.csv", {1: "Tin Weasel"})
    here.ok("apply", "a.csv", "--sandbox", "--mapping", "m.yaml")
    numbered(here.folder / "b.csv", {1: "Amber Jackal"})
    here.ok("apply", "b.csv", "--sandbox", "--mapping", "m.yaml", "--mode", "upsert")
    assert set(here.tags("--sandbox")) == {"Tin Weasel", "Amber Jackal"}


def test_a_category_with_room_for_the_id_keeps_it(here: Here) -> None:
    """Where the category's schema has `source_id`, the tag carries it, and a rename is found without a state folder."""
    (here.folder / "c.yaml").write_text("categories:\n- name: Actors\n  schema:\n  - {key: source_id, kind: string}\n")
    here.ok("categories", "apply", "c.yaml", "--sandbox", "--yes")
    misp(here.folder / "a.json", {0: "Tin Weasel"})
    here.ok("apply", "a.json", "--sandbox", "--category", "Actors")
    assert here.tags("--sandbox")["Tin Weasel"]["properties"] == json.dumps({"source_id": _uuid(0)})
    for path in here.folder.rglob("ids/*.json"):
        path.unlink()
    misp(here.folder / "a.json", {0: "Lead Weasel"})
    here.ok("apply", "a.json", "--sandbox", "--category", "Actors", "--mode", "upsert")
    assert set(here.tags("--sandbox")) == {"Lead Weasel"}


def test_a_row_that_was_exported_before_its_tag_was_changed_is_warned_of(here: Here) -> None:
    """An update from an export that is older than the tag says so; an export of today does not."""
    rows(here.folder / "a.csv", "Name,Country", "Tin Weasel,IR", "Amber Jackal,CN")
    here.ok("apply", "a.csv", "--sandbox")
    here.ok("export", "out.csv", "--sandbox")
    text = (here.folder / "out.csv").read_text("utf-8-sig").replace("IR", "RU").replace("CN", "VN")
    (here.folder / "out.csv").write_text(text, "utf-8-sig")
    plan = ("plan", "out.csv", "--sandbox", "--mode", "upsert", "--max-updates", "none")
    assert "changed since it was exported" not in here.ok(*plan).out
    rows(here.folder / "b.csv", "Name,Description", "Tin Weasel,Digs tunnels")
    here.ok("apply", "b.csv", "--sandbox", "--mode", "upsert", "--max-updates", "none")
    shown = here.ok(*plan).out
    assert shown.count("changed since it was exported") == 1
    assert "changed-since-export" in shown


def test_two_sources_of_one_tag_part_when_they_are_decided_to_be_different(here: Here) -> None:
    """A rename in one of two sources of a tag is a conflict until a person says what they are; `different` is two tags
    from then on, each of which its own source renames."""

    def lists(one: str, other: str) -> None:
        for file, id_, name in (("a.csv", 1, one), ("b.csv", 7, other)):
            rows(here.folder / file, "No.,Actor,From", f"{id_},{name},IR", f"{id_ + 1},Still {file[0]},CN")

    def sync(*decisions: str) -> dict[str, str]:
        options = ("--mapping", "m.yaml", "--sandbox", "--mode", "upsert", "--max-updates", "none", *decisions)
        done = here("apply", "a.csv", "b.csv", *options)
        assert done.code == (0 if decisions or len(held) == 0 else 1), done.out + done.err
        return {name: tag["_uuid"] for name, tag in here.tags("--sandbox").items() if not name.startswith("Still")}

    held: dict[str, str] = {}
    numbered(here.folder / "a.csv", {})
    lists("Tin Weasel", "Tin Weasel")
    held = sync()
    lists("Lead Weasel", "Tin Weasel")
    assert sync() == held
    (here.folder / "d.yaml").write_text(
        "pairs:\n  - {actors: [{id: '1', source: a.csv}, {id: '7', source: b.csv}], are: different}\n"
    )
    parted = sync("--decisions", "d.yaml")
    assert set(parted) == {"Lead Weasel", "Tin Weasel"}
    assert parted["Tin Weasel"] == held["Tin Weasel"]
    assert sync("--decisions", "d.yaml") == parted
    lists("Iron Weasel", "Zinc Weasel")
    assert sync("--decisions", "d.yaml") == {
        "Iron Weasel": parted["Lead Weasel"], "Zinc Weasel": parted["Tin Weasel"]
    }  # fmt: skip
