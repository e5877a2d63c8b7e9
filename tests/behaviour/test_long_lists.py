"""Lists of more rows than are compared name by name: few drafts are held of them, and nothing is found differently."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from importer.pipeline import validation
from importer.pipeline.drafting import collect, tables
from importer.planning.near_names import MOST
from importer.settings.merge import merge

HEAD = ("Actor", "Aliases", "Country", "Confidence", "First seen", "Action")


def _write(path: Path, rows: int, chance: random.Random) -> Path:
    """Names that no other row has, and among them all that a list can have wrong or in common with another one."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEAD)
        for row in range(rows):
            name, alias = f"Tern {path.stem} {row}", f"Coot {path.stem} {row}; Coot {row}x{path.stem}"
            if chance.random() < 0.05:
                shared = f"Plover {chance.randrange(400)}"
                name = chance.choice([shared, shared.upper(), shared.replace(" ", "-"), "", "?", "# gone", "!"])
            if chance.random() < 0.05:
                alias = f"Plover {chance.randrange(400)}; Rail {chance.randrange(6)}; {name}"
            country = chance.choice(["Iran", "China", "", "Irann" if chance.random() < 0.1 else "Peru"])
            action = chance.choice(["skip", "create", "creat"]) if chance.random() < 0.02 else ""
            writer.writerow(
                (name, alias, country, chance.choice(["3", "9", "12"]), "2020-02-30"[: 4 + row % 7], action)
            )
    return path


def test_a_long_list_is_judged_as_a_short_one(tmp_path: Path) -> None:
    """Counts, issues in their order, pairs and readings of two long lists are those of planning every row."""
    chance = random.Random(7)
    lists = [_write(tmp_path / f"{name}.csv", rows, chance) for name, rows in (("one", MOST - 4_000), ("two", 6_000))]
    decisions = tmp_path / "decisions.yaml"
    decisions.write_text("pairs: []\n", encoding="utf-8")
    settings = merge({}, {}, [str(path) for path in lists])
    with_all_drafts = merge({"decisions": str(decisions)}, {}, [str(path) for path in lists])
    found = validation.validate(settings)
    assert found == validation.validate(with_all_drafts)
    codes = {issue.code for issue in found.issues} | {pair.code for pair in found.pairs}
    assert codes >= {"alias-is-name", "alias-of-many", "similar-name", "repeats-row", "missing-name", "unknown-action",
                     "repeats-invalid-row"}  # fmt: skip
    assert found.invalid
    assert found.left_out


def test_few_drafts_of_a_long_list_are_held(tmp_path: Path) -> None:
    """What a row asks for is forgotten when its issues are known: memory does not grow by it."""
    path = _write(tmp_path / "one.csv", 3 * MOST, random.Random(8))
    rows = validation._Rows()
    inputs = collect(tables(merge({}, {}, [str(path)])), rows.take)
    assert rows.size == 3 * MOST
    assert len(inputs.drafts) <= MOST
    assert not rows.waiting
