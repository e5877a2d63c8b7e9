"""Which column of a list feeds which field of a tag: judged by header words and by what the columns hold, together.

Every column is compared with the usual words of each field, and its texts with the tool's own vocabularies. The name is
settled first; each other field then takes the column that speaks for it most, list fields all that speak clearly.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from importer.fields.table import FIELDS
from importer.mapping.column_profile import ColumnProfile, column_profile
from importer.mapping.columns import is_ours
from importer.text.header_match import NOWHERE, WHOM, Near, near_headers
from importer.text.header_words import header_words, lookup_words, normalised

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from importer.model import Table

NAME, ALIASES, COUNTRY, LINKS = "value", "aliasGroupNamesInternal", "originCountryISO", "externalReferenceLinks"
NOTES, DESCRIPTION = "internalDescription", "description"
MANY = frozenset((ALIASES, "aliasGroupNames", LINKS, NOTES))
"""Fields that take every column that speaks for them."""
ENOUGH = 0.55
"""What must speak for a column before it is read."""
ALONE = 0.8
"""The share of texts that speaks for a field without a header word."""
NEAR = 0.06
"""Two names that differ by less are put before a person."""
_SECOND_CHOICE = 0.75
_WORDS = re.compile(r"[^\W_]+")
_NO_NAMES = re.compile(
    r"\b(?:url|urls|link|links|reports?|page|id|ids|date|seen|confidence|notes?|reference|references|score|risk|att|attack|"
    r"att ck|techniques?|tactics?|country|origin|type|category|blog|source|sources)\b"
)
"""Beside a vendor's name, words that say that the column holds no names."""
_OWN = {field.name: field for field in FIELDS if not field.name.islower()}


CALLED_SO = "called like the field"


class ColumnReading(Struct, frozen=True):
    """One column of a list: what it feeds and why, or what it looks like."""

    profile: ColumnProfile
    field: str = ""
    """Wire name, `properties.<key>`, or a part (`originCountryISO.confidence`); empty where the column is not read."""
    why: str = ""
    confidence: float = 0.0
    """0 to 1."""
    near: Near = NOWHERE
    """How near the header is to the usual words of that field."""
    looks_like: str = ""
    """The field that an unread column could feed, where its texts speak for one."""
    of_the_record: bool = False
    """An id, a date of change, who keeps the record: what no tag has a place for."""

    @property
    def column(self) -> str:
        return self.profile.column

    @property
    def supported(self) -> bool:
        """Whether most of its texts are of the kind that the field holds."""
        return any(self.profile.share(kind) >= 0.5 for kind in _EXPECTED.get(self.field, ()))


class Recognised(Struct, frozen=True):
    """The reading of one list."""

    columns: tuple[ColumnReading, ...]
    rivals: tuple[str, ...] = ()
    """The columns that could as well hold the names, where it is not clear which one does."""

    def feeding(self, field: str) -> list[ColumnReading]:
        """The columns that feed a field, in the table's order."""
        return [one for one in self.columns if one.field == field]

    @property
    def name(self) -> ColumnReading | None:
        """The column of names."""
        return next(iter(self.feeding(NAME)), None)


def profiles(tables: Sequence[Table]) -> list[ColumnProfile]:
    """The profile of every column, in the order of the tables; columns of ours (`_row`) left out."""
    cells: dict[str, list[npt.NDArray[np.object_]]] = {}
    letters: dict[str, str] = {}
    for table in tables:
        array = table.frame.to_numpy()
        for position, column in enumerate(table.header.columns):
            if not is_ours(column):
                cells.setdefault(column, []).append(array[:, position])
                letters.setdefault(column, table.header.letters[position] if table.header.letters else "")
    return [column_profile(column, letters[column], found) for column, found in cells.items()]


