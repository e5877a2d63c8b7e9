"""Which mapping a table gets when none is named: by its columns and values, never by its file's kind or name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct

from importer.errors import SourceError
from importer.fields.countries import resolve
from importer.fields.table import FIELDS
from importer.mapping.columns import guessed, named
from importer.mapping.load import load_mapping, presets
from importer.mapping.spec import Mapping, Recognise, Rule
from importer.masking import guarded
from importer.model import Header, Table
from importer.text.header_words import header_words, normalised, spellings

if TYPE_CHECKING:
    import pandas as pd


_INCIDENTS = "a list of incidents"
_SPELT = re.compile(
    r"\b(?:apt|unc|fin|ta|dev|storm|temp|tag|uac|tg|cl-(?:sta|cri|unk)|sta|g)[- .]?[a-z]?-?\d{1,5}\b"
    r"|\b(?:panda|bear|kitten|spider|chollima|jackal|leopard|buffalo|tiger|crane|lynx|typhoon|blizzard|sandstorm|sleet|"
    r"tempest|tsunami|flood|cyclone|taurus|scorpius|libra|ursa|pisces|serpens|team|group|gang|apt|lazarus|turla|sofacy|"
    r"sandworm|equation|carbanak|gamaredon|kimsuky|muddywater|oilrig|hackers?|cyber|crew|army|lockbit|cl0p|clop|anonymous|"
    r"conti|revil|blackcat|alphv|lapsus|winnti|hafnium|nobelium|volt|salt|charming|cozy|fancy|ghost|shadow|dragon)\b",
    re.IGNORECASE,
)
_NUMBERED_NAME = re.compile(r"(?:apt|unc|fin|ta|dev-|storm-|uac-|tag-|apt-c-|temp\.)[ -]?\w{0,3}\d{1,5}", re.IGNORECASE)
_MALWARE_KIND = re.compile(
    r"\b(?:trojan|backdoor|rat|loader|stealer|infostealer|wiper|worm|dropper|downloader|botnet|rootkit|bootkit|keylogger|"
    r"malware|ransomware|banker|cryptominer|miner|tools?|webshell|exploit kit|remote access trojan|werkzeuge?|"
    r"schadsoftware|schadprogramm|trojaner|outils?|logiciel(?: malveillant)?|maliciel|herramienta|ferramenta|"
    r"strumento)\b",
    re.IGNORECASE,
)
_NUMERIC = re.compile(r"[\d\s.,:/+%$€-]+\Z")
_INDICATOR = re.compile(
    r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|\d{1,3}(?:\[?\.\]?\d{1,3}){3}(?:[:/]\d{1,5})?|(?:https?|hxxps?)://\S+|"
    r"CVE-\d{4}-\d{4,7}|[^@\s]{1,64}@[^@\s]{1,255}\.[a-z]{2,10})\Z",
    re.IGNORECASE,
)


_HARD_INDICATOR = re.compile(
    r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|\d{1,3}(?:\[?\.\]?\d{1,3}){3}(?:[:/]\d{1,5})?|"
    r"CVE-\d{4}-\d{4,7}|[\w-]{1,63}\[\.\][\w.\[\]-]{2,100})\Z",
    re.IGNORECASE,
)


class Likeness(Struct, frozen=True):
    """What speaks for and against a table being a list of actors."""

    name_column: str = ""
    generic: bool = True
    """The name column's word says nothing (`name`), unlike `threat actor`."""
    bare: bool = False
    """The word is `actor`, which films have too."""
    faint: bool = False
    """The word is `threat` or `operator`, which by itself is no reason."""
    for_actors: float = 0.0
    against: float = 0.0
    looks_like: str = ""
    """`a list of incidents`; empty where nothing is known."""

    @property
    def is_actors(self) -> bool:
        """A telling header word needs as much against it to be doubted as a bare `name` needs for it to be believed."""
        if not self.name_column:
            return False
        word = 0.0 if self.faint else 0.5 if self.generic else 1.5 if self.bare else 2.5
        return self.for_actors + word > self.against


