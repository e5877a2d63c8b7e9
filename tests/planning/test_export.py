"""An export holds everything, and importing it again changes nothing."""

from __future__ import annotations

import csv
import json
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.errors import UsageError
from importer.fields.table import FIELDS
from importer.mapping.draft import Drafter
from importer.mapping.load import load_mapping
from importer.model import Action, Category, Draft, Issue, Json, Plan, SourceFile, Tag
from importer.planning.build import build_plan
from importer.planning.export import export_table, write_export
from importer.planning.options import Account, PlanOptions
from importer.sources.locate import mapping_beside
from importer.sources.read import ReadOptions, read

from .examples import ACCOUNT, tag, uuid

ENDINGS = [".csv", ".xlsx", ".json"]
EVERYTHING: dict[str, Json] = {
    "categoryUuid": uuid(50),
    "activeDuration": {"value": "since 2004", "confidence": 4, "tlp": "amber-strict"},
    "actorCategory": "Nation State Affiliated",
    "aliasGroupNames": ["Sofacy, Group", "Fancy/Bear", "007", "NA", "Fräulein „ß“", "[Vault 7/8]", "apt 28 (x)"],
    "aliasGroupNamesInternal": ["one"],
    "attributionOrganization": {"value": "GRU; Unit 26165", "tlp": "red"},
    "externalReferenceLinks": ["https://a.example/?q=1,2;3", "hxxp://b[.]example", "not a link"],
    "internalDescription": "  leading, \"quoted\"\r\nand\n\ttabbed  ",
    "motive": {"value": "a word of our own", "confidence": 10},
    "opsecLevel": "=1+1",
    "originCountryISO": {"value": "RUS", "confidence": 7},
    "priority": {"value": 2.5, "confidence": 3},
    "sophisticationLevel": "N/A",
    "aliases": [{"value": "Pawn Storm", "confidence": 7, "tlp": "green"}, {"value": "-dash"}],
    "internalAliases": [{"value": "@home", "tlp": "amber+strict"}],
    "externalReferences": [{"url": "https://c.example", "description": "zwei\nZeilen"}, {"url": "https://d.example"}],
    "dateOfDiscovery": "2014-10-28",
    "confidence": 9,
    "description": "_x000D_ #N/A 日本語 [\"json?\"] {\"a\": 1}",
    "lastSeen": "2024",
    "properties": {"n": 5, "s": "5", "b": True, "l": ["x", 1], "o": {"deep": [1, {"y": None}]}, "f": 1.5},
    "tlp": "amber+strict",
    "analyticPriority": 4,
    "attributionConfidence": "high",
    "motiveConfidence": 3,
    "originCountryTlp": "purple",
}  # fmt: skip


def again(path: Path, tags: list[Tag], categories: list[Category] | None = None) -> Plan:
    """Import the export at `path` as the program would, and plan it against the same account."""
    beside = mapping_beside(path)
    assert beside is not None
    drafter = Drafter(load_mapping(str(beside)))
    hints = drafter.mapping.read_hints()
    drafts: list[Draft] = []
    for item in read([str(path)], ReadOptions(header_row=hints.header_row, records=hints.records)):
        assert not isinstance(item, Issue) or item.severity != "error", item
        if not isinstance(item, Issue | SourceFile):
            assert drafter.notes(item) == ()
            drafts += drafter.draft(item)
    assert len(drafts) == len(tags)
    return build_plan(drafts, Account(ACCOUNT, tags, categories), PlanOptions(mode="upsert"))


def assert_unchanged(made: Plan) -> None:
    """Every row unchanged; else the first differences are shown."""
    moved = [(change.name, change.code, change.message, change.differences, change.issues)
             for change in made.changes if change.action is not Action.UNCHANGED]  # fmt: skip
    assert moved[:3] == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_field_comes_back_unchanged(tmp_path: Path, ending: str) -> None:
    """Every field, with every annotation and awkward text, plans as unchanged in each kind of file."""
    tags = [
        tag("APT28", 1, **EVERYTHING),
        tag("  APT 29\n(x)", 2),
        tag("=cmd()", 3, priority=7),
        tag("NA", 4, tlp="red"),
    ]
    categories = [Category(uuid(50), "Actors")]
    done = write_export(tmp_path / f"out{ending}", tags, categories)
    assert (done.tags, done.unread) == (4, ())
    assert_unchanged(again(done.path, tags, categories))


