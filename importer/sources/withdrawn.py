"""Rows that their list itself has withdrawn: `revoked`, `deleted`, a status that says so. STIX has its own reading."""

from __future__ import annotations

from collections.abc import Iterator

from importer.model import Issue, Place, Severity, Table
from importer.text.header_words import name_cells, normalised
from importer.text.row_words import RowWords, row_words

_NO_DATE = frozenset(("", "0", "-", "no", "none", "null", "nan", "nat", "n/a", "false", "never", "nein", "non", "нет"))
_GOES_ON = (
    "(", "-", "\u2013", "\u2014", ":", ",", ";", "/", "in ", "into ", "with ", "by ", "on ", "as ", "since ", "of ",
)  # fmt: skip


def without_withdrawn(table: Table) -> Iterator[Issue | Table]:
    """An issue for each withdrawn row, and the table without them."""
    found = _withdrawn(table)
    if found:
        for position, column in sorted(found.items()):
            place = table.rows()[position].place(column)
            yield _issue(table, place, table.texts(column)[position].strip(), position)
        kept = [position for position in range(len(table)) if position not in found]
        table = _taken(table, kept)
    if len(table) or not found:
        yield table


def _withdrawn(table: Table) -> dict[int, str]:
    """Position of a withdrawn row -> the column that says so."""
    words, found = row_words(), dict[int, str]()
    for column in table.header.columns:
        # `meta.revoked` of an object is called by its last part.
        said = normalised(column.rpartition(".")[2])
        for position, text in enumerate(table.texts(column)) if said in _columns(words) else ():
            if text and position not in found and _says_so(words, said, " ".join(text.casefold().split())):
                found[position] = column
    return found


def _columns(words: RowWords) -> frozenset[str]:
    return words.withdrawn_flags | words.withdrawn_dates | words.status_columns


def _says_so(words: RowWords, column: str, text: str) -> bool:
    if column in words.withdrawn_dates:
        return text not in _NO_DATE
    if column in words.withdrawn_flags and (text.removesuffix(".0") in words.withdrawn_yes or text[:4].isdigit()):
        return text.removesuffix(".0") != "0"
    # `Deprecated (2023)`, `merged into Moss Egret`; no `not revoked`, no `deleted files on hosts`.
    if text in words.withdrawn_status:
        return True
    first = next((word for word in words.withdrawn_status if text.startswith(word)), "")
    rest = text[len(first) :]
    return bool(first) and not rest[0].isalnum() and rest.lstrip().startswith(_GOES_ON)


def _issue(table: Table, place: Place, text: str, position: int) -> Issue:
    row = table.rows()[position]
    names = (row.text(column) for column in (*name_cells(table.header.columns), *table.header.columns))
    return Issue(
        Severity.WARNING,
        "revoked-left-out",
        f"The list says that the row is withdrawn (`{text[:60]}`); it was left out; --include-revoked takes it in.",
        place,
        value=next((name.strip() for name in names if name.strip()), text)[:200],
    )


def _taken(table: Table, positions: list[int]) -> Table:
    at = {old: new for new, old in enumerate(positions)}
    return Table(
        table.header,
        table.frame.take(positions),
        [table.ids[position] for position in positions] if table.ids else (),
        {at[old]: issues for old, issues in table.issues.items() if old in at},
        frozenset(at[old] for old in table.gaps if old in at),
        {(at[old], column): shown for (old, column), shown in table.dates.items() if old in at},
    )
