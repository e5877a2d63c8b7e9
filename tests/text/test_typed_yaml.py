"""YAML into typed structs: the value, or every mistake with its place."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import jsonschema
import pytest
import yaml
from msgspec import Meta, Struct

from importer.errors import Position, UsageError
from importer.text.amounts import Seconds, Share, count_or_share, seconds, share
from importer.text.json_schema import schema
from importer.text.typed_yaml import load, read
from importer.text.yaml_nodes import MAX_BYTES, MAX_TOLD, Problems


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Pot(Struct, frozen=True):
    """One pot."""

    size: Annotated[int, Meta(ge=1, le=9)]
    colour: Colour = Colour.RED
    lid: bool | Literal["half"] = False
    spot: Position = Position("")

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """A large pot has no half lid."""
        if self.size > 5 and self.lid == "half":
            yield ("lid",), "a large pot has no half lid"


class Stove(Struct, frozen=True):
    heat: Annotated[Seconds, Meta(description="How long it heats.")] = 60.0
    rest: Share = 0.1


class Kitchen(Struct, frozen=True):
    """A kitchen."""

    pots: Annotated[tuple[str | Pot, ...], Meta(min_length=1)]
    stove: Stove = Stove()
    names: dict[Literal["cook", "guest"], str | None] = {}
    notes: tuple[str, ...] = ()
    mode: Literal["fast", "slow"] = "fast"
    height: float = 1.0
    other: Any = None
    UNKNOWN_KEYS: ClassVar[dict[str, str]] = {"password": "no secrets here"}


GOOD = """\
pots: [iron, {size: 3, colour: green, lid: half}, {size: 2, lid: true}]
stove: {heat: 15 min, rest: 12.5 %}
names: {cook: NO, guest: }
notes: 1.50
mode:
height: 2
other: {a: [1, x]}
"""


def kitchen(text: str) -> Kitchen:
    return read(text, Kitchen, Problems("k.yaml"))


def mistakes(text: str, kind: Any = Kitchen) -> list[str]:
    """What is wrong with a text, each as `line:column: sentence`."""
    with pytest.raises(UsageError) as caught:
        read(text, kind, Problems("k.yaml", what="kitchen"))
    assert caught.value.message.startswith("the kitchen k.yaml ")
    details = caught.value.details or (caught.value.message.removeprefix("the kitchen "),)
    assert all(line.startswith(("k.yaml", "... and ")) for line in details)
    return [line.removeprefix("k.yaml:") for line in details]


def test_a_sound_file_becomes_its_struct() -> None:
    """Shorthands, words, amounts, nothing and plain words arrive as their types, and an object knows its place."""
    made = kitchen(GOOD)
    assert made.pots == (
        "iron",
        Pot(3, Colour.GREEN, "half", Position("k.yaml", 1, 14)),
        Pot(2, Colour.RED, True, Position("k.yaml", 1, 51)),
    )
    assert made.stove == Stove(900.0, 0.125)
    assert made.names == {"cook": "NO", "guest": None}
    assert (made.notes, made.mode, made.height, made.other) == (("1.50",), "fast", 2.0, {"a": [1, "x"]})


def test_every_mistake_is_told_at_its_place_with_the_nearest_word() -> None:
    """Unknown keys, wrong words, wrong types, missing keys and cross-checks come together, in the file's order."""
    found = mistakes(
        """\
pots:
  - {siez: 3}
  - {size: 10, colour: gren}
  - {size: 6, lid: half}
  - [x]
stove: {heat: soon, rest: 120%, hight: 2}
heat: 3
names: {cok: a, guest: [b]}
password: hunter2
mode: quick
height: tall
"""
    )
    assert [one.partition(": ")[0] for one in found] == [
        "2:6", "3:12", "3:24", "4:20", "5:5", "6:15", "6:27", "6:33", "7:1", "8:9", "8:24", "9:1", "10:7",
        "11:9",
    ]  # fmt: skip
    text = "\n".join(found)
    for part in ("unknown key 'siez' of `pots`; did you mean 'size'?", "expected 9 or less",
                 "did you mean 'green'?", "a large pot has no half lid", "a time like `15 min`, not 'soon'",
                 "it belongs under `stove:`", "unknown key 'cok'; did you mean 'cook'?", "no secrets here",
                 "unknown word 'quick'; allowed: fast, slow",
                 "expected a number for `height`, not 'tall'"):  # fmt: skip
        assert part in text
    assert "hunter2" not in text


BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{level + 1}: &a{level + 1} [{', '.join([f'*a{level}'] * 8)}]\n" for level in range(5)
)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("pots: [", ": is not valid YAML"),
        ("a\x00: b", "not valid YAML"),
        ("just text", "1:1: expected a table of `key: value` lines here, not 'just text'"),
        ("- a\n", "expected a table of `key: value` lines here, not a list"),
        ("mode: fast", "`pots:` is missing"),
        ("pots: {lid: half}", "`size:` is missing from `pots`"),
        ("pots: []", "needs at least 1"),
        ("pots: a\npots: b", "2:1: 'pots' is given twice, first in line 1"),
        ("[" * 100 + "]" * 100, "nested deeper than 30 levels"),
        (BOMB, "grows too large"),
        ("pots: &a [*a]", "used before it is complete"),
        ("? [a]\n: b", "a key must be one word"),
        ("pots: a\n---\npots: b", "a second document"),
        ("#" * (MAX_BYTES + 1), "is larger than 1,000,000 bytes"),
        (b"pots: a\nmode: \xff", "2: is not UTF-8 text"),
    ],
)  # fmt: skip
def test_traps_and_broken_files_are_one_clear_error(text: str, part: str) -> None:
    """Whatever the file holds, what comes is one error with a place, never a traceback."""
    assert part in "\n".join(mistakes(text))


def test_tags_build_nothing() -> None:
    """A tag that would make another loader run code, or change a type, is passed over: what it marks is text."""
    assert kitchen("pots: !!python/object/apply:os.system x\nother: !!int 5").other == "5"


def test_files_are_read_in_one_step(tmp_path: Path) -> None:
    """A path gives the value; a missing file, a folder and a name that no system has end in one sentence."""
    (tmp_path / "k.yaml").write_bytes(b"\xef\xbb\xbfpots: a\n")
    assert load(tmp_path / "k.yaml", Kitchen).pots == ("a",)
    for path in (tmp_path / "none.yaml", tmp_path, Path("a\x00b")):
        with pytest.raises(UsageError) as caught:
            load(path, Kitchen)
        assert "cannot be read" in caught.value.message


def test_the_schema_takes_what_the_reader_takes() -> None:
    """What loads fits the schema, what does not load does not fit it, and each key carries its sentence."""
    made = schema(Kitchen, "kitchen")
    jsonschema.Draft202012Validator.check_schema(made)
    validator = jsonschema.Draft202012Validator(made)
    assert not list(validator.iter_errors(yaml.safe_load(GOOD.replace("NO", "'NO'"))))
    for wrong in ("pots: []", "mode: fast", "pots: [{siez: 3}]", "pots: [{size: 10}]", "pots: a\nmode: quick",
                  "pots: a\nstove: {heat: soon}", "pots: a\nstove: {rest: 3}", "pots: a\nnames: {cok: a}"):  # fmt: skip
        assert list(validator.iter_errors(yaml.safe_load(wrong))), wrong
        mistakes(wrong)
    assert made["$defs"]["Stove"]["properties"]["heat"]["description"] == "How long it heats."
    assert "spot" not in made["$defs"]["Pot"]["properties"]


@pytest.mark.parametrize(
    ("written", "amount"),
    [(90, 90), ("90", 90), ("1.5 h", 5400), ("15min", 900), ("2 minutes", 120), ("500 ms", 0.5), ("30 S", 30),
     ("1 day", 86400), ("10 secs", 10), (0, 0), ("1 m", 60)],
)  # fmt: skip
def test_durations(written: Any, amount: float) -> None:
    """A duration is a number of seconds or a number with its unit, wherever it is written."""
    assert seconds(written) == amount


@pytest.mark.parametrize(
    "written", ["soon", "", None, True, [1], -1, "-1", "1e5", "1 week", "inf", "nan", "1,5 h", 1e12]
)
def test_what_is_not_a_duration(written: Any) -> None:
    """Anything else is refused with a sentence."""
    with pytest.raises(ValueError, match=r"expected seconds|longer than"):
        seconds(written)


def test_shares_and_counts() -> None:
    """A per cent is a share of one, a whole number a count; the sign decides which, never the size."""
    assert (share("10%"), share("12.5 %"), share("7,5 per cent"), share("100%")) == (0.1, 0.125, 0.075, 1.0)
    assert (count_or_share("120"), count_or_share(0), count_or_share("20 %")) == (120, 0, 0.2)
    assert isinstance(count_or_share("1"), int)
    with pytest.raises(ValueError, match="more than all"):
        share("101%")
    for wrong in ("x", "-1", "%", "1.5", None, True, ["1%"]):
        with pytest.raises(ValueError, match="expected"):
            count_or_share(wrong)


def test_thousands_of_mistakes_are_one_error_of_bearable_length() -> None:
    """A hostile file that is wrong in 20,000 places is refused in one error, which says how many there are."""
    found = mistakes("pots: [" + ", ".join(["[]"] * 20_000) + "]")
    assert len(found) == MAX_TOLD + 1
    assert found[-1] == "... and 19,800 more"
