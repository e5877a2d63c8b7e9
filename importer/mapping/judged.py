"""A layout for one table: each reader told how its columns are written, judged over all their cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from importer.fields.conventions import USUAL, judge
from importer.mapping.bound_mapping import BoundMapping, BoundRule
from importer.model import Header, Issue, Place, Severity

TextsOf = Callable[[str], Sequence[str]]


def judged(layout: BoundMapping, header: Header, texts_of: TextsOf) -> tuple[BoundMapping, list[Issue]]:
    """The layout with readers that know the table's scales, orders of dates and so on; and what was decided."""
    notes: list[Issue] = []
    feeds = []
    for feed in layout.feeds:
        parts = {
            name: _told(part, header, texts_of, notes, f"{feed.rule.target}.") for name, part in feed.parts.items()
        }
        feeds.append(_told(replace(feed, parts=parts), header, texts_of, notes))
    return replace(layout, feeds=tuple(feeds)), notes


def _told(feed: BoundRule, header: Header, texts_of: TextsOf, notes: list[Issue], whole: str = "") -> BoundRule:
    field = feed.reader.field
    columns = [column for column in feed.columns if not column.startswith("$")]
    if field is None or not columns or not feed.reader.judges or feed.rule.join is not None:
        return feed
    texts = texts_of(columns[0]) if len(columns) == 1 else [text for column in columns for text in texts_of(column)]
    found = judge(field, texts)
    if not found.message and found.convention == USUAL.convention:
        return feed
    shown = ", ".join(f"'{column}'" for column in columns)
    severity = Severity.WARNING if found.doubtful else Severity.INFO
    place = Place(header.file, header.sheet, column=columns[0])
    notes.append(Issue(severity, found.code, f"{shown} {found.message}", place, f"{whole}{feed.rule.target}"))
    return replace(feed, reader=feed.reader.by(found.convention))
