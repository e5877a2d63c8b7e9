"""Rows into Drafts: the tag that each row asks for, with everything found on the way.

The work goes column by column, and each distinct text of a column is transformed and checked once.
"""

from __future__ import annotations

from importer.errors import SourceError
from importer.mapping.batch import Drafting
from importer.mapping.layout import Layout, Layouter
from importer.mapping.spec import Mapping
from importer.mapping.transforms.template import columns_in
from importer.model import Draft, Header, Issue, Table
from importer.text.nearest_word import nearest


class Drafter:
    """Drafts tables with one mapping. One Drafter serves all tables of a run, so that it remembers what it read."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        self._layouter = Layouter(mapping)
        self._layouts: dict[Header, Layout] = {}

    def layout(self, header: Header) -> Layout:
        """Which column feeds which field, for this header."""
        found = self._layouts.get(header)
        if found is None:
            found = self._layouts[header] = self._layouter.lay(header)
        return found

    def notes(self, header: Header) -> tuple[Issue, ...]:
        """What is to be said of a table's columns: unread ones, missing ones, ambiguous finds. Once for each header."""
        return self.layout(header).notes

    def misfit(self, header: Header) -> str:
        """Why this table cannot be drafted (no column for the name), as a sentence; empty when it can."""
        layout = self.layout(header)
        if layout.skip or any(feed.rule.target == "value" for feed in layout.feeds):
            return ""
        rule = next((rule for rule in self.mapping.rules if rule.target == "value"), None)
        wanted = (*rule.columns, *columns_in(rule.template)) if rule else ()
        where = f"{header.file} ({header.sheet})" if header.sheet else header.file
        shown = ", ".join(header.columns[:10]) + (", ..." if len(header.columns) > 10 else "")
        if not wanted:
            return (
                f"{where} has no column that the mapping {self.mapping.name} knows as a name: its columns are {shown}"
            )
        near = nearest(wanted[0], header.columns)
        hint = f"; nearest is '{near}'" if near else ""
        spot = f" ({rule.spot})" if rule and not self.mapping.shipped and rule.spot.line else ""
        return (
            f"{where} has no column '{wanted[0]}', from which the mapping {self.mapping.name} takes the name{spot}: "
            f"its columns are {shown}{hint}"
        )

    def draft(self, table: Table) -> list[Draft]:
        """A Draft for each row, in order. SourceError where the table has no column for the name."""
        if why := self.misfit(table.header):
            raise SourceError(why, hint="`tag-importer mapping init SOURCE` writes a mapping that fits")
        drafts = Drafting(self.layout(table.header), table).drafts() if len(table) else []
        self._layouter.forget()
        return drafts