def likeness(header: Header, sample: pd.DataFrame) -> Likeness:
    """Weigh a table by its header words, and by the values of its name column."""
    names = guessed(header.columns, _rules()["value"].words)
    looks, against, subject = _others(header.columns)
    if not names:
        return Likeness(looks_like=looks if against >= 1 else "", against=against)
    column = names[0].column
    generic = normalised(names[0].word) in header_words().generic_names
    bare = normalised(names[0].word) in header_words().bare_names
    known = _known_columns(header.columns, column)
    score = min(3.0, 1.0 * len(known))
    if subject and header.columns.index(subject) < header.columns.index(column):
        # A list of incidents or malware may name the actor behind each: but it begins with its own subject.
        against += 4 if normalised(subject) == "date" else 6
    if generic and any(
        normalised(other).endswith(" name") and other not in known for other in header.columns if other != column
    ):
        against += 1
    seen, said = _by_values(header, sample, column, bool(known))
    if said:
        against, looks = against + seen, said
    values = _values(sample, column)
    if len(set(values)) < len(values) and looks == _INCIDENTS:
        against += 1.5
    spelt = 0.0
    if values and (generic or bare):
        spelt = 2.0 * min(1.0, 3 * sum(bool(_SPELT.search(value)) for value in values) / len(values))
        score += spelt
    strangers = [word for word in header.columns if word != column and word not in known and not _neutral(word)]
    if header.kind == "misp":
        strangers = []  # any key may stand in a cluster; that it lists actors is said by the galaxy itself
    if generic and not score:
        against += 0.5 * len(strangers) or 0.5 * (column == "@key")
    faint = normalised(names[0].word) in header_words().faint_names
    against += 2 * (faint and against > 0)  # who operates each malware or each station
    return Likeness(column, generic, bare, faint, score, against, looks if against >= 1 else "")


def codenames(columns: Sequence[str]) -> bool:
    """Whether a header word is an actor's name (`APT28`), so that the header may be the first row of the list."""
    return any(_NUMBERED_NAME.fullmatch(column.strip()) for column in columns)


def _by_values(header: Header, sample: pd.DataFrame, column: str, known: bool) -> tuple[float, str]:
    """What the values speak against a list of actors, and what they look like instead."""
    kinds = [
        value
        for other in header.columns
        if normalised(other) in header_words().kinds
        for value in _values(sample, other)
    ]
    if kinds and sum(bool(_MALWARE_KIND.search(value)) for value in kinds) > 0.6 * len(kinds):
        return 3.0, "a list of malware or tools"
    values = _values(sample, column)
    if not values:
        return 0.0, ""
    for other in header.columns[: header.columns.index(column)]:
        before = _values(sample, other)
        if before and sum(bool(_HARD_INDICATOR.match(value)) for value in before) > 0.3 * len(before):
            return 6.0, "a list of indicators"
    if not known and len(values) >= 3 and sum(bool(resolve(value).code) for value in values) > 0.6 * len(values):
        return 3.0, "a list of countries"
    if sum(bool(_INDICATOR.match(value)) for value in values) > 0.5 * len(values):
        return 4.0, "a list of indicators"
    if sum(bool(_NUMERIC.match(value)) for value in values) > 0.5 * len(values) and not known:
        return 2.0, "a list of numbers"
    if len(values) >= 6 and len(set(values)) <= len(values) / 2:
        return 2.5, "a list in which the same names come again and again"
    if sum(len(value) for value in values) > 90 * len(values):
        return 1.5, "a list of sentences"
    return 0.0, ""


def _rules() -> dict[str, Rule]:
    return {rule.target: rule for rule in load_mapping("spreadsheet").rules}


def _values(sample: pd.DataFrame, column: str) -> list[str]:
    return [value for text in sample[column].tolist() if (value := text.strip())]


_TELLING = (
    "aliasGroupNamesInternal", "aliasGroupNames", "motive", "attributionOrganization", "sophisticationLevel",
    "opsecLevel", "tlp", "dateOfDiscovery", "lastSeen", "actorCategory", "originCountryISO",
    "externalReferenceLinks", "internalDescription",
)  # fmt: skip
_OWN = frozenset(field.name for field in FIELDS if not field.name.islower())


def _known_columns(columns: Sequence[str], name: str) -> list[str]:
    """The columns that only a list of actors is likely to have."""
    rules = _rules()
    # Nobody else writes a tag's own fields: `originCountryISO`, `properties.team`.
    found = dict.fromkeys(column for column in columns if column.startswith("properties.") or column in _OWN)
    found.pop(name, None)
    for target in _TELLING:
        for match in guessed(columns, rules[target].words):
            if match.column != name and normalised(match.word) not in header_words().shared:
                found[match.column] = None
    return list(found)


