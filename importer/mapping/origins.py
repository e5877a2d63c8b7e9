"""Which column each field of a draft came from, and of a list each entry; worked out when it is asked for.

Most fields have one column in every row, so that nothing is kept for a row: where several columns feed a field, its
cells are read again, by the very reader that made the draft. No text is searched for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from importer.mapping.assemble import first_filled
from importer.mapping.bound_mapping import BoundMapping, BoundRule
from importer.mapping.spec import PSEUDO_COLUMNS, Value

TextOf = Callable[[str, int], str]
"""The text of a column in a row, by the column's name and the row's position."""


class Origins:
    """Where the drafts of one table have their fields from."""

    def __init__(self, layout: BoundMapping, text_of: TextOf) -> None:
        self._feeds = {feed.rule.target: feed for feed in layout.feeds}
        self._text_of = text_of
        self._last: tuple[tuple[str, int], Sequence[tuple[str, Value]]] = ("", -1), ()

    def column(self, position: int, field: str, entry: str = "") -> str:
        """The column of a field (`motive`, `properties.rank`), in a list of the first entry that reads `entry`.

        Empty where no column is behind it, or several at once (a template): then the row is.
        """
        feed, whole = self._feeds.get(field), field
        if feed is None:  # a text that another field could not take
            feed = next((one for one in self._feeds.values() if one.rule.keep_in == field), None)
        while feed is None and "." in whole:  # a part of a column of whole objects
            whole = whole.rpartition(".")[0]
            feed = self._feeds.get(whole)
        if feed is None or feed.rule.template:
            return ""
        column = self._column(feed, position, entry)
        return "" if column in PSEUDO_COLUMNS else column

    def _column(self, feed: BoundRule, position: int, entry: str) -> str:
        if len(feed.columns) < 2:
            return feed.columns[0] if feed.columns else ""
        if feed.rule.join is not None:
            return self._filled(feed, position)
        if not feed.collects:
            return first_filled(feed, [self._text_of(column, position) for column in feed.columns])[1]
        entries = list(self.entries(feed, position))
        found = (column for column, value in entries if entry_label(value) == entry)
        return next(found, entries[0][0] if entries else feed.columns[0])

    def entries(self, feed: BoundRule, position: int) -> Sequence[tuple[str, Value]]:
        """The entries that the columns of a list field give in a row, in their order, each with its column."""
        asked = feed.rule.target, position
        if self._last[0] != asked:  # a row of many columns is asked for each of its entries
            found = [
                (column, value)
                for column in feed.columns
                if (text := self._text_of(column, position))
                for value in feed.reader.read(text).value or ()
            ]
            self._last = asked, found
        return self._last[1]

    def _filled(self, feed: BoundRule, position: int) -> str:
        filled = (column for column in feed.columns if self._text_of(column, position).strip())
        return next(filled, feed.columns[0])


def entry_label(entry: Value) -> str:
    """What an entry of a list is called: a text itself, an alias's value, a reference's URL."""
    if isinstance(entry, dict):
        entry = entry.get("value") or entry.get("url")
    return entry if isinstance(entry, str) else ""
