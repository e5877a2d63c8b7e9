"""Sources that drift: how a list is read tonight, held against how it was read when it was last applied.

What would change values without a word (a header renamed, columns swapped, words of another vocabulary) is a change of
the reading, and stops like the other safety limits. What is only new is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from importer.model import ColumnUse, FieldUse, Issue, Place, Reading, Severity
from importer.planning.contents import ACTORS

_ENOUGH: Final = 10
"""Rows from which on a share says something; of fewer only a whole loss does."""


class Drift(Struct, frozen=True):
    """How tonight's reading differs from the last one."""

    changes: tuple[str, ...] = ()
    """What must not go on unseen, a clause each."""
    notes: tuple[Issue, ...] = ()


def find_drift(then: Sequence[Reading], now: Sequence[Reading], *, syncs: bool) -> Drift:
    """`syncs` is whether the run keeps tags in step with the list, so that last time's names are expected again."""
    changes: list[str] = []
    notes: list[Issue] = []
    left = list(now)
    for old, new in _pairs(then, left):
        if new is None:
            if any(reading.file == old.file for reading in now):
                changes.append(f"the list {_where(old)} ({old.rows:,} rows last time) is not read any more")
            continue
        found = _Comparison(old, new)
        changes += found.changes(syncs)
        notes += found.notes(syncs)
    notes += [
        _note(reading, "new-list", "this list was not read last time, or not in this way") for reading in left if then
    ]
    return Drift(tuple(dict.fromkeys(changes)), tuple(notes))


def _pairs(then: Sequence[Reading], left: list[Reading]) -> Iterator[tuple[Reading, Reading | None]]:
    """Each list of last time with what it is now; takes that from `left`. Files and sheets may have new names."""
    tests: tuple[Callable[[Reading, Reading], bool], ...] = (
        lambda old, new: (old.file, old.sheet) == (new.file, new.sheet),
        lambda old, new: old.file == new.file and _fed(old) == _fed(new),
        lambda old, new: _fed(old) == _fed(new),
        lambda old, new: old.file == new.file,
        lambda old, new: bool(old.sheet) == bool(new.sheet),
    )
    pairs: dict[int, Reading] = {}
    for test in tests:
        for at, old in enumerate(then):
            if at not in pairs and (new := next((new for new in left if test(old, new)), None)) is not None:
                pairs[at] = new
                left.remove(new)
    for at, old in enumerate(then):
        yield old, pairs.get(at)


def _fed(reading: Reading) -> frozenset[tuple[str, str]]:
    return frozenset((_key(use.column), use.field) for use in reading.columns if use.field)


def _key(column: str) -> str:
    return " ".join(column.casefold().split())


