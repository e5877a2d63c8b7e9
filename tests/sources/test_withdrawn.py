"""Rows that their own list has withdrawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .reading import got, written


@pytest.mark.parametrize(
    ("header", "gone", "kept"),
    [
        ("revoked", "TRUE", "false"),
        ("Deprecated", "yes", ""),
        ("is_deleted", "1", "0"),
        ("deleted at", "2024-03-01", "null"),
        ("Status", "withdrawn", "active"),
        ("Status", "merged into Wren", "disbanded"),
        ("Record status", "Deprecated (2023)", "not revoked"),
        ("Statut", "supprimé", "actif"),
        ("状态", "已删除", "有效"),
    ],
)
def test_withdrawn_rows_are_left_out_and_told(tmp_path: Path, header: str, gone: str, kept: str) -> None:
    """A row that says of itself that it no longer holds is left out with its cell, and --include-revoked reads it."""
    file = written(
        tmp_path, "a.csv", [f"name,{header},country", f"Wren,{kept},IR", f"Vole,{gone},PE", f"Hare,{kept},IR"]
    )
    found = got(file)
    assert (found.column("name"), found.codes()) == (["Wren", "Hare"], ["revoked-left-out"])
    assert (found.notes[0].place.cell, found.notes[0].value) == ("B3", "Vole")
    assert got(file, include_revoked=True).column("name") == ["Wren", "Vole", "Hare"]


def test_withdrawn_objects_are_left_out(tmp_path: Path) -> None:
    """The same holds in JSON, for a mark within an object too."""
    values = [{"name": "Wren", "meta": {"revoked": True}}, {"name": "Vole", "meta": {"revoked": False}}]
    found = got(written(tmp_path, "a.json", json.dumps({"actors": values})))
    assert found.column("name") == ["Vole"]
    assert "revoked-left-out" in found.codes()


def test_what_is_known_of_other_rows_stays_with_them(tmp_path: Path) -> None:
    """Issues and line numbers of the rows that are left move with them."""
    found = got(written(tmp_path, "a.csv", ["name,revoked", "Wren,true", "Vole,no,x", "Hare,no"]))
    assert [(row.number, [issue.code for issue in row.issues]) for row in found.rows] == [(3, ["long-row"]), (4, [])]
