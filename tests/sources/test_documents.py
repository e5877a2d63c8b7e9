"""JSON, YAML and MISP lists of any shape, and documents that are no list."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from importer.errors import SourceError
from importer.model import Severity

from .reading import got, written


@pytest.mark.parametrize(
    ("text", "columns", "cells"),
    [
        ('[{"name": "A", "n": 007}]'.replace("007", "1e5"), ("name", "n"), [("A", "1e5")]),
        ('[{"name": "A", "n": 1.50, "b": true, "z": null}]', ("name", "n", "b", "z"), [("A", "1.50", "true", "")]),
        ('{"meta": {"v": 1}, "data": {"actors": [{"name": "A"}, {"name": "B"}]}}', ("name",), [("A",), ("B",)]),
        (
            '{"APT28": ["Sofacy"], "APT29": ["a", "b"]}',
            ("@key", "@value"),
            [("APT28", '["Sofacy"]'), ("APT29", '["a", "b"]')],
        ),
        (
            '{"APT28": {"country": "RU"}, "APT1": {"country": "CN"}}',
            ("@key", "country"),
            [("APT28", "RU"), ("APT1", "CN")],
        ),
        (
            '{"APT28": "Sofacy", "APT29": "a"}',
            ("@key", "@value"),
            [("APT28", "Sofacy"), ("APT29", "a")],
        ),
        (
            '{"Russia": [{"name": "APT28"}], "China": [{"name": "APT1"}, {"name": "APT3"}], "version": 2}',
            ("@key", "name"),
            [("Russia", "APT28"), ("China", "APT1"), ("China", "APT3")],
        ),
        ('["APT1", "APT2"]', ("@value",), [("APT1",), ("APT2",)]),
        ('[["name", "country"], ["A", "CN"]]', ("name", "country"), [("A", "CN")]),
        ('{"name": "A"}\n{"name": "B"}\n', ("name",), [("A",), ("B",)]),
        (
            '[{"name": "A", "meta": {"refs": ["x"], "in": {"k": "v"}}}]',
            ("name", "meta.refs", "meta.in.k"),
            [("A", '["x"]', "v")],
        ),
    ],
)
def test_json_shapes(tmp_path: Path, text: str, columns: tuple[str, ...], cells: list[tuple[str, ...]]) -> None:
    """Objects, nested lists, dictionaries, texts, arrays and lines become rows; numbers keep their text."""
    read = got(written(tmp_path, "a.json", text))
    assert (read.columns, read.cells) == (columns, cells)


@pytest.mark.parametrize(
    ("value", "records", "keys"),
    [
        ({"russia": {"actors": ["A", "B"]}, "china": {"actors": ["C"]}}, "russia.actors, china.actors", "russia china"),
        ({"meta": {"v": 1}, "apt": ["A", "B"], "crime": ["C"]}, "apt, crime", "apt crime"),
        ({"threat_actors": ["A"], "groups": ["B", "C"], "n": 3}, "threat_actors, groups", "threat_actors groups"),
        ({"page1": {"items": ["A", "B"]}, "page2": {"items": ["C"]}}, "page1.items, page2.items", "page1 page2"),
    ],
)
def test_lists_of_one_kind_are_read_together(tmp_path: Path, value: Any, records: str, keys: str) -> None:
    """Neighbours whose objects have the same name key are one list, whatever stands beside them."""
    read = got(written(tmp_path, "a.json", actors_in(value)))
    assert (read.column("name"), read.codes()) == (["A", "B", "C"], [])
    assert list(dict.fromkeys(read.column("@key"))) == keys.split()
    assert read.files[0].details["records"] == records


def actors_in(value: Any) -> str:
    """JSON in which every list of names is a list of objects."""
    text = json.dumps(value)
    for name in "ABC":
        text = text.replace(f'"{name}"', json.dumps({"name": name, "aliases": [f"x{name}"]}))
    return text


@pytest.mark.parametrize(
    ("value", "other", "severity"),
    [
        ({"actors": ["A"], "archived": {"actors": ["B", "C"]}}, "archived.actors", Severity.WARNING),
        ({"actors": ["A"], "targets": ["B", "C"]}, "targets", Severity.WARNING),
        ({"actors": ["A"], "malware": ["B", "C"]}, "malware", Severity.INFO),
        ({"actors": ["A"], "sightings_by_day": [{"day": 1}, {"day": 2}]}, "sightings_by_day", Severity.INFO),
        ({"regions": [{"name": "X", "actors": ["A"]}, {"name": "Y"}]}, "regions", Severity.WARNING),
    ],
)
def test_a_list_that_is_not_read_is_told(tmp_path: Path, value: Any, other: str, severity: Severity) -> None:
    """The issue has the path that `--records` takes, and how many records are there."""
    path = written(tmp_path, "a.json", actors_in(value))
    read = got(path)
    assert read.column("name")[:1] == ["A"]
    assert [(issue.code, issue.severity, issue.value) for issue in read.notes] == [("other-list", severity, other)]
    assert "2 records" in read.notes[0].message
    assert len(got(path, records=other).rows) == 2


def test_lists_within_nameless_objects_are_the_records(tmp_path: Path) -> None:
    """A region with a list of actors is not an actor; its words are columns of theirs."""
    value = {"regions": [{"region": "RU", "aliases": 1, "actors": ["A", "B"]}, {"region": "CN", "actors": ["C"]}]}
    read = got(written(tmp_path, "a.json", actors_in(value)))
    assert read.column("name") == ["A", "B", "C"]
    assert (read.column("region"), read.column("group.aliases")) == (["RU", "RU", "CN"], ["1", "1", ""])
    assert read.column("aliases") == ['["xA"]', '["xB"]', '["xC"]']
    named = [{"name": "Russia", "actors": ["A", "B"]}, {"name": "China", "actors": ["C"]}]
    read = got(written(tmp_path, "b.json", actors_in(named)))
    assert (read.column("name"), read.codes()) == (["A", "B", "C"], ["other-list"])
    assert read.column("@key") == ["Russia", "Russia", "China"]
    actor = [{"name": "L", "aliases": [], "groups": ["A", "B"]}]
    assert got(written(tmp_path, "c.json", actors_in(actor))).column("name") == ["L"]


def test_an_actor_is_no_container_of_its_references(tmp_path: Path) -> None:
    """In a dictionary of actors the lists within them are cells, named or not."""
    actor = {"country": "RU", "aliases": [], "references": [{"url": "u"}], "members": [{"name": "M"}]}
    read = got(written(tmp_path, "a.json", json.dumps({"A": actor, "B": {**actor, "country": "CN"}})))
    assert (read.column("@key"), read.column("country")) == (["A", "B"], ["RU", "CN"])


def test_a_repeated_key_around_the_records_is_told(tmp_path: Path) -> None:
    """A list or a dictionary entry that another of the same key replaces is a warning; within a row it is an error."""
    read = got(written(tmp_path, "a.json", '{"actors": [{"name": "A"}], "actors": [{"name": "B"}]}'))
    assert [(issue.code, issue.severity, issue.value) for issue in read.notes] == [
        ("repeated-key", Severity.WARNING, "actors")
    ]
    entries = '{"A": {"country": "RU"}, "B": {"country": "CN", "country": "IR"}, "A": {"country": "IR"}}'
    read = got(written(tmp_path, "b.json", entries))
    assert [issue.value for issue in read.notes] == ["A"]
    assert [issue.value for issue in read.row_issues()] == ["country"]


def test_the_records_path_decides(tmp_path: Path) -> None:
    """A path names the list; one that leads nowhere is an error with the keys there are."""
    path = written(
        tmp_path,
        "a.json",
        '{"a": [{"x": 1}], "data": {"groups": [{"list": [{"name": "A"}]}, {"list": [{"name": "B"}]}]}}',
    )
    assert got(path, records="data.groups[].list[]").column("name") == ["A", "B"]
    assert got(path, records="data.groups[1].list").column("name") == ["B"]
    with pytest.raises(SourceError, match="no 'actors'"):
        got(path, records="data.actors")


def test_a_repeated_key_is_an_error_of_its_row(tmp_path: Path) -> None:
    """An object with the same key twice loses a value, so its row is wrong."""
    read = got(written(tmp_path, "a.json", '[{"name": "A", "name": "B"}, {"name": "C"}]'))
    assert [(issue.code, issue.severity, issue.place.row) for issue in read.row_issues()] == [
        ("repeated-key", Severity.ERROR, 1)
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"name": "A"},\n {"name": ]', "line 2, column 11"),
        ('[{"name": "A"', "ends too early"),
        ('[{"name": "A"}],', "not valid JSON"),
        ('{"name": "A"}\n{"name": NaN}', "NaN in line 2 is not a JSON value"),
        ('{"name": "A"}, {"name": "B"}', "line 1, column 14"),
        ("{}" + "[" * 100_000, "nested deeper"),
        ("[" * 100_000, "nested deeper"),
        ('{"a":' * 30_000 + "1" + "}" * 30_000, "nested deeper"),
        (b'[{"name":\n"A\xff"}]', "not UTF-8 in line 2"),
        ('{"type": "FeatureCollection", "features": []}', "a map"),
        ('{"Event": {"info": "x", "Attribute": []}}', "a MISP event"),
        ('[{"Galaxy": {"id": "1", "name": "Threat Actor", "type": "threat-actor"}}]', "list of galaxies"),
        ('{"incidents": [{"id": 1}]}', "a list of incidents"),
        ('{"$schema": "x", "properties": {}}', "a JSON schema"),
        ("[]", "an empty list"),
        ("42", "a single value"),
    ],
)
def test_what_is_no_list_is_refused_in_one_sentence(tmp_path: Path, text: str | bytes, says: str) -> None:
    """Broken, deep and unrelated documents are named for what they are."""
    with pytest.raises(SourceError, match=says) as caught:
        got(written(tmp_path, "a.json", text))
    assert "\n" not in caught.value.message


def test_yaml_scalars_are_text(tmp_path: Path) -> None:
    """`no`, 007, 1e5 and dates stay what stands there, and no tag is obeyed."""
    text = "- name: no\n  id: 007\n  x: 1e5\n  d: 2020-01-01\n  t: !!python/object:os.system ls\n  e: off\n"
    read = got(written(tmp_path, "a.yaml", text))
    assert read.cells == [("no", "007", "1e5", "2020-01-01", "ls", "off")]


def test_yaml_null_is_no_text(tmp_path: Path) -> None:
    """`~`, `null` and nothing are blank; quoted or tagged they are texts, and as keys too."""
    text = "- {a: ~, b: null, c: Null, d: NULL, e: , f: \"~\", g: 'null', h: !!str ~, ~: k, i: nil, j: [x, ~]}\n"
    read = got(written(tmp_path, "a.yaml", text))
    assert read.columns == ("a", "b", "c", "d", "e", "f", "g", "h", "~", "i", "j")
    assert read.cells == [("", "", "", "", "", "~", "null", "~", "k", "nil", '["x", null]')]


def test_yaml_merge_keys_give_way_to_own_keys(tmp_path: Path) -> None:
    """`<<` brings in an object or a list of them, the first counts most, the object's own keys before all."""
    read = got(
        written(
            tmp_path,
            "a.yaml",
            [
                "d: &d {country: RU, motive: Espionage}",
                "e: &e {country: IR, tlp: red, tlp: green}",
                "actors:",
                "  - {<<: *d, name: A}",
                "  - {name: B, country: CN, <<: *d}",
                "  - {<<: [*d, *e], name: C}",
                '  - {"<<": x, name: D}',
                "  - {<<: text, name: E}",
            ],
        )
    )
    rows = [dict(zip(read.columns, row, strict=True)) for row in read.cells]
    assert [(row["name"], row["country"], row["motive"], row["tlp"], row["<<"]) for row in rows] == [
        ("A", "RU", "Espionage", "", ""),
        ("B", "CN", "Espionage", "", ""),
        ("C", "RU", "Espionage", "green", ""),
        ("D", "", "", "", "x"),
        ("E", "", "", "", "text"),
    ]
    assert [(issue.code, issue.value, issue.place.row) for issue in read.row_issues()] == [("repeated-key", "tlp", 3)]


