"""An export is a backup: read again, nothing is different."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.behaviour.inside import Here, rows

ENDINGS = ("csv", "xlsx", "json")
EVERY_FIELD = {
    "value": "Red Fox =1+1",
    "activeDuration": {"value": "since 2010", "confidence": 3, "tlp": "green"},
    "actorCategory": {"value": "Nation State", "confidence": 9},
    "attributionOrganization": "Unit 007",
    "motive": {"value": "Espionage", "tlp": "amber-strict"},
    "opsecLevel": "High",
    "originCountryISO": {"value": "CN", "confidence": 8, "tlp": "red"},
    "sophisticationLevel": "Advanced",
    "priority": {"value": 3.5, "confidence": 2},
    "aliasGroupNames": ["Zorro", "a, b; c", '"quoted"', "007"],
    "aliasGroupNamesInternal": ["-1", "=cmd|' /C calc'!A0", "NA"],
    "externalReferenceLinks": ["https://example.org/a?b=1,2"],
    "internalDescription": 'Line one\nline two\n\ttabbed, with "quotes" and ünïcödé 狐',
    "aliases": [{"value": "Vulpes", "confidence": 10, "tlp": "purple"}, {"value": "Reynard"}],
    "internalAliases": [{"value": "UNC 1", "tlp": "amber+strict"}],
    "externalReferences": [{"url": "https://example.org/r", "description": "A report; long, too"}],
    "dateOfDiscovery": "2014-02-28",
    "confidence": 7,
    "description": "#CLEAR is only a word in here",
    "lastSeen": "2024-02-29",
    "properties": {"team": "blue", "rank": 1, "tags": ["a", "b"], "deep": {"x": 1.5, "y": "1"}, "on": "true"},
    "tlp": "amber",
}


def created(here: Here) -> None:
    """An account with one tag that has every field, and one that has only its name."""
    columns = [name for name in EVERY_FIELD if name not in ("value", "properties")]
    fields = "\n".join(f"  {name}: {{column: {name}, transforms: [json], as_is: true}}" for name in columns)
    (here.folder / "m.yaml").write_text(
        "name: raw\npublish_marked: true\nread: {records: tags}\nfields:\n  value: {column: value}\n"
        f"{fields}\n  properties: {{column: properties, transforms: [json], as_is: true}}\n"
    )
    whole = {name: value if name == "value" else json.dumps(value) for name, value in EVERY_FIELD.items()}
    (here.folder / "raw.json").write_text(json.dumps({"tags": [whole, {"value": "Plain"}]}))
    here.ok("apply", "raw.json", "--mapping", "m.yaml", "--sandbox")


def stored(here: Here) -> list[str]:
    """The tags as the sandbox holds them."""
    with closing(sqlite3.connect(here.folder / "tag-importer-runs" / "sandbox.sqlite3")) as store:
        return [row[0] for row in store.execute("SELECT fields FROM tags ORDER BY id")]


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_field_survives_export_and_import(here: Here, ending: str) -> None:
    """A tag with every field in its richest form is unchanged when its export is read by the mapping beside it."""
    created(here)
    held = stored(here)
    assert set(EVERY_FIELD) - {"value"} <= set(json.loads(held[0])), "the tag has every field"
    here.ok("export", f"backup.{ending}", "--sandbox")
    plan = here.ok("plan", f"backup.{ending}", "--sandbox", "--mode", "upsert", "--format", "json").json
    assert plan["actions"]["unchanged"] == plan["rows"] == 2
    assert plan["mappings"][0].startswith("export@")


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_restores_an_empty_account(here: Here, ending: str) -> None:
    """Applied to an account that lost everything, the backup makes the same tags again."""
    created(here)
    here.ok("export", f"backup.{ending}", "--sandbox")
    here.ok("apply", f"backup.{ending}", "--sandbox", "--sandbox-db", "other.sqlite3")
    plan = here.ok(
        "plan", f"backup.{ending}", "--sandbox", "--sandbox-db", "other.sqlite3", "--mode", "upsert", "--format", "json"
    ).json
    assert plan["actions"]["unchanged"] == 2
    here.ok("export", "again.json", "--sandbox", "--sandbox-db", "other.sqlite3")
    here.ok("export", "first.json", "--sandbox")
    first, again = (json.loads((here.folder / name).read_text())["tags"] for name in ("first.json", "again.json"))
    private = ("_uuid", "_created", "_updated")
    assert [{key: value for key, value in tag.items() if key not in private} for tag in first] == [
        {key: value for key, value in tag.items() if key not in private} for tag in again
    ]


def test_an_export_is_not_overwritten_unasked_and_says_where_it_is(here: Here) -> None:
    """Yesterday's backup stays unless --force is given; only its owner may read it."""
    rows(here.folder / "a.csv", "Name", "Red Fox")
    here.ok("apply", "a.csv", "--sandbox")
    out = here.ok("export", "b.csv", "--sandbox").out
    assert "b.csv.mapping.yaml" in out
    assert (here.folder / "b.csv").stat().st_mode & 0o077 == 0
    ran = here("export", "b.csv", "--sandbox")
    assert ran.code == 2
    assert "--force" in ran.err
    here.ok("export", "b.csv", "--sandbox", "--force")
    assert here("export", "b.txt", "--sandbox").code == 2


@pytest.mark.parametrize(
    ("name", "mapping"),
    [("misp/threat-actor.json", "misp-galaxy"), ("attack/enterprise-attack-15.stix20.json", "attack")],
)
def test_the_catalogues_survive_export_and_import(here: Here, catalogs: Path, name: str, mapping: str) -> None:
    """The MISP and ATT&CK catalogues, imported, exported and read again in each form, plan as unchanged."""
    ran = here("apply", catalogs / name, "--mapping", mapping, "--sandbox", "--quiet", "--fsync", "none")
    assert ran.code in (0, 1), ran.err
    number = len(stored(here))
    for ending in ENDINGS:
        here.ok("export", f"backup.{ending}", "--sandbox")
        plan = here.ok("plan", f"backup.{ending}", "--sandbox", "--mode", "upsert", "--format", "json").json
        assert plan["actions"]["unchanged"] == plan["rows"] == number
