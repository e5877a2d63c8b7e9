"""A part of a plan: the rows that `--only`, `--exclude` and `--limit N` choose. The rest is skipped, and said to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from importer.errors import UsageError
from importer.fields.countries import resolve
from importer.fields.country_names import shown_country
from importer.fields.names import identity_key
from importer.fields.table import FIELDS, Kind, field_named
from importer.fields.vocabulary import load_vocabulary
from importer.model import EMPTY, Action, Change, Draft, Json, Plan
from importer.text.nearest_word import nearest, unknown

PART: Final = "part"
"""Key of `Plan.options`: how the part was chosen; absent for a whole plan."""
NOT_SELECTED: Final = "not-selected"
_OTHERS: Final = {"name": "value", "country": "originCountryISO"}
_OF_ROWS: Final = ("action", "file", "sheet")


class Part(Struct, frozen=True):
    """Which rows: those that one of `only` means (all, where there is none) and none of `exclude`, the first so many.

    Each is a name, with * and ? as in a shell, or FIELD=VALUE: `country=IR`, `motive=Espion*`, `action=create`.
    """

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    first: int | None = None

    def __bool__(self) -> bool:
        return bool(self.only or self.exclude or self.first is not None)

    def __str__(self) -> str:
        said = [f"--only {word}" for word in self.only] + [f"--exclude {word}" for word in self.exclude]
        return " ".join(said + ([f"--limit {self.first}"] if self.first is not None else []))


def choose_part(plan: Plan, part: Part, drafts: Sequence[Draft]) -> Plan:
    """The plan of this part; `drafts` are those of the plan's rows, in order.

    A row outside is skipped. A tag that was to be deleted and is outside is no change of this plan. Raises UsageError
    for a field that does not exist, and where no row is chosen.
    """
    if not part:
        return plan
    tests = {word: _test(word) for word in (*part.only, *part.exclude)}
    changes: list[Change] = []
    rows: set[tuple[str, str, int]] = set()
    chosen = 0
    for at, change in enumerate(plan.changes):
        fields = drafts[at].fields if at < len(drafts) else {item.field: item.old for item in change.differences}
        inside = (
            (not part.only or any(tests[word].fits(change, fields) for word in part.only))
            and not any(tests[word].fits(change, fields) for word in part.exclude)
            and (part.first is None or chosen < part.first)
        )
        chosen += inside
        if inside:
            changes.append(change)
            if change.row is not None:
                rows.add((change.row.header.file, change.row.header.sheet, change.row.number))
        elif change.row is not None:
            message = f"not in the part that was chosen ({part})"
            changes.append(Change(change.key, Action.SKIP, change.name, change.row, code=NOT_SELECTED, message=message,
                                  column=change.column))  # fmt: skip
    if not chosen:
        hint = "--limit is at least 1." if part.first == 0 else "Names are matched whole; * stands for any text."
        near = next((test.nearest for word, test in tests.items() if word in part.only and test.nearest), "")
        raise UsageError(f"no row is chosen by {part}" + (f"; nearest: {near}" if near else ""), hint=hint)
    pairs = tuple(
        pair
        for pair in plan.pairs
        if any((side.place.file, side.place.sheet, side.place.row) in rows for side in (pair.one, pair.other))
    )
    return replace(plan, changes=tuple(changes), pairs=pairs, options={**plan.options, PART: str(part)})


class _Test(Struct, frozen=True):
    field: str
    pattern: str
    code: str = ""
    """Of a country, its code."""
    nearest: str = ""
    """Of a word that the field does not know, the nearest that it knows."""

    def fits(self, change: Change, fields: Mapping[str, Json]) -> bool:
        if self.field == "value":
            return fnmatchcase(identity_key(change.name), self.pattern)
        if self.field == "action":
            return fnmatchcase(change.action.value, self.pattern)
        header = change.row.header if change.row is not None else None
        if self.field in _OF_ROWS:
            return header is not None and fnmatchcase(str(getattr(header, self.field)).casefold(), self.pattern)
        name, _, key = self.field.partition(".")
        value = fields.get(name)
        if key:
            value = (value if isinstance(value, Mapping) else EMPTY).get(key)
        return any(text == self.code or fnmatchcase(text.casefold(), self.pattern) for text in _texts(value))


def _test(word: str) -> _Test:
    field, sign, text = word.partition("=")
    name = _OTHERS.get(field.strip().casefold(), field.strip())
    if not sign:
        return _Test("value", _name(word))
    if name == "value":
        return _Test(name, _name(text))
    known = field_named(name)
    if known is None and name not in _OF_ROWS and not name.startswith("properties."):
        fields = (*_OTHERS, *_OF_ROWS, *(one.name for one in FIELDS), "properties.<key>")
        raise UsageError(f"{word!r}: {unknown('field', name, fields)}", hint="A name with = in it is value=NAME.")
    code, near = "", ""
    if known is not None and known.kind is Kind.COUNTRY:
        found = resolve(text)
        code, near = found.code, shown_country(found.nearest)
    elif known is not None and known.vocabulary:
        match = load_vocabulary(known.vocabulary).lookup(text)
        near = match.value or match.nearest
    elif name == "action":
        near = nearest(text.strip().casefold(), tuple(Action))
    return _Test(name, text.strip().casefold(), code, near)


def _name(text: str) -> str:
    """A name as names are compared, with what is a sign for any text left as it is."""
    return "*".join("?".join(map(identity_key, piece.split("?"))) for piece in text.split("*"))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = value.get("value", value.get("url"))
    if isinstance(value, list | tuple):
        for entry in value:
            yield from _texts(entry)
    elif value is not None:
        yield str(value)