def test_the_examples_cover_every_field() -> None:
    """The test above leaves no field of the table out but those whose parts are fields of their own."""
    assert {field.name for field in FIELDS} - EVERYTHING.keys() <= {
        "value", "actorCategoryConfidence", "attributionConfidenceScore", "originCountryConfidence",
    }  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
def test_tags_of_one_name_each_find_their_own(tmp_path: Path, ending: str) -> None:
    """Two tags of one name are two rows, told apart by their UUID."""
    tags = [tag("APT28", 1, priority=1), tag("apt28", 2, priority=2)]
    assert_unchanged(again(write_export(tmp_path / f"out{ending}", tags).path, tags))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_name_is_taken_by_the_letter(tmp_path: Path, ending: str) -> None:
    """Names that look like lists, totals, numbers or blanks are names: their rows find their own tags again."""
    names = [
        '["x"]',
        '["x", "y"]',
        " a",
        "A  B",
        "-",
        "Total",
        "value",
        "007",
        "1e3",
        "{}",
        "TRUE",
        "'q",
        "b\nc",
        "N/A",
    ]
    tags = [tag(name, number) for number, name in enumerate(names, 1)]
    done = write_export(tmp_path / f"out{ending}", tags)
    assert done.unread == ()
    assert_unchanged(again(done.path, tags))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_name_that_no_cell_can_hold_is_told(tmp_path: Path, ending: str) -> None:
    """The name `#CLEAR` would be read as a command: it stands in `_other`, and its row changes nothing."""
    tags = [tag("#CLEAR", 1), tag("x", 2)]
    done = write_export(tmp_path / f"out{ending}", tags)
    assert [sentence.split(":")[0] for sentence in done.unread] == [f"'#CLEAR' ({uuid(1)})"]
    assert [change.action for change in again(done.path, tags).changes] == [Action.INVALID, Action.UNCHANGED]


def test_aliases_that_a_mapping_tidies_are_no_difference(tmp_path: Path) -> None:
    """The actor's own name, repetitions and line breaks among its aliases and links do not make an update."""
    tags = [tag("APT28", 1, aliasGroupNames=["APT28", "Sofacy", "SOFACY", "two  words\n"],
                aliases=[{"value": "apt28"}], externalReferenceLinks=["https://a", "https://a"],
                externalReferences=[{"url": "https://a", "description": "1"}, {"url": "https://a"}])]  # fmt: skip
    assert_unchanged(again(write_export(tmp_path / "out.csv", tags).path, tags))


def test_what_cannot_be_read_back_is_kept_and_said(tmp_path: Path) -> None:
    """A field of tomorrow's API or a value no request may hold stands in `_other`, and the import leaves it alone."""
    tags = [tag("A", 1, motive={"value": "x", "flavour": 1}, newField=[1], dateOfDiscovery="last week",
                description="#CLEAR", priority=1)]  # fmt: skip
    done = write_export(tmp_path / "out.csv", tags)
    assert len(done.unread) == 4
    with done.path.open(encoding="utf-8-sig", newline="") as stream:
        other = json.loads(next(csv.DictReader(stream))["_other"])
    assert other.keys() == {"motive", "newField", "dateOfDiscovery", "description"}
    assert_unchanged(again(done.path, tags))


def test_long_lists_go_on_in_the_next_column_of_a_workbook(tmp_path: Path) -> None:
    """A list of links longer than an Excel cell comes back whole; a text that is too long is not cut but told."""
    links = [f"https://example.org/{number}/{'x' * 180}" for number in range(400)]
    tags = [tag("A", 1, externalReferenceLinks=links), tag("B", 2, description="y" * 40_000)]
    done = write_export(tmp_path / "out.xlsx", tags)
    assert [sentence.split(":")[0] for sentence in done.unread] == [f"'B' ({uuid(2)})"]
    made = again(done.path, tags)
    assert_unchanged(made)
    assert made.changes[0].row is not None
    assert made.changes[1].row is not None
    cells = made.changes[1].row.cells
    assert sum(cell.count("y") for cell in cells) >= 40_000, "the backup is whole"
    assert len([cell for cell in made.changes[0].row.cells if "example.org" in cell]) > 2


def test_files_are_private_and_not_overwritten(tmp_path: Path) -> None:
    """The export and its mapping are for the owner alone; an existing file, an odd ending or no folder is refused."""
    done = write_export(tmp_path / "out.csv", [tag("A")])
    assert [stat.S_IMODE(path.stat().st_mode) for path in (done.path, done.mapping)] == [0o600, 0o600]
    for path in (done.path, tmp_path / "out.ods", tmp_path / "no" / "out.csv", tmp_path):
        with pytest.raises(UsageError):
            write_export(path, [])
    write_export(done.path, [tag("B")], force=True)
    assert "B" in done.path.read_text("utf-8-sig")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.mapping.yaml"]


