"""Whose entries a list of a tag loses by an update: those of a job whose tag it is, else none unasked."""

from __future__ import annotations

import pytest

from importer.model import Json, SourceFile, Tag
from importer.planning.build import build_plan
from importer.planning.marking import marked
from importer.planning.options import Account, Lists, PlanOptions

from .examples import ACCOUNT, draft, drafts, only, plan

HELD: dict[str, Json] = {"aliases": [{"value": "Dust", "confidence": 3}, {"value": "Sand"}]}


@pytest.mark.parametrize(
    ("mark", "given", "mapped", "wanted"),
    [
        ("", Lists.AUTO, None, ["Dust", "Sand", "Rust"]),
        ("", Lists.AUTO, Lists.REPLACE, ["DUST", "Rust"]),
        ("", Lists.UNION, Lists.REPLACE, ["Dust", "Sand", "Rust"]),
        ("", Lists.REPLACE, Lists.UNION, ["DUST", "Rust"]),
        ("tag-importer:nightly", Lists.AUTO, None, ["DUST", "Rust"]),
        ("tag-importer:nightly", Lists.AUTO, Lists.UNION, ["Dust", "Sand", "Rust"]),
    ],
)
def test_what_a_list_becomes(mark: str, given: Lists, mapped: Lists | None, wanted: list[str]) -> None:
    """A flag or job stands above the mapping, that above what is usual: a marked tag has one source, others may have
    more. What the row says of an entry that stays counts."""
    tag = Tag("u-1", "Amber Jackal", marked(HELD, mark) if mark else HELD)
    row = draft("Amber Jackal", aliases=[{"value": "DUST", "confidence": 8}, {"value": "Rust"}])
    made = plan(
        drafts(row), [tag], mode="upsert", lists=given, managed_by=mark,
        mapped_lists={("actors.csv", ""): mapped} if mapped else {},
    )  # fmt: skip
    (change,) = made.changes
    assert [entry["value"] for entry in change.body["aliases"]] == wanted
    assert change.body["aliases"][0]["confidence"] == 8
    kept = [note.code for note in made.notes if note.code == "lists-kept"]
    assert kept == (["lists-kept"] if given is Lists.AUTO and "Sand" in wanted else [])


@pytest.mark.parametrize(("files", "wanted"), [(1, ["Rust"]), (2, ["Dust", "Sand", "Rust"])])
def test_a_marked_job_of_several_sources_adds(files: int, wanted: list[str]) -> None:
    """Where more than one source may feed a tag, nothing in its lists is taken out, though the job has marked it."""
    mark = "tag-importer:nightly"
    rows = drafts(draft("Amber Jackal", aliases=[{"value": "Rust"}]))
    account = Account(ACCOUNT, [Tag("u-1", "Amber Jackal", marked(HELD, mark))])
    sources = [SourceFile(f"{number}.csv", "csv", "", 1) for number in range(files)]
    made = build_plan(rows, account, PlanOptions(mode="upsert", managed_by=mark), sources)
    assert [entry["value"] for entry in only(made).body["aliases"]] == wanted


def test_a_tag_that_is_adopted_keeps_what_it_held_on_later_nights_too() -> None:
    """The night that adopts a tag and those after it leave what others had put into its lists."""
    held = Tag("u-1", "Amber Jackal", HELD)
    rows = drafts(draft("Amber Jackal", aliases=[{"value": "Rust"}]))
    for night in range(2):
        made = plan(rows, [held], mode="upsert", managed_by="tag-importer:nightly", adopt=True)
        (change,) = made.changes
        assert (change.action.value, night) in (("update", 0), ("unchanged", 1))
        held = Tag("u-1", "Amber Jackal", {**held.fields, **change.body})
    assert [entry["value"] for entry in held.fields["aliases"]] == ["Dust", "Sand", "Rust"]
