"""Sources that drift: how each list is read tonight, held against how it was read when it was last applied.

What would change many values without a word (a header renamed, columns swapped, words of another vocabulary) stops like
the other safety limits. What is only new, or too little to be sure of, is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from importer.model import ColumnUse, FieldUse, Issue, Place, Reading, Severity, SourceFile
from importer.planning.contents import ACTORS

_ENOUGH: Final = 10
"""Rows from which on a share says something; of fewer only a whole loss does."""
_FEW: Final = 3
"""Rows, values or names of which the loss stops a run; that of fewer is told."""
_FORM: Final = ("encoding", "delimiter", "header row", "sheets", "galaxy", "type")
"""What is known of the form of a file, in `SourceFile.details`."""


class Drift(Struct, frozen=True):
    """How tonight's reading differs from the last one."""

    changes: tuple[str, ...] = ()
    """What must not go on unseen, a clause each."""
    notes: tuple[Issue, ...] = ()


_Found = Iterator[str | Issue]
"""Clauses of what stops, and notes."""


def find_drift(
    then: Sequence[Reading],
    now: Sequence[Reading],
    *,
    syncs: bool,
    sources: tuple[Sequence[SourceFile], Sequence[SourceFile]] = ((), ()),
) -> Drift:
    """`syncs` is whether the run keeps tags in step with the list, so that last time's names are expected again.

    `sources` are the files of last time, and those of now.
    """
    if not then:
        return Drift()
    before, lists = _apart(then), _apart(now)
    left, explained = list(lists), set[str]()
    said: dict[str | Issue, list[str]] = {}
    for old, new in _pairs(before, left):
        if new is None:
            said[_gone(old, lists)] = []
            continue
        one = _Comparison(old, new)
        for item in one.found():
            said.setdefault(item, []).extend([_where(new)] if len(before) > 1 else [])
        explained |= one.explained
    names = _names(before, lists, syncs) if "value" not in explained else ()
    added = (_note(reading, "new-list", "this list was not read last time") for reading in left)
    said.update((item, []) for item in (*names, *added, *_forms(*sources)))
    return Drift(
        tuple(_of(where, text) for text, where in said.items() if isinstance(text, str)),
        tuple(note for note in said if isinstance(note, Issue)),
    )


def _of(where: Sequence[str], text: str) -> str:
    more = f" and {len(where) - 1:,} more" if len(where) > 1 else ""
    return f"{where[0]}{more}: {text}" if where else text


def _apart(readings: Sequence[Reading]) -> list[Reading]:
    """Each list by itself, of those that are read alike, too."""
    return [replace(one, columns=reading.columns) for reading in readings for one in reading.lists or (reading,)]


def _pairs(then: Sequence[Reading], left: list[Reading]) -> Iterator[tuple[Reading, Reading | None]]:
    """Each list of last time with what it is now; takes that from `left`. Files and sheets may have new names."""
    tests: tuple[Callable[[Reading, Reading], bool], ...] = (
        lambda old, new: (old.file, old.sheet) == (new.file, new.sheet),
        lambda old, new: old.file == new.file and not set(old.contents.actors).isdisjoint(new.contents.actors),
        lambda old, new: not set(old.contents.actors).isdisjoint(new.contents.actors),
        lambda old, new: old.file == new.file and _fed(old) == _fed(new),
        lambda old, new: _fed(old) == _fed(new),
        lambda old, new: old.file == new.file,
        lambda old, new: bool(old.sheet) == bool(new.sheet),
    )
    pairs: dict[int, Reading] = {}
    for test in tests:
        for at, old in enumerate(then if left else ()):
            if at not in pairs and (new := next((new for new in left if test(old, new)), None)) is not None:
                pairs[at] = new
                left.remove(new)
    for at, old in enumerate(then):
        yield old, pairs.get(at)


def _fed(reading: Reading) -> frozenset[tuple[str, str]]:
    return frozenset((_key(use.column), use.field) for use in reading.columns if use.field)


def _key(column: str) -> str:
    return " ".join(column.casefold().split())


def _gone(old: Reading, lists: Sequence[Reading]) -> str | Issue:
    """A list that is not read any more; of a whole file it is `max_shrink` and `allow_empty` that stop."""
    said = f"the list {_where(old)} ({old.rows:,} rows last time) is not read any more"
    stops = old.rows >= _FEW and any(one.file == old.file for one in lists)
    return said if stops else _note(old, "list-gone", said)


