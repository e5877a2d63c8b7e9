"""What is marked stays private: TLP in all its spellings, for each actor by itself, whatever a preset publishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import importer

AMBER_STRICT = "marking-definition--00000000-0000-4000-8000-00000000a5a5"
SECRET = "Told by somebody inside."


def bundle(path: Path, *objects: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"type": "bundle", "id": "bundle--1", "objects": list(objects)}))
    return path


def actor(number: int, name: str, **more: Any) -> dict[str, Any]:
    id_ = f"intrusion-set--{number:08d}-0000-4000-8000-000000000000"
    return {"type": "intrusion-set", "spec_version": "2.1", "id": id_, "name": name, **more}


def marking(definition: dict[str, Any]) -> dict[str, Any]:
    return {"type": "marking-definition", "spec_version": "2.1", "id": AMBER_STRICT, **definition}


def fields(path: Path, **settings: Any) -> list[dict[str, Any]]:
    return [dict(draft.fields) for draft in importer.draft(path, **settings).inputs.drafts]


@pytest.mark.parametrize(
    ("more", "definitions", "word"),
    [
        ({"labels": ["tlp:red"]}, [], "red"),
        ({"labels": ["TLP: AMBER+STRICT", "apt"]}, [], "amber+strict"),
        ({"object_marking_refs": [AMBER_STRICT]}, [{"x_opencti_definition": "TLP:AMBER+STRICT"}], "amber+strict"),
        ({"object_marking_refs": [AMBER_STRICT]}, [{"x_other": "tlp:amber"}], "amber"),
        ({"object_marking_refs": [AMBER_STRICT]}, [{"name": "TLP:GREEN"}, {"name": "TLP:RED"}], "red"),
        ({"object_marking_refs": [AMBER_STRICT]}, [{"name": "TLP:RED"}, {"name": "TLP:GREEN"}], "red"),
        ({"object_marking_refs": [AMBER_STRICT], "labels": ["tlp:green"]}, [{"name": "TLP:AMBER"}], "amber"),
    ],
)
def test_tlp_as_programs_spell_it(
    tmp_path: Path, more: dict[str, Any], definitions: list[dict[str, Any]], word: str
) -> None:
    """Labels, markings of other programs' own, and a marking that is defined twice: the strictest word counts."""
    path = bundle(tmp_path / "a.json", actor(1, "Tin Weasel", **more), *map(marking, definitions))
    drafts = importer.draft(path)
    assert drafts.inputs.drafts[0].fields["tlp"] == word
    assert ("disputed-marking" in set(drafts.issues["code"])) == (len(definitions) == 2)


def test_an_actor_beside_one_of_attack_is_its_own(tmp_path: Path) -> None:
    """ATT&CK's own object is published; one beside it, or that merely refers to it, keeps its text private."""
    reference = {"source_name": "mitre-attack", "external_id": "G9001", "url": "https://attack.mitre.org/groups/G9001"}
    path = bundle(
        tmp_path / "a.json",
        actor(1, "Amber Jackal", description=SECRET, external_references=[reference], goals=["Steal"]),
        actor(2, "Tin Weasel", description="Known to all.", external_references=[reference], x_mitre_version="1.0"),
        actor(3, "Lead Stoat", description=SECRET, primary_motivation="ideology"),
    )
    first, second, third = fields(path)
    assert [row["value"] for row in (first, second, third)] == ["Amber Jackal", "Tin Weasel", "Lead Stoat"]
    assert "description" not in first
    assert SECRET in first["internalDescription"]
    assert "Steal" in first["internalDescription"]
    assert second["description"] == "Known to all."
    assert (third.get("description"), third["motive"]) == (None, "Ideology")


def test_what_attack_publishes_is_kept_back_of_a_marked_object(tmp_path: Path) -> None:
    """What is marked is not published by a preset that publishes: it goes to private fields, and that is told."""
    path = bundle(
        tmp_path / "a.json",
        actor(1, "Tin Weasel", description=SECRET, x_mitre_version="1.0", labels=["tlp:amber"],
              external_references=[{"source_name": "x", "url": "https://example.org/report"}]),
    )  # fmt: skip
    drafts = importer.draft(path)
    (row,) = fields(path)
    assert not row.keys() & {
        "description",
        "externalReferenceLinks",
        "externalReferences",
        "aliases",
        "aliasGroupNames",
    }
    assert SECRET in row["internalDescription"]
    assert "https://example.org/report" in row["internalDescription"]
    assert "kept-private" in set(drafts.issues["code"])


def test_marked_rows_of_a_spreadsheet(tmp_path: Path) -> None:
    """Only rows marked amber or stricter are kept back, unless the mapping takes that upon itself in as many words."""
    path = tmp_path / "a.csv"
    path.write_text("Actor,Text,Other,TLP\nA One,Open,B,green\nC Two,Closed,D;E,TLP:AMBER+STRICT\nF Three,Shut,,red\n")
    mapping = (
        "name: m\nfields:\n  value: Actor\n  description: Text\n"
        "  aliasGroupNames: {column: Other, transforms: [items]}\n"
        "  aliasGroupNamesInternal: {constant: [E]}\n  tlp: TLP\n"
    )
    (tmp_path / "m.yaml").write_text(mapping)
    green, strict, red = fields(path, mapping=str(tmp_path / "m.yaml"))
    assert (green["description"], green["aliasGroupNames"]) == ("Open", ["B"])
    assert (strict.get("description"), strict["internalDescription"]) == (None, "Closed")
    assert (strict.get("aliasGroupNames"), strict["aliasGroupNamesInternal"]) == (None, ["E", "D"])
    assert red["internalDescription"] == "Shut"
    (tmp_path / "m.yaml").write_text(mapping + "publish_marked: true\n")
    assert fields(path, mapping=str(tmp_path / "m.yaml"))[1]["description"] == "Closed"