def test_a_text_that_a_spreadsheet_would_run_comes_back(tmp_path: Path) -> None:
    """A CSV is known as ours whatever columns it has, so that its guard against formulas is taken off again."""
    tags = [tag("A", 1, description="@someone said =1", aliasGroupNames=["-1", "=cmd"]), tag("=B", 2)]
    assert_unchanged(again(write_export(tmp_path / "out.csv", tags).path, tags))


def test_only_what_is_there_has_a_column_and_is_in_words() -> None:
    """A column for what some tag has, no other; lists are words and each property has a column, unless they cannot."""
    plain = tag("A", 1, analyticPriority=3, aliasGroupNames=["Red Fox", "UNC, 2"], aliases=[{"value": "Zorro"}],
                properties={"team": "blue", "rank": 1, "tags": ["a", "b"]})  # fmt: skip
    table = export_table([plain, tag("B", 2, externalReferences=[{"url": "https://a.example"}])])
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    assert {name: text for name, text in cells.items() if name != "_uuid"} == {
        "value": "A", "analyticPriority": "3", "aliasGroupNames": "Red Fox; UNC, 2", "aliases": "Zorro",
        "properties.team": "blue", "properties.rank": "1", "properties.tags": "a; b", "externalReferences": "",
        "_other": "",
    }  # fmt: skip
    assert table.rows[1][table.columns.index("externalReferences")] == "https://a.example"
    rich = tag("C", 3, aliasGroupNames=["a; b"], aliases=[{"value": "Z", "tlp": "red"}], properties={"deep": {"x": 1}})
    table = export_table([plain, rich])
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    assert cells["aliasGroupNames"] == '["Red Fox", "UNC, 2"]'
    assert cells["aliases"] == '[{"value": "Zorro"}]'
    assert json.loads(cells["properties"]) == plain.fields["properties"]


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1, max_size=12).filter(
    lambda text: text.strip() != "#CLEAR"
)
TLP = st.sampled_from(["red", "amber", "amber-strict", "green", "clear", "purple", "amber+strict"])
ANNOTATION = st.fixed_dictionaries({}, optional={"confidence": st.integers(1, 10), "tlp": TLP})


def noted(values: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return values | st.builds(lambda value, more: {"value": value, **more}, values, ANNOTATION)


VALUES: dict[str, st.SearchStrategy[Json]] = {
    "motive": noted(TEXT),
    "description": TEXT,
    "lastSeen": TEXT,
    "priority": noted(st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False, width=32)),
    "originCountryISO": noted(st.sampled_from(["RU", "CHN", "XK"])),
    "aliases": st.lists(st.builds(lambda value, more: {"value": value, **more}, TEXT, ANNOTATION), max_size=4),
    "aliasGroupNamesInternal": st.lists(TEXT, max_size=4),
    "externalReferenceLinks": st.lists(TEXT, max_size=4),
    "externalReferences": st.lists(st.fixed_dictionaries({"url": TEXT}, optional={"description": TEXT}), max_size=3),
    "properties": st.dictionaries(
        TEXT, TEXT | st.integers(-9, 9) | st.booleans() | st.lists(TEXT, max_size=2), max_size=3
    ),
    "confidence": st.integers(1, 10),
}
TAGS = st.lists(st.tuples(TEXT.filter(str.strip), st.fixed_dictionaries({}, optional=VALUES)), min_size=1, max_size=4)


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TAGS)
def test_any_account_comes_back_unchanged(ending: str, items: list[tuple[str, dict[str, Json]]]) -> None:
    """For random accounts nothing is ever created or updated by importing their export."""
    tags = [tag(name, number, **fields) for number, (name, fields) in enumerate(items, 1)]
    with tempfile.TemporaryDirectory() as folder:
        done = write_export(Path(folder) / f"out{ending}", tags)
        made = again(done.path, tags)
    # A name that no request may hold is invalid here as it would be anywhere; nothing is sent for it either.
    wrong = [change for change in made.changes if change.action not in (Action.UNCHANGED, Action.INVALID)]
    assert wrong == []
    assert all(change.action is Action.UNCHANGED for change in made.changes) or done.unread
