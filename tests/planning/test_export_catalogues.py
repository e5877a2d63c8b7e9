"""Real catalogues, planned, applied to a model account, exported and imported again."""

from __future__ import annotations

from pathlib import Path

import pytest

from importer.mapping.draft import Drafter
from importer.mapping.load import load_mapping
from importer.model import Action, Draft, Issue, SourceFile, Tag
from importer.planning.build import build_plan
from importer.planning.export import write_export
from importer.planning.options import Account, PlanOptions
from importer.sources.read import ReadOptions, read

from .examples import ACCOUNT, apply_to
from .test_export import ENDINGS, again, assert_unchanged

CATALOGUES = [
    "misp/threat-actor.json",
    "misp/360net.json",
    "misp/ransomware.json",
    "misp/microsoft-activity-group.json",
    "attack/enterprise-attack-15.stix20.json",
]


def drafted(path: Path) -> list[Draft]:
    drafts: list[Draft] = []
    for item in read([str(path)], ReadOptions()):
        if not isinstance(item, Issue | SourceFile):
            galaxy = path.parent.name == "misp"
            drafts += Drafter(load_mapping("misp-galaxy" if galaxy else "attack")).draft(item)
    return drafts


def accounted(path: Path) -> tuple[list[Draft], list[Tag]]:
    """The drafts of a catalogue, and an account that has applied them."""
    drafts = drafted(path)
    made = build_plan(drafts, Account(ACCOUNT))
    assert sum(made.counts().values()) == len(drafts)
    return drafts, apply_to([], made)


@pytest.mark.parametrize("name", CATALOGUES)
def test_apply_then_plan_gives_no_change(catalogs: Path, name: str) -> None:
    """A real catalogue applied to an empty account plans as unchanged in upsert mode, repeated names aside."""
    drafts, tags = accounted(catalogs / name)
    again_made = build_plan(drafts, Account(ACCOUNT, tags), PlanOptions(mode="upsert"))
    assert [change for change in again_made.changes if change.action.calls] == []
    assert again_made.counts()[Action.UNCHANGED] == len(tags)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", CATALOGUES)
def test_export_then_import_gives_no_change(catalogs: Path, tmp_path: Path, name: str, ending: str) -> None:
    """The export of such an account, read again, is unchanged for every tag."""
    _, tags = accounted(catalogs / name)
    done = write_export(tmp_path / f"out{ending}", tags)
    assert done.unread == ()
    assert_unchanged(again(done.path, tags))
