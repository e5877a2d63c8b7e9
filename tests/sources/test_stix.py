"""STIX: actors out of any arrangement of bundles, with what other objects say about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from importer.errors import SourceError
from importer.model import Severity

from .reading import got, written


def object_of(kind: str, number: int, **more: Any) -> dict[str, Any]:
    """A STIX object with an id made from a number."""
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{number:08d}-1111-4111-8111-111111111111", **more}


def bundle(*objects: Any) -> str:
    """A bundle of objects, on one line."""
    return json.dumps({"type": "bundle", "id": "bundle--11111111-1111-4111-8111-111111111111", "objects": objects})


def link(number: int, kind: str, source: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    return object_of("relationship", number, relationship_type=kind, source_ref=source["id"], target_ref=target["id"])


ACTOR = object_of("threat-actor", 1, name="A", modified="2020-01-01T00:00:00Z", aliases=["A, Inc", "B"], confidence=85)


@pytest.mark.parametrize(
    "arrange",
    [
        lambda a, b: bundle(a, b),
        lambda a, b: bundle(a) + "\n" + bundle(b),
        lambda a, b: bundle(a) + bundle(b),
        lambda a, b: f"[{bundle(a)}, {bundle(b)}]",
        lambda a, b: json.dumps([a, b]),
        lambda a, b: json.dumps(a) + "\n" + json.dumps(b) + "\n",
        lambda a, b: bundle(json.loads(bundle(a)), b),
        lambda a, b: "\ufeff" + bundle(a, b),
        lambda a, b: json.dumps({"more": False, "objects": [a, b]}),
        lambda a, b: json.dumps({"objects": [a]}) + "\n" + json.dumps({"objects": [b]}),
        lambda a, b: json.dumps({"status": {"code": 200}, "data": json.loads(bundle(a, b))}),
        lambda a, b: json.dumps({"result": {"page": 1, "bundles": [json.loads(bundle(a)), json.loads(bundle(b))]}}),
        lambda a, b: json.dumps({"data": json.loads(bundle(a))}) + "\n" + json.dumps({"data": {"objects": [b]}}),
    ],
)
def test_every_arrangement_gives_both_actors(tmp_path: Path, arrange: Any) -> None:
    """One bundle, many, arrays, lines, nested, within a server's answer: the actors and their ids are the same."""
    other = object_of("intrusion-set", 2, name="B")
    read = got(written(tmp_path, "a.json", arrange(ACTOR, other)))
    names = {row.id: row.cells[row.header.columns.index("name")] for row in read.rows}
    assert names == {ACTOR["id"]: "A", other["id"]: "B"}
    assert read.files[0].kind == "stix"


def test_cells_of_an_actor(tmp_path: Path) -> None:
    """Lists are JSON text, references give URLs and the ATT&CK id, other keys come along by their path."""
    references = [
        {"source_name": "mitre-attack", "external_id": "G0001", "url": "https://example.org/G0001"},
        {"source_name": "x", "description": "no url"},
    ]
    actor = {**ACTOR, "external_references": references, "x_own": {"deep": 1.50}}
    read = got(written(tmp_path, "a.json", bundle(actor)))
    row = dict(zip(read.columns, read.cells[0], strict=True))
    assert row["aliases"] == '["A, Inc", "B"]'
    assert (row["confidence"], row["x_own.deep"]) == ("85", "1.5")
    assert (row["urls"], row["attack_id"]) == ('["https://example.org/G0001"]', "G0001")
    assert json.loads(row["external_references"]) == references


def test_countries_come_through_links(tmp_path: Path) -> None:
    """located-at, originates-from and attributed-to lead to the country, also over an identity and across files."""
    place = object_of("location", 1, country="CN")
    region = object_of("location", 2, region="eastern-europe")
    army = object_of("identity", 1, name="Third Department", identity_class="organization")
    second = object_of("threat-actor", 2, name="B")
    third = object_of("intrusion-set", 3, name="C")
    first = written(tmp_path, "a.json", bundle(ACTOR, second, third))
    other = written(
        tmp_path,
        "b.json",
        bundle(
            place, region, army,
            link(1, "attributed-to", ACTOR, army), link(2, "located-at", army, place),
            link(3, "attributed-to", third, ACTOR), link(4, "originates-from", second, region),
        ),
    )  # fmt: skip
    read = got(first, other)
    assert read.column("country") == ["CN", "eastern-europe", "CN"]
    assert read.column("organization") == ["Third Department", "", "Third Department"]
    assert "no-actors" in read.codes()


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """Two actors attributed to each other are no endless loop."""
    other = object_of("threat-actor", 2, name="B")
    links = [link(1, "attributed-to", ACTOR, other), link(2, "attributed-to", other, ACTOR)]
    assert len(got(written(tmp_path, "a.json", bundle(ACTOR, other, *links))).rows) == 2


