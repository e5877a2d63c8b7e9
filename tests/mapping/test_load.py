"""Mapping files: every problem at once, with line, column and the nearest valid word."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.errors import MappingError
from importer.mapping.draft import Drafter
from importer.mapping.load import load_mapping, mapping_from_bytes, presets
from importer.shipped import PRESETS
from tests.mapping.tables import mapping, table

WRONG = """\
nam: x
fields:
  value: Name
  orginCountryISO: Country
  motive:
    colum: Motive
    unknown: warn
    transforms:
      - trimm
      - replace: {pattern: '(a+)+', by: ''}
      - {split: ''}
  description: {column: D, confidence: 5}
when:
  - leave_out: {colunm: x, in: [a]}
"""


BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{level + 1}: &a{level + 1} [{', '.join([f'*a{level}'] * 8)}]\n" for level in range(5)
)


def details(text: str) -> tuple[str, ...]:
    with pytest.raises(MappingError) as caught:
        mapping(text)
    return caught.value.details or (caught.value.message,)


def test_every_problem_is_told_at_once_with_its_place() -> None:
    """One look at the message is enough to mend the file: line, column and the nearest valid word of each problem."""
    found = "\n".join(details(WRONG))
    for part in (
        "test.yaml:1:1: unknown key 'nam'; did you mean 'name'?",
        "test.yaml:4:3: unknown tag field 'orginCountryISO'; did you mean 'originCountryISO'?",
        "test.yaml:6:5: unknown key 'colum' of `motive`; did you mean 'column'?",
        "test.yaml:7:14: unknown word 'warn'; did you mean 'warning'?",
        "test.yaml:9:9: unknown transform 'trimm' of `transforms`; did you mean 'trim'?",
        "test.yaml:10:28: this pattern repeats a repetition",
        "`at` must not be empty",
        "`confidence` does not go with `description`",
        "test.yaml:14:17: unknown key 'colunm' of `leave_out`; did you mean 'column'?",
    ):
        assert part in found


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is empty"),
        ("a: [", "not valid YAML"),
        ("fields: {value: A}\nfields: {value: B}", "test.yaml:2:1: 'fields' is given twice"),
        ("just text", "not 'just text'"),
        ("name: x", "`fields:` is missing"),
        ("fields:\n  motive: M", "no rule for `value`"),
        ("fields: {value: }", "has no column"),
        ("fields: {value: {unknown: error}}", "needs column, columns, words, constant or template"),
        ("[" * 100 + "]" * 100, "nested deeper"),
        (BOMB, "grows too large"),
        ("a: &a [*a]", "test.yaml:1"),
        ("? [a]\n: b", "a key must be one word"),
        ("fields: {value: !!python/object:os.system x}", "value"),
    ],
)  # fmt: skip
def test_traps_and_half_files_are_one_clear_error(text: str, part: str) -> None:
    """Broken YAML, alias bombs and empty files end in a MappingError with a place, never in a traceback."""
    if part == "value":
        assert mapping(text).rules[0].columns == ("x",)
        return
    assert part in "\n".join(details(text))


def test_plain_words_stay_words() -> None:
    """`NO` is Norway and 007 is not a number: only true and false are more than text."""
    rules = {
        rule.target: rule
        for rule in mapping("fields: {value: A, originCountryISO: {constant: NO}, motive: {constant: 007}}").rules
    }
    assert (rules["originCountryISO"].constant, rules["motive"].constant) == ("NO", "007")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_loads_and_names_the_schema(name: str) -> None:
    """A shipped mapping is sound, described, and tells editors where its schema is."""
    held = load_mapping(name)
    assert held.name == name
    assert held.description
    first = (Path(__file__).parents[2] / "config" / "mappings" / f"{name}.yaml").read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schema/mapping.schema.json"


def test_all_presets_are_tried() -> None:
    """No shipped mapping is forgotten when a mapping is chosen."""
    folder = Path(__file__).parents[2] / "config" / "mappings"
    assert {preset.name for preset in presets()} == {path.stem for path in folder.glob("*.yaml")}


def test_an_unknown_name_is_told_with_the_nearest(tmp_path: Path) -> None:
    """A misspelt preset, a missing file and a file that is not text end in one sentence."""
    with pytest.raises(MappingError) as caught:
        load_mapping("spreadsheat")
    assert "spreadsheet" in caught.value.hint
    with pytest.raises(MappingError, match="cannot be read"):
        load_mapping(str(tmp_path / "none.yaml"))
    (tmp_path / "bad.yaml").write_bytes(b"name: x\n\xff\xfe")
    with pytest.raises(MappingError) as caught:
        load_mapping(str(tmp_path / "bad.yaml"))
    assert caught.value.details == (f"{tmp_path / 'bad.yaml'}:2: is not UTF-8 text; save it as UTF-8",)


@pytest.mark.parametrize(
    "condition", ["leave_out: {column: Stauts, in: [retired]}", "take: {column: Stauts, in: [live]}"]
)
def test_a_condition_on_a_mistyped_column_ends_it(condition: str) -> None:
    """Rows that a `when:` should keep out do not come in because its column is misspelt."""
    mapping = mapping_from_bytes(f"name: x\nfields:\n  value: Actor\nwhen:\n  - {condition}\n".encode(), "x.yaml")
    with pytest.raises(
        MappingError, match=r"x\.yaml:5:\d+: there is no column 'Stauts'.*did the mapping mean 'Status'"
    ):
        Drafter(mapping).layout(table(("Actor", "Status")))


def test_what_a_mapping_of_ones_own_does_not_find_is_told() -> None:
    """A mistyped column of a rule or a template, in a mapping that guesses too, is told with place and nearest."""
    text = 'name: x\nguess: true\nfields:\n  value: Actor\n  motive: Motve\n  description: {template: "{Stats}"}\n'
    layout = Drafter(mapping_from_bytes(text.encode(), "x.yaml")).layout(table(("Actor", "Motive", "Status")))
    told = [note.message for note in layout.notes if note.code == "missing-column"]
    assert len(told) == 2
    assert all(word in told[0] for word in ("'Motve'", "'Motive'", "x.yaml:5:"))
    assert all(word in told[1] for word in ("'Stats'", "'Status'", "x.yaml:6:"))
