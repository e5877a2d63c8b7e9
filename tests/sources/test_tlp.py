"""TLP as documents spell it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from importer.errors import SourceError
from importer.sources.tlp import is_label, marked, word_of
from tests.sources.reading import got, written

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
GALAXY = {"authors": ["x"], "category": "actor", "name": "Threat Actor", "type": "threat-actor", "version": 1}


def actor(number: int, **more: Any) -> dict[str, Any]:
    id_ = f"intrusion-set--{number:08d}-1111-4111-8111-111111111111"
    return {"type": "intrusion-set", "spec_version": "2.1", "id": id_, "name": f"Slate Ibis {number}", **more}


def bundle(*objects: dict[str, Any]) -> str:
    return json.dumps({"type": "bundle", "id": "bundle--00000001-1111-4111-8111-111111111111", "objects": objects})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("TLP:RED", "red"), ("tlp: amber + strict", "amber+strict"), ("tlp amber strict", "amber+strict"),
        ("TLP-AMBER-STRICT", "amber+strict"), ('tlp:"red"', "red"), ("TLP=GREEN", "green"), ("TLP_CLEAR", "clear"),
        ("Red ", "red"), ("amber_strict", "amber+strict"), ("tlp:purple", ""), ("Red Panda", ""), ("", ""), (3, ""),
        ("TLP" + " " * 9999, ""),
    ],
)  # fmt: skip
def test_spellings(text: object, word: str) -> None:
    """Separators, quotes, case and a missing prefix make no difference; other words are no TLP."""
    assert word_of(text) == word


def test_labels_speak_of_tlp() -> None:
    """A colour alone is a label like any other; TLP in front makes it a marking, its word known or not."""
    assert [is_label(text) for text in ("tlp:red", "TLP_RED", "tlp:purple", "red", "tlphobia", 3)] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_stix_takes_the_strictest_of_markings_labels_and_properties(tmp_path: Path) -> None:
    """Whatever says the TLP of an actor, the strictest counts, and labels about it are no kinds of actor."""
    rows = [
        actor(1, labels=["tlp:amber", "spy"]),
        actor(2, labels=["TLP:GREEN"], object_marking_refs=[RED]),
        actor(3, x_acme_tlp="TLP:AMBER+STRICT", labels=["tlp:clear"]),
        actor(4, tlp="red"),
        actor(5, labels=["tlp:purple"]),
        actor(6, labels="tlp:red"),
        actor(7, granular_markings=[{"marking_ref": RED, "selectors": ["description"]}]),
    ]
    read = got(written(tmp_path, "a.json", bundle(*rows)))
    assert read.column("tlp") == ["amber", "red", "amber+strict", "red", "tlp:purple", "red", "red"]
    assert read.column("labels") == ['["spy"]', "", "", "", "", "", ""]


@pytest.mark.parametrize(
    "defined",
    [
        {"definition_type": "TLP", "definition": {"TLP": "RED"}},
        {"definition_type": "statement", "definition": {"statement": "TLP:RED"}},
        {"definition_type": "tlp", "definition": "TLP:RED"},
        {"name": "TLP: Red"},
        {"x_acme_definition": "tlp-red"},
    ],
)
def test_definitions_of_a_marking(tmp_path: Path, defined: dict[str, Any]) -> None:
    """A marking is red in whichever of its properties that is written."""
    id_ = "marking-definition--00000001-1111-4111-8111-111111111111"
    marking = {"type": "marking-definition", "id": id_, **defined}
    read = got(written(tmp_path, "a.json", bundle(marking, actor(1, object_marking_refs=[id_]))))
    assert read.column("tlp") == ["red"]


def test_only_keys_make_an_object_one_of_attack(tmp_path: Path) -> None:
    """A description that speaks of ATT&CK's property names leaves the actor with the private preset's rows."""
    text = 'Knows "x_mitre_version": of others.'
    read = got(written(tmp_path, "a.json", bundle(actor(1, x_mitre_version="1"), actor(2, description=text))))
    assert [list(table.frame["name"]) for table in read.tables] == [["Slate Ibis 2"], ["Slate Ibis 1"]]


def test_tags_of_records_are_markings() -> None:
    """A record whose tags say its TLP has a tlp; one that says it itself keeps that; an unknown word is handed on."""
    assert marked({"name": "A", "tags": ["x", "tlp:green", "TLP:RED"]})["tlp"] == "red"
    assert marked({"name": "A", "meta": {"tags": "tlp:amber"}})["tlp"] == "amber"
    assert marked({"name": "A", "Tag": [{"name": "tlp:purple"}]})["tlp"] == "tlp:purple"
    assert "tlp" not in marked({"name": "A", "meta": {"tlp": "green"}, "tags": ["tlp:red"]})
    assert marked(plain := {"name": "A", "tags": ["red"]}) is plain


@pytest.mark.parametrize(
    "head", [{"tlp": "TLP:RED"}, {"meta": {"tlp": "TLP:RED"}}, {"tags": ["tlp:red"]}, {**GALAXY, "tlp": "red"}]
)
def test_the_head_marks_all_that_are_not_marked_themselves(tmp_path: Path, head: dict[str, Any]) -> None:
    """A document's TLP holds for each of its records without one of its own, in galaxies too."""
    name = "value" if "authors" in head else "name"
    rows = [{name: "Slate Ibis", "country": "IR"}, {name: "Dun Plover", "country": "CN", "tlp": "green"}]
    read = got(written(tmp_path, "a.json", json.dumps({**head, "values": rows})))
    assert [word_of(text) for text in read.column("tlp")] == ["red", "green"]


def test_invalid_utf_8_anywhere_is_a_clear_error(tmp_path: Path) -> None:
    """A byte that is not UTF-8, in a key, a type or behind a million others, is told with its line."""
    good = bundle(actor(1, description="é" * 3_000_000)).encode("utf-8").replace(b'"objects"', b'\n"objects"')
    for place in (b'"type"', b"intrusion-set", b"}]}"):
        path = tmp_path / "a.json"
        path.write_bytes(good.replace(place, b"\xff" + place) if place != b"}]}" else good[:-3] + b'\xff"}]}')
        with pytest.raises(SourceError, match=r"not UTF-8 in line [12] \(byte 0xff\)"):
            got(path)


def test_an_object_with_too_many_keys_is_refused(tmp_path: Path) -> None:
    """Columns without end are one sentence with the limit's name, not minutes."""
    row = {"name": "Slate Ibis", "country": "IR", **{f"k{number}": 1 for number in range(20_000)}}
    for text in (json.dumps([row]), bundle(actor(1, **row))):
        with pytest.raises(SourceError, match=r"20,00. different keys") as caught:
            got(written(tmp_path, "a.json", text))
        assert "--limit columns=N" in caught.value.hint