@pytest.mark.parametrize(
    ("markings", "expected"),
    [
        (["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"], "amber"),
        (["marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"], "amber+strict"),
        (
            [
                "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
                "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
            ],
            "green",
        ),
        (["marking-definition--00000007-1111-4111-8111-111111111111"], "red"),
        (["marking-definition--00000008-1111-4111-8111-111111111111"], "clear"),
        (["marking-definition--00000009-1111-4111-8111-111111111111", 5], ""),
    ],
)
def test_tlp_from_markings(tmp_path: Path, markings: list[Any], expected: str) -> None:
    """Predefined ids are known without their objects; own definitions of either version count; the strictest wins."""
    extension = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
    objects = [
        object_of("marking-definition", 7, definition_type="tlp", definition={"tlp": "RED"}),
        object_of("marking-definition", 8, name="x", extensions={extension: {"tlp_2_0": "clear"}}),
        object_of("marking-definition", 9, definition_type="statement", definition={"statement": "(c)"}),
    ]
    named = object_of("threat-actor", 5, name="B", object_marking_refs=[objects[0]["id"]])
    read = got(written(tmp_path, "a.json", bundle({**ACTOR, "object_marking_refs": markings}, named, *objects)))
    assert read.column("tlp") == [expected, "red"]


def test_a_marking_that_does_not_count_is_told(tmp_path: Path) -> None:
    """A single id and a TLP of parts count; what nothing defines, a TLP that is not a word, and parts are told."""
    red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
    statement = object_of("marking-definition", 1, definition_type="statement", definition={"statement": "(c)"})
    wrong = object_of("marking-definition", 2, definition_type="tlp", definition={"tlp": "ultra"})
    nowhere = "marking-definition--00000003-1111-4111-8111-111111111111"
    marks: list[dict[str, Any]] = [
        {"object_marking_refs": red},
        {"object_marking_refs": [statement["id"], "marking-definition--fa42a846-8d90-4e51-bc29-71d5b4802168"]},
        {"object_marking_refs": [nowhere, red, wrong["id"], nowhere]},
        {"granular_markings": [{"marking_ref": red, "selectors": ["description", "goals"]}, {"lang": "de"}, 3]},
        {"granular_markings": [{"marking_ref": statement["id"], "selectors": ["name"]}]},
    ]
    actors = [object_of("threat-actor", number, name="A", **more) for number, more in enumerate(marks)]
    read = got(written(tmp_path, "a.json", bundle(*actors, statement, wrong)))
    assert read.column("tlp") == ["red", "", "red", "red", ""]
    assert [(issue.code, issue.severity, issue.place.row, issue.value) for issue in read.row_issues()] == [
        ("unknown-marking", Severity.WARNING, 3, f"{nowhere}, {wrong['id']}"),
        ("granular-marking", Severity.WARNING, 4, "red (description, goals)"),
    ]


def test_a_place_that_is_missing_is_told(tmp_path: Path) -> None:
    """Links to a place that is not there, or names none, are one warning of the actor, also over an identity."""
    place, empty, gone = (
        object_of("location", number, **more) for number, more in enumerate(({"country": "CN"}, {}, {}))
    )
    army, second = object_of("identity", 1, name="Army"), object_of("threat-actor", 2, name="B")
    third, fourth = object_of("threat-actor", 3, name="C"), object_of("threat-actor", 4, name="D")
    links = [
        link(1, "located-at", ACTOR, place), link(2, "originates-from", ACTOR, gone),
        link(3, "located-at", ACTOR, empty),
        link(4, "attributed-to", second, army), link(5, "located-at", army, gone),
        link(6, "originates-from", third, army), link(7, "located-at", fourth, place),
    ]  # fmt: skip
    read = got(written(tmp_path, "a.json", bundle(ACTOR, second, third, fourth, place, empty, army, *links)))
    assert read.column("country") == ["CN", "", "", "CN"]
    assert [(issue.code, issue.severity, issue.place.row, issue.value) for issue in read.row_issues()] == [
        ("unknown-place", Severity.WARNING, 1, f"{gone['id']}, {empty['id']}"),
        ("unknown-place", Severity.WARNING, 2, gone["id"]),
        ("unknown-place", Severity.WARNING, 3, gone["id"]),
    ]