def recognise(tables: Sequence[Table], *, taken: Collection[str] = (), full: Collection[str] = ()) -> Recognised:
    """The reading of tables that share a header.

    `taken` are columns that are read already, or left alone on purpose; `full` the fields that have their columns.
    """
    held = profiles(tables)
    columns = [
        _Column(profile, near)
        for profile, near in zip(held, near_headers([profile.column for profile in held]), strict=True)
    ]
    return _Recognition(columns, taken, full).result()


class _Column:
    """A column with what speaks for each field."""

    def __init__(self, profile: ColumnProfile, near: Mapping[str, Near]) -> None:
        self.profile = profile
        self.near = near
        self.vendor = _is_vendor(profile.column)
        if profile.column in ("@key", "@value"):  # in a dictionary the key is the name
            self.near = {NAME if profile.column == "@key" else ALIASES: Near(0.9, profile.column)}
        self.against = max(self.header("targets"), self.header("none"))

    def header(self, kind: str) -> float:
        return self.near.get(kind, NOWHERE).score

    def score(self, field: str) -> float:
        """What speaks for a field that is not the name: header, rivals among the header words, and the texts."""
        if field == COUNTRY and self.header(WHOM):
            return 0.0  # victims and targets are never where the actor comes from
        header = self.header(field)
        if self.vendor and field == ALIASES:
            header = max(header, 0.95)
        fit = _fit(self.profile, field)
        alone = 0.0
        # Goals and targets are the same word in half of all languages; the texts tell them apart.
        against = self.header("none") if field == "motive" else self.against
        if (
            field in _SPEAKS_ALONE
            and self.profile.distinct > 1
            and against < 0.6
            and self.profile.share(_SPEAKS_ALONE[field]) >= ALONE
        ):
            alone = 0.75 * self.profile.share(_SPEAKS_ALONE[field])
        if not header and not alone:
            return 0.0
        rival = max(0.0, self.against - header + 0.2) * 1.5
        if self.against > header:
            fit = min(fit, 0.0)
        return max(header - rival + (0.35 if fit > 0 else 0.5) * fit, alone)

    def name_score(self, fullest: float) -> float:
        """What speaks for the column of names."""
        header = self.header(NAME)
        rival = max(self.against, self.header(ALIASES) - 0.02)
        if rival > 0.5:
            header -= max(0.0, rival - header + 0.1) * 1.5
        if self.vendor:
            header = min(header, 0.3)
        words = lookup_words((self.near.get(NAME, NOWHERE).word,))
        if header > 0.7 and not words & lookup_words(header_words().generic_names):
            header += 0.12
        if self.header(NAME) < 0.5 and any(
            near.score >= 0.85 for field, near in self.near.items() if field not in (NAME, ALIASES)
        ):
            header = -0.4  # whatever its texts are like, it is called something else
        looks = _looks_like_names(self.profile, fullest, counted=header < 0.9)
        if header >= 0.9:  # of a header that says so a bad list of names is a list of names
            looks = max(looks, 0.3)
        return looks * (0.4 + 0.6 * max(-0.4, header))