class _Comparison:
    """One list, then and now."""

    def __init__(self, old: Reading, new: Reading) -> None:
        self.old, self.new = old, new
        self.columns = {_key(use.column): use for use in new.columns}
        self.before = {_key(use.column): use for use in old.columns}
        self.uses = {use.field: use for use in new.contents.fields}
        self.explained: set[str] = set()
        """Fields of which a change of columns has been said already."""
        there = {actor: at for at, actor in enumerate(new.contents.actors)}
        last = min((one.contents.actors[-1] for one in (old, new) if len(one.contents.actors) == ACTORS), default=None)
        self.known = [actor for actor in old.contents.actors if last is None or actor <= last]
        """Actors of last time that would have been chosen now, too."""
        self.same = [(at, there[actor]) for at, actor in enumerate(self.known) if actor in there]
        """Of these, who is in both: position then, position now."""

    def changes(self, syncs: bool) -> Iterator[str]:
        old, new = self.old, self.new
        if old.mapping != new.mapping:
            yield f"{_where(new)} is read by the mapping {new.mapping}, last time by {old.mapping}"
        for use in old.columns:
            if use.field and (use.filled or use.column.startswith("(")):
                yield from self._column(use)
        if self._names_moved(syncs) and "value" not in self.explained:
            self.explained.add("value")
            yield (
                f"{self._name_columns()}: {len(self.same)} of {len(self.known)} names that were looked at last time "
                "are in the list now"
            )
        for field in old.contents.fields:
            if field.field not in self.explained and (said := self._field(field)):
                self.explained.add(field.field)
                yield f"{self._columns_of(field.field)}: {said}"

    def notes(self, syncs: bool) -> Iterator[Issue]:
        old, new = self.old, self.new
        if old.file == new.file and old.sheet != new.sheet:
            yield _note(new, "sheet-renamed", f"the sheet {old.sheet!r} of last time is this one now")
        if old.digest and new.digest and old.digest != new.digest and old.mapping == new.mapping:
            message = f"the mapping {new.mapping} is not the file of last time: {old.digest} then, {new.digest} now"
            yield _note(new, "mapping-edited", message)
        added = [
            f"'{use.column}' ({f'feeds {use.field}' if use.field else 'is not read'})"
            for use in new.columns
            if _key(use.column) not in self.before and (use.letter or _weighs(use, new)) and not _is_pseudo(use)
        ]
        if added and old.columns:
            yield _note(new, "new-columns", f"not in the list last time: {', '.join(added)}")
        gone = [
            f"'{use.column}'"
            for use in old.columns
            if _key(use.column) not in self.columns and not _is_pseudo(use) and not (use.field and _weighs(use, old))
        ]
        if gone:
            yield _note(new, "columns-gone", f"in the list last time, and gone now: {', '.join(gone)}")
        if not syncs and not self.same and len(self.known) >= 3 and "value" not in self.explained:
            yield _note(new, "other-names", "none of the names that were looked at last time is in the list now")
        differ = [
            f"{field.field} ({changed} of {held})"
            for field in old.contents.fields
            if field.field not in self.explained and field.field in self.uses
            for changed, held in [self._changed(field)]
            if held >= 3 and 5 * changed >= 4 * held
        ]
        if differ:
            yield _note(new, "values-changed", f"most actors have other values than last time in {', '.join(differ)}")

    def _column(self, use: ColumnUse) -> Iterator[str]:
        """What became of a column that fed a field."""
        now = self.columns.get(_key(use.column))
        fields = set(use.field.split(", "))
        if now is not None and set(now.field.split(", ")) == fields:
            return
        if now is None and not _weighs(use, self.old):
            return
        self.explained |= fields
        fed = f"{_column(use)} fed {use.field} and"
        if now is None:
            others = [
                f"'{other.column}'"
                for other in self.new.columns
                if not fields.isdisjoint(other.field.split(", ")) and _key(other.column) not in self.before
            ]
            yield f"{fed} is gone" + (f" ({', '.join(others)} feeds it now)" if others else "")
        else:
            yield f"{fed} {f'feeds {now.field} now' if now.field else 'is not read now'}"

    def _field(self, then: FieldUse) -> str:
        """What is wrong with the values of a field; empty for nothing."""
        now = self.uses.get(then.field, FieldUse(then.field, 0))
        if other := self._moved_to(then):
            return f"what was {then.field} last time is {other} now"
        if then.how != now.how and ((then.how and now.how) or "scale" in then.how + now.how):
            return f"{now.how or 'was read as usual'}; last time {then.how or 'it was read as usual'}"
        if _fell(then.rows, self.old.rows, now.rows, self.new.rows):
            return (
                f"gives {then.field} in {_share(now.rows, self.new.rows)} of rows, last time in "
                f"{_share(then.rows, self.old.rows)}"
            )
        if _fell(then.several, then.rows, now.several, now.rows) or (
            then.rows >= _ENOUGH <= now.rows and 10 * then.several < then.rows and 2 * now.several > now.rows
        ):
            return (
                f"{_share(now.several, now.rows)} of rows have several {then.field}, last time "
                f"{_share(then.several, then.rows)}"
            )
        return ""

    def _moved_to(self, then: FieldUse) -> str:
        """The field that holds now what this one held; empty for none. Told by actors that are in both lists."""
        had = [(then.values[at], now) for at, now in self.same if then.values[at]]
        if len({value for value, _ in had}) < 2:
            return ""

        def share(use: FieldUse | None) -> float:
            return sum(use.values[now] == value for value, now in had) / len(had) if use is not None else 0.0

        if share(self.uses.get(then.field)) > 0.2:
            return ""
        return next((use.field for use in self.uses.values() if use.field != then.field and share(use) > 0.5), "")

    def _names_moved(self, syncs: bool) -> bool:
        """Whether last time's names are in another field now, or the list of a sync has hardly any of them."""
        known, same = len(self.known), len(self.same)
        if known < 2 or 5 * same > known:
            return False
        others = (set(use.values) for use in self.uses.values() if use.field != "value")
        if any(2 * len(other.intersection(self.known)) > known for other in others):
            return True
        return syncs and (known >= _ENOUGH or (known >= 3 and not same))

    def _changed(self, then: FieldUse) -> tuple[int, int]:
        """How many actors have another value now, of how many that have one in both."""
        now = self.uses[then.field]
        pairs = [(then.values[at], now.values[to]) for at, to in self.same if then.values[at] and now.values[to]]
        return sum(old != new for old, new in pairs), len(pairs)

    def _columns_of(self, field: str) -> str:
        found = [_column(use) for use in self.new.columns if field in use.field.split(", ")]
        return ", ".join(found) or f"{_where(self.new)}: {field}"

    def _name_columns(self) -> str:
        return self._columns_of("value")


def _fell(was: int, of: int, now: int, of_now: int) -> bool:
    """Whether a share is gone, or less than half of what it was; not where it was small, or the list is short."""
    if was < 3 or was * (5 if of >= _ENOUGH else 2) < of or not of_now:
        return False
    return now == 0 or (of >= _ENOUGH and 2 * now * of < was * of_now)


def _share(number: int, of: int) -> str:
    return f"{100 * number / of if of else 0:.0f} % ({number:,}/{of:,})"


def _is_pseudo(use: ColumnUse) -> bool:
    """Whether it is no column: the name of the sheet or the file."""
    return use.column.startswith("(") and not use.letter


def _weighs(use: ColumnUse, reading: Reading) -> bool:
    """Whether it is missed where it is gone: a key of objects that few of them have comes and goes."""
    return bool(use.letter) or _is_pseudo(use) or 5 * use.filled >= reading.rows


def _column(use: ColumnUse) -> str:
    return f"column '{use.column}'" + (f" ({use.letter})" if use.letter else "")


def _where(reading: Reading) -> str:
    return f"{reading.file} ({reading.sheet})" if reading.sheet else reading.file


def _note(reading: Reading, code: str, message: str) -> Issue:
    return Issue(Severity.INFO, code, message, Place(reading.file, reading.sheet))
