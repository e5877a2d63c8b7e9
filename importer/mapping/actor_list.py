"""Whether a table lists threat actors, or what it lists instead: by its header words and by its texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from importer.mapping.column_profile import ColumnProfile
from importer.mapping.recogniser import ALIASES, CALLED_SO, COUNTRY, ColumnReading, Recognised
from importer.text.header_words import header_words, lookup_words, normalised, spellings

_SPELT = re.compile(
    r"\b(?:apt|unc|fin|ta|dev|storm|temp|tag|uac|tg|cl-(?:sta|cri|unk)|sta|g)[- .]?[a-z]?-?\d{1,5}\b"
    r"|\b(?:panda|bear|kitten|spider|chollima|jackal|leopard|buffalo|tiger|crane|lynx|typhoon|blizzard|sandstorm|sleet|"
    r"tempest|tsunami|flood|cyclone|taurus|scorpius|libra|ursa|pisces|serpens|team|group|gang|apt|lazarus|turla|sofacy|"
    r"sandworm|equation|carbanak|gamaredon|kimsuky|muddywater|oilrig|hackers?|cyber|crew|army|lockbit|cl0p|clop|anonymous|"
    r"conti|revil|blackcat|alphv|lapsus|winnti|hafnium|nobelium|volt|salt|charming|cozy|fancy|ghost|shadow|dragon|"
    r"collective|syndicate|brigade|squad|ransom(?:ware)?|wolf|fox|falcon|viper|cobra|hydra|phoenix|weasel|otter|hare|heron)\b",
    re.IGNORECASE,
)
"""How names of actors are spelt: numbered, or with one of the words that vendors and crews like."""
_NUMBERED_NAME = re.compile(r"(?:apt|unc|fin|ta|dev-|storm-|uac-|tag-|apt-c-|temp\.)[ -]?\w{0,3}\d{1,5}", re.IGNORECASE)
_MALWARE_KIND = re.compile(
    r"\b(?:trojan|backdoor|rat|loader|stealer|infostealer|wiper|worm|dropper|downloader|botnet|rootkit|bootkit|keylogger|"
    r"malware|ransomware|banker|cryptominer|miner|tools?|webshell|exploit kit|remote access trojan|werkzeuge?|"
    r"schadsoftware|schadprogramm|trojaner|outils?|logiciel(?: malveillant)?|maliciel|herramienta|ferramenta|"
    r"strumento)\b",
    re.IGNORECASE,
)
_HARD_INDICATOR = re.compile(
    r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|\d{1,3}(?:\[?\.\]?\d{1,3}){3}(?:[:/]\d{1,5})?|"
    r"CVE-\d{4}-\d{4,7}|[\w-]{1,63}\[\.\][\w.\[\]-]{2,100})\Z",
    re.IGNORECASE,
)
_TELLING = {
    ALIASES: 1.0, "aliasGroupNames": 1.0, "motive": 1.0, COUNTRY: 1.0, "actorCategory": 1.0, "sophisticationLevel": 1.0,
    "opsecLevel": 1.0, "attributionOrganization": 1.0, "dateOfDiscovery": 0.6, "lastSeen": 0.6, "tlp": 0.5,
    "externalReferenceLinks": 0.5, "internalDescription": 0.5,
}  # fmt: skip
"""How much a column tells of actors: hardly any other list has so many of them."""
_BY_TEXTS = {"motive": "motive", "tlp": "tlp", "actorCategory": "category"}
"""Fields whose very texts tell of actors."""


_NAME_TYPES = frozenset(
    ("alias", "aliases", "canonical", "primary", "main", "synonym", "name", "official", "former", "other")
)
"""What a column says that tells of each name which kind of name it is."""


def _said(profile: ColumnProfile) -> set[str]:
    """The texts of a column with few words, in lower case."""
    return {text.casefold() for text in profile.texts} if profile.distinct <= 6 else set()


class Verdict(Struct, frozen=True):
    """What speaks for and against a table being a list of actors."""

    for_actors: float
    against: float
    looks_like: str = ""
    """`a list of incidents`; empty where nothing is known."""

    @property
    def is_actors(self) -> bool:
        return self.for_actors > self.against


def verdict(reading: Recognised, kind: str) -> Verdict:
    """Weigh a table: by its header words, by the texts of its columns, by how its names are spelt.

    `kind` is the header's: any key may stand in a MISP cluster, which the galaxy itself says to be of actors.
    """
    profiles = [one.profile for one in reading.columns]
    columns = [profile.column for profile in profiles]
    looks, against, subject = _others(columns)
    name = reading.name
    if name is None:
        return Verdict(0.0, against, looks if against >= 1 else "")
    if any(one.field.startswith("properties.") or one.why == CALLED_SO for one in reading.columns):
        against -= 2 * (_name_word(name) > 0)  # nobody else writes a tag's own fields
    at = columns.index(name.column)
    told = sum(map(_tells, reading.columns))
    word = _name_word(name)
    weak = word < 1
    if subject and columns.index(subject) < at:
        # A list of incidents or malware may name the actor behind each: but it begins with its own subject.
        against += 4 if normalised(subject) == "date" else 6
    if weak and any(
        normalised(one.column).endswith(" name") and one.field not in (ALIASES, "aliasGroupNames") and not one.field
        for one in reading.columns
        if one is not name
    ):
        against += 1
    seen, said = _by_texts(reading, name.profile, told > 0, at)
    if said:
        against, looks = against + seen, said
    if name.profile.distinctness < 0.999 and looks == "a list of incidents":
        against += 1.5
    score = min(3.0, told)
    if name.profile.texts and word < 2.5:
        score += 2.0 * min(1.0, 3 * _share(name.profile.texts, _SPELT))
    numbers = sum(
        not one.field and one.profile.share("number") > 0.8 and not _neutral(one.column) for one in reading.columns
    )
    if word < 2.5 and numbers > 2 and 2 * numbers > len(columns):
        against, looks = against + 2, looks or "a table of measurements"
    if weak and not score and kind != "misp":
        strangers = (one for one in reading.columns if not one.field or one.near.score < 0.8)
        against += 0.5 * sum(one is not name and not _neutral(one.column) for one in strangers)
        against += 0.5 * (name.column == "@key")
    if normalised(name.column) in lookup_words(header_words().faint_names) and against > 0:
        against += 2  # who operates each malware or each station
    return Verdict(score + word, against, looks if against >= 1 else "")


def codenames(columns: Sequence[str]) -> bool:
    """Whether a header word is an actor's name (`APT28`), so that the header may be the first row of the list."""
    return any(_NUMBERED_NAME.fullmatch(column.strip()) for column in columns)


