"""Servers that take a field and do not give it back: a nightly sync settles all the same, and sees real edits."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.inside import Here, last
from tests.behaviour.scripted import Asked, Scripted

MAPPING = """\
name: mine
fields:
  value: {column: name}
  motive: {column: motive}
  priority: {column: priority, confidence: {column: confidence}}
  activeDuration: {column: active, confidence: {column: confidence}}
  aliases: {column: aliases, transforms: [json]}
  internalAliases: {column: internal, transforms: [json]}
  analyticPriority: {column: analytic}
"""
Show = Callable[[dict[str, Any]], dict[str, Any]]
RUNS = Path("tag-importer-runs")


def _annotated(tag: dict[str, Any], *, parts: tuple[str, ...]) -> dict[str, Any]:
    """A tag as the API gives it back: bare values, and beside them what is said of them, as far as it is kept."""
    shown = copy.deepcopy(tag)
    for name in ("priority", "activeDuration"):
        if isinstance(shown.get(name), dict):
            full = shown[name]
            shown[name] = full["value"]
            shown[f"{name}_annotated"] = {key: full[key] for key in ("value", *parts) if key in full}
    return shown


def _whole(tag: dict[str, Any]) -> dict[str, Any]:
    return _annotated(tag, parts=("confidence", "tlp"))


def _no_confidence(tag: dict[str, Any]) -> dict[str, Any]:
    return _annotated(tag, parts=())


def _no_internal_aliases(tag: dict[str, Any]) -> dict[str, Any]:
    return {**_whole(tag), "internalAliases": None}


def _no_purple(tag: dict[str, Any]) -> dict[str, Any]:
    shown = _whole(tag)
    shown["aliases"] = [entry for entry in shown.get("aliases", []) if entry.get("tlp") != "purple"]
    return shown


def _no_old_field(tag: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in _whole(tag).items() if key != "analyticPriority"}


def _other_spelling(tag: dict[str, Any]) -> dict[str, Any]:
    return {**_whole(tag), **({"motive": tag["motive"].upper()} if tag.get("motive") else {})}


SERVERS = [
    (_no_confidence, ("activeDuration.confidence", "priority.confidence")),
    (_no_internal_aliases, ("internalAliases",)),
    (_no_purple, ("aliases with TLP purple",)),
    (_no_old_field, ("analyticPriority",)),
    (_other_spelling, ("motive",)),
]


def _list(here: Here, count: int = 6, **changed: Any) -> None:
    """The list; `changed` are the cells of its first row that are others than those of the rest."""
    (here.folder / "m.yaml").write_text(MAPPING)
    row = {
        "motive": "Espionage",
        "priority": 3,
        "confidence": 7,
        "active": "since 2015",
        "aliases": [{"value": "Open"}, {"value": "Hidden", "tlp": "purple"}],
        "internal": [{"value": "Secret", "confidence": 4}],
        "analytic": 2,
    }
    listed = [{"name": f"Actor {n}", **row, **(changed if n == 0 else {})} for n in range(count)]
    (here.folder / "actors.json").write_text(json.dumps(listed))


def _night(here: Here, scripted: Scripted, *more: str, code: int = 0) -> tuple[list[Asked], dict[str, Any], str]:
    """One night: the writes it made, its summary, and what it said."""
    before = len(scripted.calls)
    ran = here("apply", "actors.json", "--mapping", "m.yaml", "--mode", "upsert", "--yes", "--grace", "0.4",
               "--concurrency", "1", *more,
               env=scripted.env)  # fmt: skip
    assert ran.code == code, ran.err + ran.out
    writes = [call for call in scripted.calls[before:] if call.method != "GET"]
    return writes, last(here.folder / RUNS), ran.out


def _notes(summary: dict[str, Any], code: str) -> list[str]:
    return [note["message"] for note in summary["notes"] if note["code"] == code]


@pytest.mark.parametrize(("show", "names"), SERVERS)
def test_a_sync_settles(here: Here, scripted: Scripted, show: Show, names: tuple[str, ...]) -> None:
    """What the server does not give back is told once, and not sent again the next nights."""
    scripted.show = show
    _list(here)
    writes, summary, out = _night(here, scripted)
    assert len(writes) == 6
    (told,) = _notes(summary, "not-given-back")
    assert all(f"{name} (6 tags)" in told for name in names)
    assert "Espionage" not in told
    assert "not-given-back" in out
    for _ in range(2):
        writes, summary, _ = _night(here, scripted)
        assert writes == []
        assert summary["counts"]["unchanged"] == 6
        assert _notes(summary, "not-given-back") == []
        (left,) = _notes(summary, "not-compared")
        assert all(f"{name} (6 tags)" in left for name in names)


@pytest.mark.parametrize(
    ("show", "edit"),
    [
        (_no_confidence, {"confidence": 8}),
        (_no_internal_aliases, {"internal": [{"value": "Deeper"}]}),
        (_no_purple, {"aliases": [{"value": "Open"}, {"value": "Deeper", "tlp": "purple"}]}),
        (_no_old_field, {"analytic": 4}),
        (_other_spelling, {"motive": "Fun"}),
    ],
)
def test_an_edit_of_the_list_is_sent_once(here: Here, scripted: Scripted, show: Show, edit: dict[str, Any]) -> None:
    """A cell whose value the server does not show is sent when it changes, once, and nothing else is."""
    scripted.show = show
    _list(here)
    _night(here, scripted)
    _list(here, **edit)
    writes, _, _ = _night(here, scripted)
    assert [write.path for write in writes] == ["/u1"]
    assert _night(here, scripted)[0] == []


@pytest.mark.parametrize(("show", "names"), SERVERS)
def test_without_its_state_it_learns_again(here: Here, scripted: Scripted, show: Show, names: tuple[str, ...]) -> None:
    """A lost state folder costs one more night of updates, not one every night."""
    scripted.show = show
    _list(here)
    _night(here, scripted)
    for file in (here.folder / "state" / "returned").iterdir():
        file.write_text("{") if names == ("internalAliases",) else file.unlink()
    writes, summary, _ = _night(here, scripted, "--max-updates", "100%")
    assert len(writes) == 6
    assert _notes(summary, "not-given-back")
    assert _night(here, scripted)[0] == []


@pytest.mark.parametrize(("show", "names"), SERVERS)
def test_what_is_given_back_after_all_is_compared_again(
    here: Here, scripted: Scripted, show: Show, names: tuple[str, ...]
) -> None:
    """From the night on which the server shows it, an edit in the account is seen and mended."""
    scripted.show = show
    _list(here)
    _night(here, scripted)
    scripted.show = _whole
    writes, summary, _ = _night(here, scripted)
    assert (writes, _notes(summary, "not-compared")) == ([], [])
    for name in ("internalAliases", "aliases", "motive", "analyticPriority"):
        scripted.tags["u1"][name] = None
    for name in ("priority", "activeDuration"):
        scripted.tags["u1"][name] = scripted.tags["u1"][name]["value"]
    writes, _, _ = _night(here, scripted)
    assert [write.path for write in writes] == ["/u1"]
    assert {name.partition(".")[0].split(" with ")[0] for name in names} <= writes[0].body.keys()


def test_an_edit_of_the_account_is_seen(here: Here, scripted: Scripted) -> None:
    """Where a person changes what the account shows of such a field, it is compared and sent."""
    scripted.show = _no_confidence
    _list(here)
    _night(here, scripted)
    scripted.tags["u2"]["priority"] = {"value": 9}
    writes, _, _ = _night(here, scripted)
    assert [(write.path, write.body) for write in writes] == [("/u2", {"priority": {"value": 3, "confidence": 7}})]


@pytest.mark.parametrize(("show", "names"), SERVERS)
@pytest.mark.parametrize("first", [True, False])
def test_a_lost_create_is_adopted(
    here: Here, scripted: Scripted, show: Show, names: tuple[str, ...], first: bool
) -> None:
    """A create whose answer was lost is found as the server shows it, before and after an answer has shown how."""
    scripted.show = show
    scripted.lose = lambda asked: asked.name == ("Actor 0" if first else "Actor 5")
    _list(here)
    adoptable = show is not _other_spelling
    writes, summary, _ = _night(here, scripted, "--concurrency", "1", code=0 if adoptable else 1)
    assert summary["counts"]["created"] == (6 if adoptable else 5)
    assert len(writes) == len(scripted.tags) == 6


def test_a_tag_that_lacks_what_others_have_is_not_ours(here: Here, scripted: Scripted) -> None:
    """Where answers have shown that the server gives a part back, a tag without it is another's: a conflict."""

    def refuse(asked: Asked) -> None:
        if asked.name == "Actor 5" and asked.method == "POST":
            asked.body.pop("internalAliases")

    scripted.show = _whole
    scripted.refuse = refuse
    scripted.lose = lambda asked: asked.name == "Actor 5"
    _list(here)
    _, summary, _ = _night(here, scripted, "--concurrency", "1", code=1)
    assert (summary["counts"]["created"], summary["counts"]["conflict"]) == (5, 1)


@pytest.mark.parametrize(("show", "names"), SERVERS[:4])
def test_undo_takes_back_what_the_server_shows_less_of(
    here: Here, scripted: Scripted, show: Show, names: tuple[str, ...]
) -> None:
    """A tag that lacks what the server drops was not changed since, and is deleted by undo."""
    scripted.show = show
    _list(here)
    ran = here("apply", "actors.json", "--mapping", "m.yaml", "--yes", "--out", "run", env=scripted.env)
    assert ran.code == 0
    assert here("undo", "run", "--yes", env=scripted.env).code == 0
    assert scripted.tags == {}
