"""The presets on the real catalogues: names, aliases, countries and references where a person would put them."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest

from importer.errors import SourceError
from importer.mapping.choose import choose
from importer.mapping.draft import Drafter
from importer.mapping.load import load_mapping
from importer.model import Draft, Header, Severity, Table
from importer.sources.read import ReadOptions, read
from tests.mapping.tables import drafts, table

WORKBOOK = "APT Groups and Operations (2020-10).xlsx"


@lru_cache(maxsize=4)
def arrived(path: Path) -> tuple[frozenset[str], tuple[Draft, ...]]:
    """The mappings that a file's tables got by themselves, and its drafts."""
    drafters: dict[str, Drafter] = {}
    names: set[str] = set()
    found: list[Draft] = []
    for item in read([str(path)], ReadOptions()):
        if isinstance(item, Table):
            held = choose(item)
            names.add(held.name)
            found.extend(drafters.setdefault(held.name, Drafter(held)).draft(item))
    return frozenset(names), tuple(found)


def by_name(found: tuple[Draft, ...]) -> dict[str, Draft]:
    return {draft.name: draft for draft in found}


def test_misp_actors_arrive(catalogs: Path) -> None:
    """1,041 actors: synonyms private, country with its confidence, references as links; none invalid."""
    names, found = arrived(catalogs / "misp" / "threat-actor.json")
    assert names == {"misp-galaxy"}
    assert (len(found), sum(draft.invalid for draft in found)) == (1041, 0)
    fields = by_name(found)["APT1"].fields
    assert fields["originCountryISO"] == {"value": "CN", "confidence": 5}
    assert "COMMENT PANDA" in fields["aliasGroupNamesInternal"]
    assert fields["externalReferenceLinks"][0] == "https://en.wikipedia.org/wiki/PLA_Unit_61398"
    assert "aliasGroupNames" not in fields
    assert {"[Vault 7/8]", "[Unnamed group]", "Stealth Mango and Tangelo"} <= set(by_name(found))
    assert sum("originCountryISO" in draft.fields for draft in found) >= 460


def test_every_country_of_misp_is_the_one_that_stands_there(catalogs: Path) -> None:
    """No country is lost and none is made up."""
    _, found = arrived(catalogs / "misp" / "threat-actor.json")
    for draft in found:
        column = draft.row.header.columns.index("meta.country")
        text = draft.row.cells[column]
        held = draft.fields.get("originCountryISO", "")
        code = held["value"] if isinstance(held, dict) else held
        assert not text or code == text, draft.name


@pytest.mark.parametrize(("file", "count"), [("microsoft-activity-group.json", 179), ("360net.json", 42)])
def test_other_actor_clusters_arrive(catalogs: Path, file: str, count: int) -> None:
    """Every cluster of actors is known by its columns."""
    names, found = arrived(catalogs / "misp" / file)
    assert (names, len(found)) == (frozenset({"misp-galaxy"}), count)
    assert not any(draft.invalid for draft in found)


def test_a_cluster_of_malware_is_refused_but_can_be_asked_for(catalogs: Path) -> None:
    """Ransomware families are no actors, unless somebody says that they are to be taken as such."""
    path = catalogs / "misp" / "ransomware.json"
    with pytest.raises(SourceError, match="list of malware"):
        arrived(path)
    tables = [item for item in read([str(path)], ReadOptions()) if isinstance(item, Table)]
    drafter = Drafter(load_mapping("misp-galaxy"))
    found = [draft for item in tables for draft in drafter.draft(item)]
    assert len(found) == 2135
    assert {"777", "10001", "R", "$$$"} <= {draft.name for draft in found}


def test_attack_groups_arrive(catalogs: Path) -> None:
    """ATT&CK: description without citation marks, own name out of the aliases, the group's page among the links."""
    names, found = arrived(catalogs / "attack" / "enterprise-attack-15.stix20.json")
    assert names == {"attack"}
    assert len(found) == 148
    assert {issue.code for draft in found for issue in draft.issues} <= {"reference-without-link", "alias-with-remark"}
    fields = by_name(found)["APT28"].fields
    assert "(Citation" not in fields["description"]
    assert "](" not in fields["description"]
    assert "APT28" not in fields["aliasGroupNamesInternal"]
    assert "Fancy Bear" in fields["aliasGroupNamesInternal"]
    assert fields["externalReferenceLinks"][0] == "https://attack.mitre.org/groups/G0007"
    assert fields["internalDescription"].startswith("MITRE ATT&CK G0007")
    assert "(Citation" not in fields["internalDescription"]
    assert all(link.startswith("http") for draft in found for link in draft.fields["externalReferenceLinks"])