def _names(before: Sequence[Reading], lists: Sequence[Reading], syncs: bool) -> _Found:
    """Last time's names, where many of them are in none of tonight's lists."""
    cut = [one.contents.actors[-1] for one in (*before, *lists) if len(one.contents.actors) == ACTORS]
    last = min(cut, default=None)  # whoever is beyond it may be there, and not among those that were looked at
    known = {actor for one in before for actor in one.contents.actors if last is None or actor <= last}
    here = known.intersection(actor for one in lists for actor in one.contents.actors)
    if not known or 10 * len(here) > 7 * len(known):
        return
    said = f"{len(here)} of {len(known)} names that were looked at last time are in the list now"
    moved = any(
        2 * len(known.intersection(use.values)) > len(known)
        for one in lists for use in one.contents.fields if use.field != "value"
    )  # fmt: skip
    few = 5 * len(here) <= len(known) and ((moved and len(known) > 1) or (syncs and len(known) >= _FEW))
    where = next((one for one in lists if one.contents.actors), lists[0] if lists else before[0])
    yield f"{_columns_of(where, 'value')}: {said}" if few else _note(where, "other-names", said)


def _forms(then: Sequence[SourceFile], now: Sequence[SourceFile]) -> Iterator[Issue]:
    """Files of another form than last time."""
    before: dict[str, Mapping[str, str]] = {source.file: source.details for source in then}
    for source in now:
        old, new = before.get(source.file, source.details), source.details
        both = (key for key in _FORM if key in old and key in new)
        if told := [f"{key} {new[key]}, last time {old[key]}" for key in both if old[key] != new[key]]:
            yield Issue(Severity.INFO, "other-form", "; ".join(told), Place(source.file))


