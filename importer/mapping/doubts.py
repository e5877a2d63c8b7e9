"""What a person would ask about a name: whether it is one, whether it is several, whether all of it belongs to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final

from importer.fields.aliases import split_labels
from importer.fields.country_names import country_names, translated
from importer.fields.dates import parse_date
from importer.fields.names import clean
from importer.fields.vocabulary import load_vocabulary
from importer.fields.words import load_data, says_nothing
from importer.mapping.column_profile import INDICATOR, LINK
from importer.mapping.spec import Value
from importer.mapping.transforms.found import About, Note
from importer.text.row_words import row_words

LONG_NAME: Final = 120
"""Characters beyond which a name is told: it may be a sentence."""
_SENTENCE = 8
_SEVERAL = re.compile(
    r"[,;|\n\u3001\uff0c\uff1b]|\s/\s|\s\w+/\w+\s"
    r"|\b(?:aka|a\.k\.a|also known as|formerly|alias|alias dictus|auch bekannt als)\b",
    re.IGNORECASE,
)
_GROUP = re.compile(
    r"\s*[(\[\uff08\uff3b\u3010\u3014]([^()\[\]\uff08\uff09\uff3b\uff3d\u3010\u3011\u3014\u3015]+)[)\]\uff09\uff3d\u3011\u3015]"
)
_LIST_MARK = re.compile(
    r"[\u2022\u2023\u25aa\u25ab\u25cf\u25cb\u25e6\u2043\u2219]|[*\xb7\u2013\u2014-]\s|\(?\d{1,3}[.)]\s+\S"
)
_END_MARK = re.compile(r"[\w)\]]\s*(?:[*\u2020\u2021\xa7?\uff1f\xb9\xb2\xb3]|\[\d{1,2}\])+$")
_LABEL = re.compile(r"[^\W\d_]{2,12}:\s|.*\s[-\u2013\u2014:]\s(?P<rest>[^-]{2,30})$", re.DOTALL)
_QUOTED = re.compile(r"[\"\u201c\u201e\xab\u300c\u300e'\u2018].*[\"\u201d\u201c\xbb\u300d\u300f'\u2019]", re.DOTALL)
_POINTERS = (
    "see ", "cf. ", "merged ", "moved to ", "renamed ", "replaced by ", "superseded by ", "duplicate of ", "same as ",
    "split into ", "now tracked as ", "siehe ", "vgl. ", "voir ", "v\u00e9ase ", "ver ", "vedi ", "zie ", "zob. ",
    "bkz. ", "\u0441\u043c. ", "\u0434\u0438\u0432. ", "\u53c2\u89c1", "\u53c3\u898b", "\u89c1 ",
)  # fmt: skip
_POINTS = "points to another entry; it is sent as a name all the same"
_TLP = re.compile(r"tlp[\s:_-]{0,3}(?:red|amber|green|clear|white|purple)\b.{0,60}", re.IGNORECASE)
_BEGINNINGS = (*_POINTERS, "cve-", "tlp")
_WRITTEN = r"\w\u0300-\u036f\u0900-\u0963\u0966-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e '\u2019-"
"""Of what plain names consist: letters, digits, the accents and vowel signs that are characters of their own."""
_PLAIN = re.compile(rf"[^\W\d_][{_WRITTEN}]*")
_NOT_PLAIN = re.compile(rf"[^\n{_WRITTEN}]")
_SIGNS = ("  ", " -", "aka", "known", "formerly", "alias", *(f"\n{word}" for word in _BEGINNINGS))
_LONG_WORD, _LONG = 23, 60


def is_plain_name(text: str) -> bool:
    """Whether there is nothing to be asked about a name, for a quick yes: letters, digits, blanks, no odd word."""
    if _PLAIN.fullmatch(text) is None or "  " in text or " -" in text:
        return False
    lower = text.lower()
    if "aka" in lower or "known" in lower or "formerly" in lower or "alias" in lower or lower in _words():
        return False
    if lower.startswith(_BEGINNINGS) or (
        len(text) > _LONG_WORD and (len(text) > _LONG or not 0 < text.count(" ") < _SENTENCE - 1)
    ):
        return False
    return text.isascii() or _decomposed(text) not in translated()


def odd_names(names: Sequence[str]) -> set[str]:
    """Those of some names of which there may be something to ask, blank ones not; most need no look of their own."""
    filled = list(filter(None, names))
    whole = "\n".join(filled)
    lower = "\n" + whole.lower()
    if (
        whole.count("\n") != len(filled) - 1
        or _NOT_PLAIN.search(whole)
        or not all(map(_PLAIN.fullmatch, {name[0] for name in filled}))
        or any(sign in lower for sign in _SIGNS)
        or not _words().keys().isdisjoint(lower.split("\n"))
        or not (whole.isascii() or translated().keys().isdisjoint(_decomposed(whole).split("\n")))
    ):
        return {name for name in filled if not is_plain_name(name)}
    return {name for name in filled if len(name) > _LONG_WORD and not is_plain_name(name)}


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFKD", text.replace(" ", "").casefold())


def doubts(value: Value, text: str, listed: bool) -> tuple[Value, list[Note]]:
    """The name, or the list of names, without what can be none; and what there is to ask. `text` is the cell's."""
    if isinstance(value, str) and not listed:
        if kind := _never(value):
            return None, [Note(About.REFUSED, "not-a-name", f"is {kind}, not a name", value)]
        found = _doubt(value, text)
        return value, [found] if found else []
    if not isinstance(value, list):
        return value, []
    rest: list[Value] = []
    never: list[tuple[str, str]] = []
    remarks: dict[tuple[str, str], list[str]] = {}
    for entry in value:
        label = str(entry.get("value") if isinstance(entry, dict) else entry)
        plain = is_plain_name(label)
        if not plain and (kind := _never(label)):
            never.append((label, kind))
            continue
        rest.append(entry)
        if not plain and (told := _asked_of_alias(label)):
            remarks.setdefault(told, []).append(label)
    taken = ", so it was taken out of the list" if rest else ""
    notes = [Note(About.CHANGED, "not-a-name", f"is {kind}, not a name{taken}", label) for label, kind in never]
    notes += [Note(About.DOUBTFUL, code, said, "; ".join(found)) for (code, said), found in remarks.items()]
    return rest or None, notes