def _name_word(name: ColumnReading) -> float:
    """How much the header of the names says: `threat actor` much, `name` little, a word that nobody knows nothing."""
    words = header_words()
    forms = {*spellings(name.column), *(spellings(name.near.word) if name.near.score > 0.5 else ())}
    if forms & lookup_words(words.faint_names) or name.near.score < 0.5:
        return 0.0
    if forms & lookup_words(words.generic_names) or name.column == "@key":
        return 0.5
    if forms & lookup_words(words.bare_names):
        return 1.5
    return 2.5 if name.near.score > 0.8 else 0.5


def _tells(one: ColumnReading) -> float:
    """How much a column tells that the list is one of actors."""
    if one.field.startswith("properties."):
        return 1.0
    weight = _TELLING.get(one.field, 0.0)
    if not weight or one.confidence < 0.6:
        return 0.0
    if one.field in _BY_TEXTS and one.profile.share(_BY_TEXTS[one.field]) >= 0.5:
        return weight
    if one.near.score < 0.75 or any(form in lookup_words(header_words().shared) for form in spellings(one.column)):
        return 0.0
    return weight


def _by_texts(reading: Recognised, name: ColumnProfile, known: bool, at: int) -> tuple[float, str]:
    """What the texts speak against a list of actors, and what they look like instead."""
    kinds = [
        text for one in reading.columns if normalised(one.column) in header_words().kinds for text in one.profile.texts
    ]
    if kinds and _share(kinds, _MALWARE_KIND) > 0.6:
        return 3.0, "a list of malware or tools"
    texts = name.texts
    if not texts:
        return 0.0, ""
    if any("alias" in said and said <= _NAME_TYPES for one in reading.columns if (said := _said(one.profile))):
        return 6.0, "a list of names, several to an actor"
    for one in reading.columns[:at]:
        if sum(bool(_HARD_INDICATOR.match(text)) for text in one.profile.texts) > 0.3 * max(1, len(one.profile.texts)):
            return 6.0, "a list of indicators"
        if one.profile.share("indicator") > 0.6 and one.profile.distinctness > 0.6:
            return 6.0, "a list of indicators"
    if name.companies > 0.3:
        return 4.0, "a list of organisations"
    if not known and len(texts) >= 3 and name.share("country") > 0.6:
        return 3.0, "a list of countries"
    if name.share("indicator") > 0.5 or name.share("link") > 0.5:
        return 4.0, "a list of indicators"
    if name.share("number") > 0.5 and not known:
        return 2.0, "a list of numbers"
    if name.looked_at >= 6 and name.distinctness <= 0.5:
        return 2.5, "a list in which the same names come again and again"
    if sum(map(len, texts)) > 90 * len(texts):
        return 1.5, "a list of sentences"
    return 0.0, ""


def _share(texts: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(bool(pattern.search(text)) for text in texts) / max(1, len(texts))


def _neutral(column: str) -> bool:
    """Columns that say nothing either way: ids, dates of the record, keys of a galaxy."""
    return column.startswith(("_", "meta.")) or any(form in header_words().neutral for form in spellings(column))


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