ANCHORS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{key}: &{key} [{','.join(['*' + before] * 10)}]\n" for before, key in pairwise("abcdefghi")
)

MERGES = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{key}: &{key} {{<<: [{','.join(['*' + before] * 10)}]}}\n" for before, key in pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ANCHORS, "anchors expand"),
        ("[\n" * 500, "nested deeper"),
        ("[" * 50_000, "a.yaml"),
        ("a: &a\n  - *a\n", "used before it is complete"),
        ("a: [1,\nb: }", "line 2"),
        (MERGES, "anchors expand"),
    ],
)  # fmt: skip
def test_yaml_tricks_are_bounded(tmp_path: Path, text: str, says: str) -> None:
    """Anchor bombs, depth and circles end in a sentence."""
    with pytest.raises(SourceError, match=says):
        got(written(tmp_path, "a.yaml", text))


def galaxy(kind: str, category: str) -> str:
    values = [{"value": "A", "uuid": "u1", "meta": {"country": "CN", "synonyms": ["x, y"]}}, {"value": "B"}]
    about = {"authors": ["x"], "category": category, "type": kind, "name": kind, "uuid": "g", "version": 1}
    return json.dumps({**about, "values": values})


def test_misp_galaxies(tmp_path: Path) -> None:
    """Galaxies of actors are lists; one of malware is refused; one of ransomware goes through with a warning."""
    read = got(written(tmp_path, "a.json", galaxy("threat-actor", "actor")))
    assert read.columns == ("uuid", "value", "meta.country", "meta.synonyms")
    assert [(row.id, row.cells) for row in read.rows] == [
        ("u1", ("u1", "A", "CN", '["x, y"]')),
        ("", ("", "B", "", "")),
    ]
    with pytest.raises(SourceError, match="MISP galaxy 'mitre-malware'"):
        got(written(tmp_path, "b.json", galaxy("mitre-malware", "tool")))
    warned = got(written(tmp_path, "c.json", galaxy("ransomware", "tool")))
    assert (len(warned.rows), warned.codes()) == (2, ["not-quite-actors"])