def test_microsofts_list_arrives(catalogs: Path) -> None:
    """Origin/Threat is a country, a motive or both; `Korea` is South Korea there; nothing is lost."""
    names, found = arrived(catalogs / "microsoft" / "MicrosoftMapping.json")
    assert (names, len(found)) == (frozenset({"microsoft"}), 166)
    assert not any(draft.invalid for draft in found)
    origin = found[0].row.header.columns.index("Origin/Threat")
    seen = {draft.row.cells[origin]: draft.fields for draft in found}
    assert seen["Korea"]["originCountryISO"] == "KR"
    assert seen["North Korea"]["originCountryISO"] == "KP"
    assert seen["Türkiye"]["originCountryISO"] == "TR"
    assert (seen["China"]["originCountryISO"], seen["China"]["actorCategory"]) == ("CN", "Nation State")
    israel = seen["Israel, Private sector offensive actor"]
    assert (israel["originCountryISO"], "actorCategory" in israel) == ("IL", False)
    assert israel["internalDescription"].endswith("Private sector offensive actor")
    mixed = seen["China, Financially motivated"]
    assert (mixed["originCountryISO"], mixed["motive"]) == ("CN", "Financial")
    assert "originCountryISO" not in seen["Group in development"]
    assert Counter("originCountryISO" in draft.fields for draft in found)[True] >= 110


def test_the_apt_workbook_arrives(catalogs: Path) -> None:
    """One sheet a region: vendor columns are aliases, the sheet is the origin, `?` is not a name, links are links."""
    names, found = arrived(catalogs / WORKBOOK)
    assert names == {"apt-spreadsheet"}
    sheets = Counter(draft.row.header.sheet for draft in found)
    assert set(sheets) == {
        "China",
        "Russia",
        "North Korea",
        "Iran",
        "Israel",
        "NATO",
        "Middle East",
        "Others",
        "Unknown",
    }
    assert len(found) == 218
    fields = by_name(found)["Comment Crew"].fields
    assert fields["originCountryISO"] == "CN"
    assert {"Comment Panda", "TG-8223", "APT 1", "ShadyRAT"} <= set(fields["aliasGroupNamesInternal"])
    assert all(link.startswith("http") for draft in found for link in draft.fields.get("externalReferenceLinks", ()))
    origins = {(draft.row.header.sheet, draft.fields.get("originCountryISO")) for draft in found}
    assert {origin for sheet, origin in origins if sheet in ("NATO", "Unknown")} <= {None}
    assert {origin for sheet, origin in origins if sheet == "Russia"} == {"RU"}
    nameless = [draft for draft in found if draft.invalid]
    errors = {issue.code for draft in nameless for issue in draft.issues if issue.severity is Severity.ERROR}
    assert (errors, len(nameless)) == ({"missing-name"}, 12)
    assert not any(set(draft.name) <= {"?"} for draft in found if draft.name)


@pytest.mark.parametrize(
    "file",
    [
        "misp/threat-actor.json",
        "attack/mobile-attack-17.1.stix21.json",
        "oasis/apt1.json",
        "microsoft/MicrosoftMapping.json",
    ],
)
def test_failed_rows_read_again_are_the_same(catalogs: Path, file: str) -> None:
    """Written to a CSV with report columns added, the rows find the same preset and give the same drafts."""
    names, found = arrived(catalogs / file)
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([*found[0].row.header.columns, "_status", "_message"])
    writer.writerows([*draft.row.cells, "failed", "x"] for draft in found)
    lines = list(csv.reader(io.StringIO(stream.getvalue())))
    header = Header("failed.csv", "csv", tuple(lines[0]))
    again = Table.of_rows(header, lines[1:], range(2, 1 + len(lines)))
    held = choose(again)
    assert {held.name} == names
    assert json.dumps([dict(d.fields) for d in Drafter(held).draft(again)]) == json.dumps(
        [dict(d.fields) for d in found]
    )


def test_a_stix_description_stays_private() -> None:
    """A bundle may be marked for a few readers: its description, aliases and links are not published."""
    cells = ("threat-actor", "threat-actor--1", "X", "secret", '["Y"]', "red", '["https://a.example"]', "80")
    columns = ("type", "id", "name", "description", "aliases", "tlp", "urls", "confidence")
    fields = drafts(load_mapping("stix"), columns, cells)[0].fields
    assert fields == {
        "value": "X",
        "internalDescription": "secret\n\nReferences: https://a.example",
        "aliasGroupNamesInternal": ["Y"],
        "tlp": "red",
        "confidence": 8,
    }


def test_a_second_motivation_of_stix_is_kept() -> None:
    """The field takes the primary motivation; the secondary ones stand in the private notes, never nowhere."""
    columns = ("type", "id", "name", "primary_motivation", "secondary_motivations")
    cells = ("threat-actor", "threat-actor--1", "X", "ideology", '["revenge", "dominance"]')
    fields = drafts(load_mapping("stix"), columns, cells)[0].fields
    assert fields["motive"] == "Ideology"
    assert "revenge" in fields["internalDescription"]
    assert "dominance" in fields["internalDescription"]


def test_a_question_mark_is_no_name_in_the_apt_workbook() -> None:
    """`?` gives way to the first vendor's name; with none, the row is told to lack one and the cell is shown."""
    columns = ("Common Name", "CrowdStrike", "Toolset / Malware", "Link 1")
    first, second = drafts(
        load_mapping("apt-spreadsheet"), columns, ("?", "Anchor Panda", "x", ""), ("???", "", "x", ""), sheet="China"
    )
    assert first.name == "Anchor Panda"
    assert "aliasGroupNamesInternal" not in first.fields
    assert second.issues[0].code == "missing-name"
    assert second.issues[0].value == "???"
    assert table(columns).header.columns == columns
