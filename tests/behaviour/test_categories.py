"""Categories: by name or UUID, their schemas as a file, and `properties` checked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.behaviour.inside import Here, Recorder, last, rows
from tests.behaviour.program import Served

SCHEMA = """\
categories:
  - name: Threat actors
    description: Our actors
    schema:
      - {key: team, kind: string, maxLength: 5}
      - {key: rank, kind: number, numberConstraint: {min: 1, max: 9, integer: true}}
      - {key: region, kind: enum, allowedValues: [emea, apac], required: true}
      - {key: seen, kind: date}
      - {key: site, kind: string, format: url}
      - {key: uptime, kind: string, format: duration}
      - {key: land, kind: string, format: country}
      - {key: tools, kind: array, element: {kind: string, maxLength: 4}}
      - {key: contact, kind: object, properties: {who: {kind: string, required: true}}}
      - {key: hint, kind: number, enforcement: warn}
      - {key: free, kind: number, enforcement: "off"}
"""
MAPPING = """\
name: mine
fields:
  value: {column: name}
  properties: {column: properties, transforms: [json]}
"""
GOOD = (
    '{"team":"blue","rank":3,"region":"emea","seen":"2024-02-29","site":"https://example.org/","uptime":"P3D",'
    '"land":"CN","tools":["a"],"contact":{"who":"x"},"hint":1,"free":2}'
)


def apply_schema(here: Here, text: str = SCHEMA) -> None:
    (here.folder / "cat.yaml").write_text(text)
    here.ok("categories", "apply", "cat.yaml", "--sandbox", "--yes")


def listed(here: Here, *properties: str) -> None:
    (here.folder / "m.yaml").write_text(MAPPING)
    quoted = [f'Actor {number},"{text.replace(chr(34), chr(34) * 2)}"' for number, text in enumerate(properties)]
    rows(here.folder / "a.csv", "name,properties", *quoted)


PLAN = ("plan", "a.csv", "--mapping", "m.yaml", "--sandbox", "--format", "json", "--category")


def test_a_schema_is_kept_in_yaml(here: Here) -> None:
    """`categories apply` makes what the file says, its export is the same again, a second apply does nothing."""
    apply_schema(here)
    here.ok("categories", "export", "--sandbox", "--out", "export.yaml")
    for name in ("cat.yaml", "export.yaml"):
        assert "unchanged" in here.ok("categories", "apply", name, "--sandbox", "--dry-run").out
    assert "Threat actors" in here.ok("categories", "list", "--sandbox").out
    shown = here.ok("categories", "show", "threat ACTORS", "--sandbox").out
    assert "region" in shown
    assert "apac" in shown


@pytest.mark.parametrize("paths", ["old", "new"])
def test_a_category_is_changed_before_and_after_its_path_moves(
    here: Here, serve: Callable[..., Served], paths: str
) -> None:
    """A server that has only one of the two paths of a category is spoken to on that one."""
    served = serve("--fault", f"category_paths: {paths}")
    (here.folder / "cat.yaml").write_text("categories: [{name: Mine, description: old}]")
    here.ok("categories", "apply", "cat.yaml", "--yes", env=served.env)
    (here.folder / "cat.yaml").write_text("categories: [{name: Mine, description: new}]")
    here.ok("categories", "apply", "cat.yaml", "--yes", env=served.env)
    assert "unchanged" in here.ok("categories", "apply", "cat.yaml", "--dry-run", env=served.env).out


def test_a_changed_schema_shows_its_difference_and_the_tags_it_would_break(here: Here) -> None:
    """The difference is shown key by key, and tags that the new schema would refuse are named before it is sent."""
    apply_schema(here)
    listed(here, GOOD)
    here.ok("apply", "a.csv", "--mapping", "m.yaml", "--sandbox", "--category", "Threat actors")
    (here.folder / "cat.yaml").write_text(SCHEMA.replace("maxLength: 5", "maxLength: 3"))
    ran = here.ok("categories", "apply", "cat.yaml", "--sandbox", "--dry-run")
    assert "schema.team" in ran.out
    assert "Actor 0" in ran.out


def test_a_mistake_in_a_category_file_has_its_line_and_column(here: Here) -> None:
    """A wrong kind is told with the nearest right one, and nothing is sent."""
    (here.folder / "cat.yaml").write_text(SCHEMA.replace("kind: date", "kind: dat"))
    ran = here("categories", "apply", "cat.yaml", "--sandbox", "--yes")
    assert ran.code == 2
    assert "cat.yaml:8:" in ran.err
    assert "'date'" in ran.err


def test_a_category_is_found_by_name_or_uuid_and_an_unknown_one_has_a_neighbour(here: Here) -> None:
    """Name (in any case) and UUID lead to one category; a slip is an error with the nearest name."""
    apply_schema(here)
    listed(here, GOOD)
    uuid = here.ok("categories", "list", "--sandbox", "--format", "json").json[0]["uuid"]
    for name in ("Threat actors", "threat actors", uuid, uuid.upper()):
        assert here.ok(*PLAN, name).json["category"] == uuid
    ran = here(*PLAN, "Thread actors")
    assert ran.code == 2
    assert "Threat actors" in ran.err


def test_create_category_makes_what_is_missing_once(here: Here) -> None:
    """With --create-category the run makes the category before its first tag; the next run finds it."""
    rows(here.folder / "a.csv", "Name", "Red Fox", "Blue Owl")
    for expected in (1, 0):
        here.ok("apply", "a.csv", "--sandbox", "--category", "New ones", "--create-category", "--mode", "upsert")
        assert last(here.folder / "tag-importer-runs")["calls"].get("category-create", 0) == expected
    assert len(here.ok("categories", "list", "--sandbox", "--format", "json").json) == 1
    assert {tag["_category"] for tag in here.tags("--sandbox").values()} == {"New ones"}


@pytest.mark.parametrize(
    ("good", "bad", "code"),
    [
        ('"blue"', '"longer"', "property-length"),
        ("3,", "99,", "property-range"),
        ("3,", "1.5,", "property-range"),
        ("3,", '"x",', "property-kind"),
        ('"emea"', '"emeo"', "property-value"),
        ('"region":"emea",', "", "property-missing"),
        ('"2024-02-29"', '"2023-02-29"', "property-format"),
        ('"https://example.org/"', '"example"', "property-format"),
        ('"P3D"', '"3 days"', "property-format"),
        ('"CN"', '"Chnia"', "property-format"),
        ('["a"]', '["a","longer"]', "property-length"),
        ('{"who":"x"}', "{}", "property-missing"),
    ],
)
def test_properties_are_checked_against_the_schema_before_anything_is_sent(
    here: Here, good: str, bad: str, code: str
) -> None:
    """Every kind, format and constraint of the schema is checked while planning: the row is invalid, with its cell."""
    apply_schema(here)
    assert good in GOOD
    listed(here, GOOD, GOOD.replace(good, bad))
    ran = here(*PLAN, "Threat actors")
    assert ran.code == 1
    assert ran.json["actions"]["create"] == 1
    assert ran.json["actions"]["invalid"] == 1
    assert code in ran.out
    assert "B3" in ran.out


def test_enforcement_says_how_bad_a_breach_is(here: Here) -> None:
    """A breach of an entry under `warn` is a warning, under `off` nothing; the row is sent."""
    apply_schema(here)
    listed(here, GOOD.replace('"hint":1', '"hint":"x"').replace('"free":2', '"free":"y"'))
    ran = here.ok(*PLAN, "Threat actors")
    assert ran.json["actions"]["create"] == 1
    assert "properties.hint" in ran.out
    assert "properties.free" not in ran.out


def test_what_the_check_lets_through_the_server_takes(
    here: Here, serve: Callable[..., Served], recorded: Callable[[dict[str, str]], Recorder], tmp_path: Path
) -> None:
    """The good row is created with its properties as they stand; the bad one costs no call."""
    calls = recorded(serve().env)
    (here.folder / "cat.yaml").write_text(SCHEMA)
    here.ok("categories", "apply", "cat.yaml", "--yes", env=calls.env)
    listed(here, GOOD, GOOD.replace('"emea"', '"emeo"'))
    calls.calls.clear()
    ran = here("apply", "a.csv", "--mapping", "m.yaml", "--category", "Threat actors", "--yes", env=calls.env)
    assert ran.code == 1
    assert [body["value"] for body in calls.sent("POST")] == ["Actor 0"]


def test_a_refused_category_is_the_files_mistake(here: Here, serve: Callable[..., Served]) -> None:
    """What the server refuses is exit code 2 with the server's words, not an invitation to run it again."""
    text = "categories:\n  - name: Plain\n  - name: Odd\n    schema: [{key: a, kind: string, colour: red}]\n"
    (here.folder / "cat.yaml").write_text(text)
    ran = here("categories", "apply", "cat.yaml", "--yes", env=serve().env)
    assert ran.code == 2
    assert "'Odd'" in ran.err
    assert "colour" in ran.err
    assert "1 of 2 categories were changed before it" in ran.err


def test_a_required_property_is_not_cleared(here: Here) -> None:
    """`#CLEAR` of what the schema requires is invalid in the plan already, not first at the server."""
    apply_schema(here)
    rows(here.folder / "a.csv", "Actor,properties.region", "Red Fox,emea")
    here.ok("apply", "a.csv", "--sandbox", "--category", "Threat actors")
    rows(here.folder / "a.csv", "Actor,properties.region", "Red Fox,#CLEAR")
    ran = here("plan", "a.csv", "--sandbox", "--mode", "upsert")
    assert ran.code == 1
    assert "property-missing" in ran.out