class _Comparison:
    """One list, then and now."""

    def __init__(self, old: Reading, new: Reading) -> None:
        self.old, self.new = old, new
        self.columns = {_key(use.column): use for use in new.columns}
        self.uses = {use.field: use for use in new.contents.fields}
        self.explained: set[str] = set()
        """Fields of which a change of columns has been said already."""
        there = {actor: at for at, actor in enumerate(new.contents.actors)}
        self.same = [(at, there[actor]) for at, actor in enumerate(old.contents.actors) if actor in there]
        """Who is in both: position then, position now."""

    def found(self) -> _Found:
        old, new = self.old, self.new
        if old.mapping != new.mapping:
            yield f"the list is read by the mapping {new.mapping}, last time by {old.mapping}"
        elif old.digest and new.digest and old.digest != new.digest:
            message = f"the mapping {new.mapping} is not the file of last time: {old.digest} then, {new.digest} now"
            yield _note(new, "mapping-edited", message)
        if old.file == new.file and old.sheet != new.sheet:
            yield _note(new, "sheet-renamed", f"the sheet {old.sheet!r} of last time is this one now")
        for use in old.columns:
            if use.field and (use.filled or use.column.startswith("(")):
                yield from self._column(use)
        differ: list[str] = []
        for field in old.contents.fields:
            if field.field not in self.explained:
                for said, stops in self._field(field):
                    self.explained.add(field.field)
                    told = f"{_columns_of(new, field.field)}: {said}"
                    yield told if stops else _note(new, "values-lost", told)
                if field.field not in self.explained and (changed := self._changed(field)):
                    differ.append(changed)
        if differ:
            yield _note(new, "values-changed", f"other values than last time: {', '.join(differ)}")
        yield from self._unread()

    def _unread(self) -> Iterator[Issue]:
        """Columns that are new, and such that fed nothing, or little, and are gone or empty."""
        before = {_key(use.column) for use in self.old.columns}
        added = [
            f"'{use.column}' ({f'feeds {use.field}' if use.field else 'is not read'})"
            for use in self.new.columns
            if _key(use.column) not in before and (use.letter or _weighs(use, self.new)) and not _is_pseudo(use)
        ]
        if added and before:
            yield _note(self.new, "new-columns", f"not in the list last time: {', '.join(added)}")
        gone = [
            f"'{use.column}'"
            for use in self.old.columns
            if not _is_pseudo(use) and self.explained.isdisjoint(use.field.split(", "))
            and ((now := self.columns.get(_key(use.column))) is None or (use.filled and not now.filled))
        ]  # fmt: skip
        if gone:
            yield _note(self.new, "columns-gone", f"in the list last time, and gone or empty now: {', '.join(gone)}")

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
            before = {_key(one.column) for one in self.old.columns}
            others = [
                f"'{other.column}'"
                for other in self.new.columns
                if not fields.isdisjoint(other.field.split(", ")) and _key(other.column) not in before
            ]
            yield f"{fed} is gone" + (f" ({', '.join(others)} feeds it now)" if others else "")
        else:
            yield f"{fed} {f'feeds {now.field} now' if now.field else 'is not read now'}"

    def _field(self, then: FieldUse) -> Iterator[tuple[str, bool]]:
        """What is wrong with the values of a field, and whether it stops."""
        now = self.uses.get(then.field, FieldUse(then.field, 0))
        if other := self._moved_to(then):
            yield f"what was {then.field} last time is {other} now", True
        elif then.how != now.how and ((then.how and now.how) or "scale" in then.how + now.how):
            yield f"{now.how or 'was read as usual'}; last time {then.how or 'it was read as usual'}", True
        elif (fell := _fell(then.rows, self.old.rows, now.rows, self.new.rows)) is not None:
            shares = f"{_share(now.rows, self.new.rows)} of rows, last time in {_share(then.rows, self.old.rows)}"
            yield f"gives {then.field} in {shares}", fell
        elif (fell := _parted(then, now)) is not None:
            shares = f"{_share(now.several, now.rows)} of rows have several {then.field}"
            yield f"{shares}, last time {_share(then.several, then.rows)}", fell

    def _moved_to(self, then: FieldUse) -> str:
        """The field that holds now what this one held; empty for none. Told by actors that are in both lists."""
        had = [(then.values[at], now) for at, now in self.same if then.values[at]]
        if not had or (len({value for value, _ in had}) < 2 <= len(had)):
            return ""

        def share(use: FieldUse | None) -> float:
            return sum(use.values[now] == value for value, now in had) / len(had) if use is not None else 0.0

        if share(self.uses.get(then.field)) > 0.2:
            return ""
        return next((use.field for use in self.uses.values() if use.field != then.field and share(use) > 0.5), "")

    def _changed(self, then: FieldUse) -> str:
        """`motive (8 of 10 actors)`, where most actors have another value; or all of them one value."""
        now = self.uses.get(then.field)
        pairs = [
            (then.values[at], now.values[to]) for at, to in self.same if then.values[at] and now and now.values[to]
        ]
        if then.field == "lastSeen" or not pairs:
            return ""
        changed = sum(old != new for old, new in pairs)
        if len({new for _, new in pairs}) == 1 and len({old for old, _ in pairs}) >= _FEW:
            return f"{then.field} (one value for {len(pairs)} actors)"
        return f"{then.field} ({changed} of {len(pairs)} actors)" if 2 * changed > len(pairs) else ""


def _fell(was: int, of: int, now: int, of_now: int) -> bool | None:
    """Whether it stops that a share is gone, or less than half of what it was; None where it is not so."""
    if not was or not of_now or 2 * now * of >= was * of_now:
        return None
    return was >= _FEW and was * (5 if of >= _ENOUGH else 2) >= of and (now == 0 or of >= _ENOUGH)


def _parted(then: FieldUse, now: FieldUse) -> bool | None:
    """The same of the share of rows that have several values, which may also rise from nearly none to most."""
    if 10 * then.several < then.rows and 2 * now.several > now.rows:
        return then.rows >= _ENOUGH <= now.rows
    return _fell(then.several, then.rows, now.several, now.rows)


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


def _columns_of(reading: Reading, field: str) -> str:
    found = [_column(use) for use in reading.columns if field in use.field.split(", ")]
    return ", ".join(found) or _where(reading)


def _where(reading: Reading) -> str:
    return f"{reading.file} ({reading.sheet})" if reading.sheet else reading.file


def _note(reading: Reading, code: str, message: str) -> Issue:
    return Issue(Severity.WARNING, code, message, Place(reading.file, reading.sheet))