def test_content_tells_the_kind_not_the_ending(tmp_path: Path) -> None:
    """A JSON list called .txt, a CSV called .dat, a YAML list without an ending are read as what they are."""
    assert got(written(tmp_path, "a.txt", '[{"name": "A"}]')).files[0].kind == "json"
    assert got(written(tmp_path, "a.dat", "name,country\nA,CN\n")).files[0].kind == "csv"
    assert got(written(tmp_path, "list", "actors:\n  - name: A\n  - name: B\n")).files[0].kind == "yaml"
    assert got("-", stdin=b"[Unnamed group],CN\n[Vault 7/8],US\n").files[0].kind == "csv"


@pytest.mark.parametrize(
    ("content", "looks"),
    [
        (b"%PDF-1.7", "a PDF"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"SQLite format 3\x00", "a SQLite database"),
        (b"\x89PNG\r\n", "an image"),
        (b"", "an empty file"),
        (b"\n \n", "an empty file"),
        (bytes(range(256)) * 20, "binary data"),
        (
            "Permission is hereby granted, free of charge,\nto any person\nobtaining a copy, of, this\nx\ny, z\n",
            "running text",
        ),
    ],
)
def test_other_files_are_refused_whatever_their_name(tmp_path: Path, content: bytes | str, looks: str) -> None:
    """A file called .csv that is something else is refused as that."""
    with pytest.raises(SourceError, match=looks):
        got(written(tmp_path, "a.csv", content))