_SPEAKS_ALONE = {LINKS: "link", "tlp": "tlp", "motive": "motive", "actorCategory": "category"}
"""Fields that a column feeds by its texts alone, be its header word as strange as it may."""
_EXPECTED = {
    COUNTRY: ("country", "country in any language"), "tlp": ("tlp",), "motive": ("motive",),
    "actorCategory": ("category",),
    "sophisticationLevel": ("sophistication", "level"), "opsecLevel": ("level",), "priority": ("number", "level"),
    "confidence": ("confidence", "number", "level"), "dateOfDiscovery": ("date",), "lastSeen": ("date",),
    LINKS: ("link",), DESCRIPTION: ("sentence",), NOTES: ("sentence",),
}  # fmt: skip
"""What the texts of a field are."""
_NEEDS = {COUNTRY: 0.9, "tlp": 0.9, "dateOfDiscovery": 0.9, "lastSeen": 0.9, LINKS: 1.0, "confidence": 0.7}
"""How much it counts against a column that its texts are nothing of the kind; open vocabularies need little."""
_OPEN = frozenset(("motive", "actorCategory", "sophisticationLevel"))
"""Fields whose words come again and again, known or not."""
_NEVER = {
    "boolean": 1.2, "link": 1.0, "date": 0.8, "number": 0.8, "code": 0.8, "indicator": 0.8, "tlp": 1.0, "country": 1.0,
    "sentence": 0.3,
}  # fmt: skip
"""What the texts of a field are not, unless it expects them, and how much that counts against it."""
_MAY_BE = {
    ALIASES: ("code", "indicator"), "aliasGroupNames": ("code", "indicator"), "activeDuration": ("date", "number"),
    "dateOfDiscovery": ("number", "code"), "lastSeen": ("number", "code"), "priority": ("code",),
    "confidence": ("code",), DESCRIPTION: ("code",), NOTES: ("code",), "motive": ("sentence",),
    "internalAliases": ("code",),
}  # fmt: skip


def _fit(profile: ColumnProfile, field: str) -> float:
    """How well a column's texts suit a field, -1 to 1; 0 where they say nothing."""
    if not profile.filled:
        return 0.0
    whole = field
    field = "confidence" if field.endswith(".confidence") else "tlp" if field.endswith(".tlp") else field
    expected = _EXPECTED.get(field, ())
    share = 0.0
    for kind in expected:
        if share < 0.5:
            share = max(share, profile.share(kind))
    if share >= 0.5:
        return share
    if profile.distinct == 1 and profile.looked_at > 3 and field not in MANY | {DESCRIPTION}:
        return -1.0  # the same in every row, and nothing that is known
    if field in _OPEN and profile.looked_at > 1 and profile.distinctness > 0.9 and share < 0.2:
        return -0.6  # kinds and reasons repeat
    if field in (ALIASES, "aliasGroupNames") and profile.looked_at > 3 and profile.distinctness < 0.55:
        return -0.8  # no two actors have the same other names
    if field == LINKS and any("://" in text or "www." in text for text in profile.texts):
        return 0.3
    worst = max(
        (
            weight * profile.share(kind)
            for kind, weight in _NEVER.items()
            if kind not in expected and kind not in _MAY_BE.get(whole, ())
        ),
        default=0.0,
    )
    # A cell or two say little against a header.
    return -max(worst, _NEEDS.get(field, 0.1) * (1 - 2 * share) if expected else 0.0) * min(1.0, profile.distinct / 4)


def _looks_like_names(profile: ColumnProfile, fullest: float, *, counted: bool) -> float:
    """How much a column looks like names of actors, 0 to 1: filled, different in each row, short, nothing else.

    `counted` says whether texts that are one code counted up speak against it: not where the header says name.
    """
    if not profile.rows:
        return 0.5  # of a list without rows the header alone speaks; whether it may be empty is for the limits
    if not profile.filled:
        return 0.0
    fill = min(1.0, profile.fill / fullest) if fullest else 1.0
    distinct = profile.distinctness
    if profile.looked_at > 1:
        fill *= 1.0 if distinct >= 0.85 else 0.75 if distinct >= 0.7 else 0.45 if distinct >= 0.6 else 0.12
    others = max(
        profile.share("country"), profile.share("link"), profile.share("date"), profile.share("sentence"),
        profile.share("tlp"), profile.share("boolean"), profile.share("motive"), profile.share("category"),
        profile.share("indicator"), 0.9 * profile.share("number"),
    )  # fmt: skip
    serial = counted and profile.serial and not _CODENAME.match(profile.texts[0])
    return fill * (0.25 + 0.75 * profile.share("name")) * (1 - 0.9 * others**2) * (0.35 if serial else 1.0)


_CODENAME = re.compile(r"(?:apt|unc|fin|ta|dev|storm|uac|tag|temp|cl)\W?[a-z]?\W?\d", re.IGNORECASE)