def test_the_newer_of_two_versions_counts(tmp_path: Path) -> None:
    """One id in two files is one actor: the newer one, and it is said where the older one stands."""
    newer = {**ACTOR, "name": "A new", "modified": "2020-01-01T00:00:00.001Z"}
    first, second = written(tmp_path, "a.json", bundle(ACTOR)), written(tmp_path, "b.json", bundle(newer))
    for paths in ((first, second), (second, first)):
        read = got(*paths)
        assert read.column("name") == ["A new"]
        issues = [issue for issue in read.notes if issue.code == "same-id"]
        assert [(issue.severity, issue.place.file, issue.place.id) for issue in issues] == [
            (Severity.INFO, str(first), ACTOR["id"])
        ]


def test_revoked_and_deprecated_actors_are_left_out_and_counted(tmp_path: Path) -> None:
    """They are counted in an issue, and taken in on request."""
    objects = [ACTOR, object_of("intrusion-set", 2, name="B", revoked=True)]
    objects.append(object_of("intrusion-set", 3, name="C", x_mitre_deprecated=True))
    path = written(tmp_path, "a.json", bundle(*objects))
    read = got(path)
    assert read.column("name") == ["A"]
    assert [issue.message for issue in read.notes if issue.code == "revoked-left-out"] == [
        "1 revoked and 1 deprecated actors were left out; --include-revoked takes them in."
    ]
    assert got(path, include_revoked=True).column("name") == ["A", "B", "C"]
    alone = got(written(tmp_path, "b.json", bundle(objects[1])))
    assert (alone.rows, alone.codes()) == ([], ["revoked-left-out"])


def test_a_page_of_a_longer_answer_is_told(tmp_path: Path) -> None:
    """A TAXII envelope takes identities and malware for what they are, and says when there is more than it holds."""
    objects = [object_of("identity", 1, name="Vendor"), ACTOR, object_of("malware", 1, name="M")]
    read = got(written(tmp_path, "a.json", json.dumps({"more": True, "next": "x", "objects": objects})))
    assert (read.column("name"), read.codes()) == (["A"], ["more-pages"])


def test_a_bundle_beside_a_list_leaves_the_list(tmp_path: Path) -> None:
    """What holds a list of its own beside a bundle, or objects that only have a type, is not STIX."""
    value = {"actors": [{"name": "B", "country": "CN"}], "stix": json.loads(bundle(ACTOR))}
    for number, one in enumerate((value, {"data": {"actors": value["actors"]}, "stix": value["stix"]})):
        assert got(written(tmp_path, f"{number}.json", json.dumps(one))).column("name")[:1] == ["B"]
    plain = {"objects": [{"type": "group", "id": "1", "name": "C"}]}
    assert got(written(tmp_path, "b.json", json.dumps(plain))).files[0].kind == "json"


def test_a_bundle_without_actors_says_what_it_holds(tmp_path: Path) -> None:
    """The refusal counts the kinds of objects."""
    path = written(tmp_path, "a.json", bundle(object_of("malware", 1, name="x"), object_of("malware", 2, name="y")))
    with pytest.raises(SourceError, match="it holds 2 malware"):
        got(path)


def test_wrong_types_within_objects_are_survived(tmp_path: Path) -> None:
    """Objects that break the specification are rows all the same, or nothing; never a traceback."""
    odd = {"type": "intrusion-set", "id": 3, "name": ["x"], "external_references": "y", "object_marking_refs": [3, {}]}
    read = got(
        written(tmp_path, "a.json", bundle(ACTOR, 1, "x", None, [], {"type": 5}, {"type": "intrusion-set"}, odd))
    )
    assert read.column("name") == ["A", "", '["x"]']


def test_real_bundles(catalogs: Path) -> None:
    """ATT&CK's bundles and folder give their actors; the index beside them is refused as what it is."""
    attack = catalogs / "attack"
    read = got(attack / "enterprise-attack-15.stix20.json")
    assert len(read.rows) == 163 - 15
    assert len(got(attack / "enterprise-attack-15.stix20.json", include_revoked=True).rows) == 163
    assert len(got(attack / "intrusion-sets-18.1.stix20", include_revoked=True).rows) == 187
    with pytest.raises(SourceError, match="collection index"):
        got(attack / "collection-index.json")