def _asked_of_alias(label: str) -> tuple[str, str] | None:
    """The code and the question about an entry of a list."""
    if label.lower().startswith(_POINTERS):
        return "alias-with-remark", _POINTS
    if said := _kind_told(label):
        return "perhaps-no-name", said
    said = _remark(label)
    return ("alias-with-remark", said) if said else None


def other_kind(text: str) -> str:
    """`a link`, `a country`: what a text is that is neither a name nor free text; empty where it may be one."""
    text = text.strip()
    if kind := _never(text):
        return kind
    if INDICATOR.fullmatch(text):
        return "a host name"
    if text.isdecimal():
        return "a number"
    kind = _words().get(text.lower(), "")
    return kind or ("a country" if not text.isascii() and _decomposed(text) in translated() else "")


def _never(text: str) -> str:
    """What a text is that cannot be a name."""
    if LINK.match(text):
        return "a link"
    if text[:2] in ('{"', "{'", '["', "['", "[{") and text[-1] in "]}":
        return "a piece of JSON"
    if _TLP.fullmatch(text):
        return "a TLP marking"
    if INDICATOR.fullmatch(text) and ("@" in text or not text.rpartition(".")[2].isalpha()):
        return "an e-mail address" if "@" in text else "an address, a file's hash or a CVE number"
    return (
        "a date" if text[:1].isdigit() and len(text) < 30 and parse_date(text).reason in ("found", "ambiguous") else ""
    )


def _doubt(value: str, text: str) -> Note | None:
    """The first question about one name."""

    def doubt(code: str, message: str) -> Note:
        return Note(About.DOUBTFUL, code, message, value)

    if len(value) > LONG_NAME:
        return doubt("long-name", f"has {len(value):,} characters: is it a name?")
    if len(text.strip().splitlines()) > 1 and clean(text) == value:
        return doubt("line-break-in-name", "has a line break, which was read as a blank: is it one name or two?")
    if _SEVERAL.search(value) and not _one_with_comma(value):
        return doubt("perhaps-several-names", "looks like several names; the whole cell is sent as one")
    if is_plain_name(value):
        return None
    if value.lower().startswith(_POINTERS):
        return doubt("points-elsewhere", _POINTS)
    if said := _kind_told(value):
        return doubt("perhaps-no-name", said)
    if said := _remark(value):
        return doubt("name-with-remark", said)
    if len(value.split()) >= _SENTENCE:
        return doubt("long-name", "reads like a sentence: is it a name?")
    return None


def _one_with_comma(value: str) -> bool:
    """`Bell, Inc.` is one name."""
    return "," in value and len(split_labels(value)) < 2 and not _SEVERAL.search(value.replace(",", ""))


def _kind_told(text: str) -> str:
    kind = other_kind(text)
    return f"looks like {kind}, not like a name; it is sent as one: are the row's columns mixed up?" if kind else ""


def _remark(text: str) -> str:
    """What stands about a name and may not belong to it."""
    outside = _GROUP.sub("", text).strip()
    inside = _GROUP.findall(text)
    sent = "sent as part of the name"
    if outside and any(any(map(str.isalpha, remark)) or len(remark) > 3 for remark in inside):
        return f"has a remark in brackets, which is {sent}"
    if len(text) > 2 and _QUOTED.fullmatch(text):
        return f"stands in quotes, which are {sent}"
    if _LIST_MARK.match(text):
        return f"begins like an entry of a list, with a mark that is {sent}"
    if _END_MARK.search(text):
        return f"ends in a sign, which is {sent}"
    if (label := _LABEL.match(text)) and (label["rest"] is None or says_nothing(label["rest"])):
        return f"has a remark beside it, which is {sent}"
    return ""


@cache
def _words() -> dict[str, str]:
    """What is a word for something else, in lower case, and for what."""
    motive, names = load_vocabulary("motive"), load_data("countries")["names"].values()
    countries = (*country_names().values(), *(str(name) for each in names for name in each))
    groups = (
        ("a word for a total", row_words().totals),
        ("a truth value", ("true", "false")),
        ("a motive", (*motive.words, *motive.allowed)),
        ("a country", countries),
    )
    return {word.lower(): kind for kind, words in groups for word in words}