@lru_cache(maxsize=8_192)
def _is_vendor(column: str) -> bool:
    """Whether a header is a vendor's name: the column holds what that vendor calls the actors."""
    bare = re.sub(r"\(.*", "", column).strip() or column
    said = {" ".join(_WORDS.findall(bare.casefold())), normalised(bare)}
    if any(_NO_NAMES.search(text) for text in said):
        return False
    return any(f" {vendor} " in f" {text} " for vendor in _vendors() for text in said)


@cache
def _vendors() -> frozenset[str]:
    return frozenset(map(normalised, header_words().vendors))


def _called_like(column: str) -> str:
    """The field that a column is called like in any spelling, where no usual word means another one (`Aliases`)."""
    return _plain_names().get(normalised(column), "")


@cache
def _plain_names() -> dict[str, str]:
    usual = header_words().fields
    known = {normalised(word) for words in usual.values() for word in words}
    names = {normalised(field.name): field.name for field in FIELDS if field.current and field.name not in usual}
    return {said: name for said, name in names.items() if said not in known}


class _Recognition:
    """The columns of one table on their way to their fields."""

    def __init__(self, columns: Sequence[_Column], taken: Collection[str], full: Collection[str]) -> None:
        self.columns = columns
        self.field: dict[str, str] = {}
        self.why: dict[str, str] = {}
        self.sure: dict[str, float] = {}
        self.rivals: tuple[str, ...] = ()
        self.taken = frozenset(taken)
        self.full = frozenset(full)

    def result(self) -> Recognised:
        for column in self.columns:
            name = column.profile.column
            if name not in self.taken and (name in _OWN or (name.startswith("properties.") and name[11:].strip())):
                self._feed(column, name, CALLED_SO, 1.0)
        if NAME not in self.full:
            self._name()
        self._others()
        self._country_by_texts()
        self._prose()
        return Recognised(tuple(map(self._reading, self.columns)), self.rivals)

    def _feed(self, column: _Column, field: str, why: str, sure: float) -> None:
        name = column.profile.column
        self.field[name], self.why[name], self.sure[name] = field, why, round(min(1.0, max(0.0, sure)), 2)

    def _free(self) -> list[_Column]:
        read = self.field.keys() | self.taken
        return [one for one in self.columns if one.profile.column not in read]

    def _name(self) -> None:
        """The filled column whose texts differ; a vendor's column only where nothing else is there."""
        free = self._free()
        fullest = max(
            (one.profile.fill for one in free if one.header(NAME) >= 0.5 or one.header(ALIASES) >= 0.5), default=0.0
        )
        fullest = fullest or max((one.profile.fill for one in free), default=0.0)
        scores = sorted(((one.name_score(fullest) - 0.002 * at, at) for at, one in enumerate(free)), reverse=True)
        if not scores or scores[0][0] < 0.15:
            return
        best = free[scores[0][1]]
        word = best.near.get(NAME, NOWHERE).word
        said = f"header like '{word}', " if best.header(NAME) >= 0.5 else ""
        told = (
            "filled and different in each row"
            if best.profile.distinctness > 0.999
            else f"{best.profile.distinct} different names"
        )
        self._feed(best, NAME, said + told, scores[0][0])
        self.rivals = self._near_names(free, scores)

    def _near_names(self, free: Sequence[_Column], scores: Sequence[tuple[float, int]]) -> tuple[str, ...]:
        """Columns that could hold the names as well: those of the same rank that no other field wants."""
        best = scores[0][0]
        near = [free[at] for score, at in scores if best - score < NEAR and score > 0.5]
        if len(near) < 2 or any(one.vendor for one in near):
            return ()
        # Another name of the same actors reads as an alias; what no word speaks for is not put to the choice.
        near = [one for one in near if one.header(ALIASES) < 0.85 or one.header(NAME) > one.header(ALIASES)]
        return tuple(one.profile.column for one in near) if len(near) > 1 else ()

    def _others(self) -> None:
        usual = header_words().fields
        wanted = []
        for at, column in enumerate(self._free()):
            plain = _called_like(column.profile.column)
            if plain:
                wanted.append((1.0, -at, plain, column))
                continue
            fields = {*column.near, *_SPEAKS_ALONE, *((ALIASES,) if column.vendor else ())}
            for field in (field for field in usual if field in fields):
                if field != NAME and (score := column.score(field)) >= ENOUGH:
                    wanted.append((score, -at, field, column))
        filled = set(self.field.values()) | self.full
        lost: dict[str, float] = {}
        for score, _, field, column in sorted(wanted, key=lambda one: one[:2], reverse=True):
            name = column.profile.column
            if name in self.field:
                continue
            if name in lost and column.header(field) < _SECOND_CHOICE:
                continue
            if field in filled and field not in MANY:
                if field == COUNTRY and column.profile.share("country") >= 0.6 and column.header(COUNTRY) >= 0.6:
                    pass  # a name and a code beside each other say the same, and one may be blank
                elif field == DESCRIPTION and column.header(DESCRIPTION) > 0.8 and column.against < 0.8:
                    field = NOTES
                else:
                    lost[name] = score
                    continue
            if (
                "." in field
                and not field.startswith("properties.")
                and field.partition(".")[0] not in {want for value, _, want, _ in wanted if value >= ENOUGH} | filled
            ):
                continue
            filled.add(field)
            self._feed(column, field, self._because(column, field), score)

    def _because(self, column: _Column, field: str) -> str:
        word = column.near.get(field, NOWHERE).word
        kind = next((kind for kind in _EXPECTED.get(field, ()) if column.profile.share(kind) >= 0.5), "")
        said = f"header like '{word}'" if column.header(field) >= 0.5 else "a vendor's names" if column.vendor else ""
        from importer.mapping.column_profile import LABELS

        told = f"{column.profile.share(kind):.0%} {LABELS.get(kind, kind)}".replace("%", " %") if kind else ""
        return ", ".join(filter(None, (said, told)))

    def _country_by_texts(self) -> None:
        """By its texts alone only where exactly one column holds countries, and none says whose they are."""
        if COUNTRY in self.field.values() or COUNTRY in self.full:
            return
        likely = [
            one for one in self._free()
            if one.profile.share("country") >= ALONE and not one.header(WHOM) and one.header("targets") < 0.35
            and one.against < 0.75
        ]  # fmt: skip
        if len(likely) == 1:
            one = likely[0]
            self._feed(one, COUNTRY, f"{one.profile.share('country'):.0%} countries".replace("%", " %"), 0.5)

    def _prose(self) -> None:
        """Sentences that no word speaks for stay in the private notes, where nobody else sees them."""
        for one in self._free():
            if one.profile.share("sentence") >= ALONE and one.against < 0.6:
                self._feed(one, NOTES, f"{one.profile.share('sentence'):.0%} sentences".replace("%", " %"), 0.4)

    def _reading(self, column: _Column) -> ColumnReading:
        name = column.profile.column
        if name in self.field:
            field = self.field[name]
            certain = self.why[name] == CALLED_SO or (column.vendor and field == ALIASES)
            near = Near(1.0, name) if certain else column.near.get(field, NOWHERE)
            return ColumnReading(column.profile, field, self.why[name], self.sure[name], near)
        kinds = [(field, kind) for field, expected in _EXPECTED.items() for kind in expected[:1]]
        could = next((field for field, kind in kinds if column.profile.share(kind) >= 0.6), "")
        if column.against >= 0.6 or column.header(WHOM) or could in (DESCRIPTION, NOTES, "priority", "opsecLevel"):
            could = ""
        record = column.header("none") >= 0.8 and column.near["none"].word in header_words().record
        return ColumnReading(column.profile, looks_like=could, of_the_record=record)