def _neutral(column: str) -> bool:
    """Columns that say nothing either way: ids, dates of the record, keys of a galaxy, all that the preset reads."""
    if column.startswith(("_", "meta.")) or any(form in header_words().neutral for form in spellings(column)):
        return True
    mapping = load_mapping("spreadsheet")
    return any(guessed((column,), rule.words) for rule in mapping.rules if rule.target != "value")


def _others(columns: Sequence[str]) -> tuple[str, float, str]:
    """What else the header words speak of, how strongly, and the first column that is a subject of its own."""
    best, most, subject = "", 0.0, ""
    for looks, other in header_words().other_lists.items():
        weights = other.weights()
        hits = [next((weights[form] for form in spellings(column) if form in weights), 0.0) for column in columns]
        weight = sum(hits)
        if weight > most:
            best, most = looks, weight
            first = next((column for column, hit in zip(columns, hits, strict=True) if hit >= 1), "")
            subject = first if other.subject else ""
    return best, most, subject


SAMPLE = 300
"""Rows that are looked at to tell what a table is."""
HINT = (
    "If it does list actors: `tag-importer mapping init SOURCE` writes a mapping to edit, `--mapping FILE` uses it; "
    "`--mapping spreadsheet` takes the usual header words whatever else speaks against it."
)

_GUESSED = re.compile("[\x80-\x9f\ufffd]|[\xc0-\xff]{3}")
"""What Cyrillic, Japanese or Chinese text looks like when it is read as Windows-1252."""


def choose(table: Table) -> Mapping:
    """The first preset that knows this shape; `spreadsheet` where the table looks like a list of actors.

    Looks at the first `SAMPLE` rows. Raises SourceError, in one sentence that says what the table looks like instead,
    where nothing fits.
    """
    header, sample = table.header, table.frame.head(SAMPLE)
    known = next((one for one in presets() if one.recognise and recognises(one.recognise, header, sample)), None)
    if known is not None and known.name != "misp-galaxy":
        return known
    looks = likeness(header, sample)  # only where it decides: it takes longer than all presets together
    if known is not None and (looks.against < 2 or looks.against <= looks.for_actors):
        return known
    if known is None and looks.is_actors:
        return load_mapping("spreadsheet")
    raise SourceError(_refusal(header, looks.looks_like, looks.name_column), hint=HINT)


def recognises(recognise: Recognise, header: Header, sample: pd.DataFrame) -> bool:
    """Whether a table has the columns, and its sampled cells the words, that a preset is known by."""
    columns = [column for column in header.columns if not column.startswith("_")]
    if any(not named(columns, (word,)) for word in recognise.every):
        return False
    if recognise.some and not named(columns, recognise.some):
        return False
    if named(columns, recognise.none):
        return False
    for column, words in recognise.values.items():
        found = named(columns, (column,))
        if not found:
            return False
        texts = [text.strip().casefold() for text in sample[found[0]].tolist()]
        filled = [text for text in texts if text]
        if not filled or not all(any(fnmatchcase(text, word.casefold()) for word in words) for text in filled):
            return False
    return True


def _refusal(header: Header, looks: str, name_column: str) -> str:
    where = f"{header.file} ({header.sheet})" if header.sheet else header.file
    shown = ", ".join(map(guarded, header.columns[:8])) + (
        f" and {len(header.columns) - 8} more" if len(header.columns) > 8 else ""
    )
    plural = "its columns are" if len(header.columns) > 1 else "its only column is"
    if looks:
        return f"{where} looks like {looks}, not of threat actors: {plural} {shown}"
    if any(_GUESSED.search(column) for column in header.columns[:8]):
        return (
            f"{where} has no column that looks like an actor's name: {plural} {shown}. Those letters look wrong: "
            "--encoding names the right encoding (cp1251, shift_jis, gb18030, euc-kr...)"
        )
    if codenames(header.columns):
        return (
            f"{where} seems to have no header row: its first row is {shown}; put one above it (Actor, Aliases, Country)"
        )
    if name_column:
        return f"{where} does not look like a list of threat actors: {plural} {shown}"
    return f"{where} has no column that looks like an actor's name: {plural} {shown}"
