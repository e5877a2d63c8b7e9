"""failed files are sources: read again they give the very same drafts."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.model import Action, Change
from importer.pipeline.drafting import Inputs, collect, tables
from importer.reports.failed import failed_files, write_failed
from importer.settings.merge import merge

from .records import plan, record

SAMPLES = Path(__file__).parents[2] / "samples"


def drafts(*sources: Path) -> Inputs:
    return collect(tables(merge({}, {}, [str(source) for source in sources])))


def read_again(folder: Path, first: Inputs) -> Inputs:
    """What comes of the files in which every row has failed."""
    changes = [Change(str(at), Action.INVALID, one.name, one.row) for at, one in enumerate(first.drafts)]
    write_failed(folder, record(folder, plan(changes)))
    return drafts(*failed_files(folder))


@pytest.mark.parametrize(
    "names",
    [
        ("actors.csv",),
        ("actors.xlsx",),
        ("mistakes.xlsx",),
        ("actors.stix20.json",),
        ("actors.stix21.json",),
        ("actors.misp.json",),
        ("actors.stix20.json", "actors.stix21.json"),
        ("actors.csv", "actors.xlsx", "actors.misp.json", "actors.stix21.json"),
    ],
)
def test_failed_rows_are_the_same_rows(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Every sample, and several at once, come back from the failed files with the same fields and mappings."""
    first = drafts(*(SAMPLES / name for name in names))
    again = read_again(tmp_path, first)
    assert sorted(again.mappings) == sorted(first.mappings)

    def shown(inputs: Inputs) -> list[str]:
        return sorted(repr(sorted(one.fields.items(), key=lambda item: item[0])) for one in inputs.drafts)

    assert shown(again) == shown(first)


@pytest.mark.parametrize(
    "name",
    ["misp/threat-actor.json", "attack/intrusion-sets-18.1.stix20", "microsoft/MicrosoftMapping.json",
     "APT Groups and Operations (2020-10).xlsx"],
)  # fmt: skip
def test_real_catalogues_too(tmp_path: Path, catalogs: Path, name: str) -> None:
    """The same holds for catalogues as they are found: MISP, ATT&CK in 187 files, Microsoft, the APT workbook."""
    first = drafts(catalogs / name)
    again = read_again(tmp_path, first)
    assert again.mappings == first.mappings
    assert [dict(one.fields) for one in again.drafts] == [dict(one.fields) for one in first.drafts]
