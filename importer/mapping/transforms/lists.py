"""Transforms between one text and several: cells that hold lists, and lists that become one text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import msgspec

from importer.fields.aliases import SEPARATORS, split_labels
from importer.mapping.spec import Value
from importer.mapping.transforms.found import About, Found, Note
from importer.mapping.transforms.text import strip_citations

MAX_ITEMS = 10_000
_URL = re.compile(r"https?://(?=\S)", re.IGNORECASE)
_HOST = re.compile(r"[\w-]{1,63}\.[\w./:?=&%#-]{2,2000}")
ONE_URL = re.compile(r"https?://[\w./?&%#~+=:-]{1,2000}[,;]?")
_CUT = re.compile(r"[,;|\n]")
# Where split_labels has more to think of than separators: brackets, quotes, slashes, odd blanks; and the last words of
# official country names and legal forms behind a comma. Any other text is cut the short way, with the same result.
INTRICATE = re.compile(
    r"[()\[\]{}\"/\x00-\x08\x0b-\x1f\x7f\xa6\xab\xbb\u201c\u201d\u2022-\u25ff\u3001\u3008-\u3011\uff08-\uff5d]"
)
OFFICIAL_ENDS = frozenset([
    "of", "the", "china", "inc", "ltd", "llc", "corp", "co", "plc", "gmbh", "ag", "sa", "s.a", "srl", "s.rl", "sr.l",
    "s.r.l", "pty", "bv", "b.v", "ooo", "oo.o", "o.oo", "o.o.o", "jr", "sr",
])  # fmt: skip
_LONGEST_LIST = 1_000_000
_CALL = re.compile(
    r"(?:np\.|numpy\.|pd\.)?(?:array|list|set|frozenset|tuple|index|vector|seq|c)\((?P<inside>.*?)"
    r"(?:,\s{0,20}dtype\s?=\s?[\w'\"<>|.]{1,30})?\)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTE = r"""[ub]?(?:'(?P<single>(?:[^'\\]|\\.|'')*)'|"(?P<double>(?:[^"\\]|\\.|"")*)")"""
_NULLS = frozenset(("none", "null", "nan", "nat", "na", "<na>"))
_QUOTED = re.compile(rf"(?:{_QUOTE}|(?P<bare>None|null|NULL|nan|NaN|NaT|NA|<NA>))(?P<gap>\s*,\s*|\s+|$)", re.DOTALL)
_BRACED = re.compile(rf"(?:{_QUOTE}|(?P<bare>[^,\"{{}}:]+))(?P<gap>\s*,\s*|\s*$)", re.DOTALL)
_BARE_LIST = re.compile(r"\s*\[(?P<inside>[^\[\]\"'{}]+)\]\s*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LINK_KEYS = ("url", "href", "link", "uri", "value")
_DEFANGED = re.compile(r"\bhxxp(s?)(?=://|\[:\]//)", re.IGNORECASE)


def split(text: str, at: str) -> list[str]:
    """Cuts a text at each occurrence of `at` (one separator, exactly as given); blanks around the pieces go."""
    if not at:
        return [text.strip()] if text.strip() else []
    pieces = (piece.strip() for piece in text.split(at, MAX_ITEMS))
    return [piece for piece in pieces if piece]


def items(text: str, separators: str = "") -> list[Value]:
    """Reads a cell as a list: JSON (`["a","b"]`) as it is, anything else cut at the usual separators.

    `[Vault 7/8]` is not JSON and stays one item; brackets and country names with commas are not cut.
    """
    listed = json_list(text)
    if listed is not None:
        return listed
    if "," in text and (bare := _BARE_LIST.fullmatch(text)):  # [Sofacy, Sednit], as Java and YAML write it
        text = bare["inside"]
    if not separators and text.isascii() and not INTRICATE.search(text):
        words = [piece.split() for piece in _CUT.split(text)]
        if not any(some and some[-1].strip(".").lower() in OFFICIAL_ENDS for some in words[1:]):
            return [" ".join(some) for some in words if some]
    if separators == "\\n":
        text, separators = text.replace("\\n", "\n"), "\n"
    return list(split_labels(text, separator_list(separators) if separators else SEPARATORS))


def separator_list(separators: str) -> list[str]:
    """Each character of a mapping's `separators:` as one separator; `/` cuts only with blanks around it."""
    return [" / " if character == "/" else character for character in dict.fromkeys(separators) if character != " "]


def json_list(text: str) -> list[Value] | None:
    """The entries of a list as a program writes it, blank ones left out; None where the text is no such list.

    JSON, and what data frames and databases print: `['a', 'b']`, `['a' 'b']`, `array(['a'], dtype=object)`,
    `('a', 'b')`, `{a,"b"}`, `c("a", "b")`.
    """
    stripped = text.strip()
    if stripped[-1:] not in ("]", "}", ")") or len(stripped) > _LONGEST_LIST:
        return None
    if stripped[0] == "[":
        if stripped[:2] == '["' and stripped.isprintable() and "\\" not in stripped:  # texts without escapes, mostly
            texts = stripped[2:-2].split('", "')
            if stripped[-2:] == '"]' and stripped.count('"') == 2 * len(texts):
                return [text for text in texts if text]
        try:
            value = _loaded(stripped)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list):
            return [entry for entry in value if entry is not None and entry != ""]
    return _printed_list(stripped)


def _loaded(text: str) -> Value:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):  # `NaN` and half characters Python reads, too
        return json.loads(text)


def is_broken(text: str) -> bool:
    """Whether a text begins like a list that a program wrote and is none."""
    return text.lstrip()[:2] in ('["', "['", "[{", '{"') and json_list(text) is None


def _printed_list(text: str) -> list[Value] | None:
    """The texts of a list in another notation than JSON: quoted ones, in braces bare ones too."""
    if call := _CALL.fullmatch(text):
        text = call["inside"].strip()
        if text[:1] in "\"'":
            text = f"({text})"
    closing = {"[": "]", "(": ")", "{": "}"}.get(text[:1])
    if closing is None or text[-1:] != closing:
        return None
    inside = text[1:-1].strip()
    item = _BRACED if closing == "}" else _QUOTED
    found: list[Value] = []
    at, parted = 0, True
    while at < len(inside):
        match = item.match(inside, at)
        if match is None or not parted:
            return None
        if match["single"] is not None:
            found.append(_ESCAPED.sub(r"\1", match["single"]).replace("''", "'"))
        elif match["double"] is not None:
            found.append(_ESCAPED.sub(r"\1", match["double"]).replace('""', '"'))
        elif closing == "}" and match["bare"].strip().casefold() not in _NULLS:
            found.append(match["bare"].strip())
        at = match.end()
        parted = bool(match["gap"])
    return [entry for entry in found if entry.strip()]


def entry_text(entry: Value) -> str:
    """The text of one entry of a JSON list: of an object what names it (`{"id": 7, "value": "China"}` is China)."""
    if isinstance(entry, dict):
        named = (entry.get(key) for key in ("value", "name", "label", "title", "url"))
        return next((str(text) for text in named if text), json.dumps(entry, ensure_ascii=False))
    return entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)


def json_value(text: str) -> Value:
    """Reads a cell as JSON (number, list, object); text that is not JSON stays text."""
    stripped = text.strip()
    if not stripped or len(stripped) > 1_000_000:
        return text
    try:
        value = json.loads(stripped, parse_constant=lambda _: text)
    except (ValueError, RecursionError):
        return text
    return text if _has_odd_number(value) else value


def _has_odd_number(value: Value) -> bool:
    return isinstance(value, float) and (value != value or value in (float("inf"), float("-inf")))


def links(text: str) -> list[Value] | Found:
    """Finds the URLs of a cell: a JSON list, or URLs parted by blanks, line breaks, commas, semicolons or pipes.

    `hxxp` and `[.]` are written back; a comma inside a URL does not cut it. Words beside the URLs are left out
    with a warning; a cell without any link is an issue.
    """
    listed = json_list(text)
    if listed is not None:
        return _listed_links(listed)
    words = text.split()
    if words and all(ONE_URL.fullmatch(word) for word in words):
        return [word.rstrip(",;") for word in words]
    text = _refanged(text)
    starts = [match.start() for match in _URL.finditer(text)]
    if not starts:
        hosts = [word.strip(",;") for word in words if _HOST.fullmatch(word.strip(",;"))]
        if len(hosts) == len(words):
            said = "has no https:// in front, so that it may not be a link; it is sent as written"
            return Found(list(hosts), Note(About.DOUBTFUL, "link-without-scheme", said, text.strip()))
        return Found(None, Note(About.UNKNOWN, "not-a-link", "is not a link", text.strip(), ("https://...",)))
    found: list[Value] = []
    beside = [text[: starts[0]]]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        word = _first_word(text[start:end])
        beside.append(text[start + len(word) : end])
        # A URL that stands inside another one (web.archive.org/web/2019/http://...) belongs to it.
        if start and text[start - 1] in "/=" and found:
            found[-1] = found[-1] + word
        else:
            found.append(word)
    rest = " ".join(" ".join(beside).split()).strip(" ,;|-()<>[]\"'")
    if not rest:
        return found
    return Found(found, Note(About.CHANGED, "text-beside-links", "stands beside the links of its cell", rest))


def _listed_links(entries: list[Value]) -> list[Value] | Found:
    """Entries that hold a link; of objects without one (a printed report, a CAPEC id) the words, told as such.

    ATT&CK's entries that only cite others, `(Citation: ...)` beside an alias, hold nothing that is not elsewhere.
    """
    entries = [_refanged(entry) if isinstance(entry, str) else entry for entry in entries]
    found = [entry for entry in entries if not isinstance(entry, dict) or link_of(entry)]
    if len(found) == len(entries):
        return found
    said = (reference_text(entry) for entry in entries if isinstance(entry, dict) and not link_of(entry))
    words = "; ".join(text for text in said if text)
    if not words:
        return found
    return Found(found, Note(About.CHANGED, "reference-without-link", "names a reference that has no link", words))


def _refanged(text: str) -> str:
    """`hxxps://a[.]b`, as reports write links that nobody should follow by accident, as the link it is."""
    if "hxxp" not in text.lower():
        return text
    return _DEFANGED.sub(r"http\1", text).replace("[:]", ":").replace("[.]", ".")


def link_of(entry: Mapping[str, Value]) -> str:
    """The URL of an object that describes a reference; empty where it has none."""
    if type(url := entry.get("url")) is str and (url := url.strip()):
        return url
    urls = (entry.get(key) for key in _LINK_KEYS)
    return next((url.strip() for url in urls if isinstance(url, str) and url.strip()), "")


def reference_text(entry: Mapping[str, Value]) -> str:
    """A reference without a link in words (`capec CAPEC-163: ...`); empty where it only cites others."""
    said = entry.get("description")
    description = strip_citations(said) if isinstance(said, str) else ""
    if isinstance(said, str) and said.strip() and not description.strip(" ,."):
        return ""
    names = (entry.get(key) for key in ("source_name", "name", "title", "external_id"))
    named = " ".join(text.strip() for text in names if isinstance(text, str) and text.strip())
    return f"{named}: {description}" if named and description else named or description


def _first_word(piece: str) -> str:
    word = re.split(r"[\s|<>\"]", piece, maxsplit=1)[0]
    return word.rstrip(",;)" if word.count("(") < word.count(")") else ",;")


def join(texts: Sequence[str], by: str = ", ") -> str:
    """Joins several texts, the blank ones left out."""
    written = ("" if text is None else entry_text(text) for text in texts)
    return by.join(text for text in written if text.strip())


def first(texts: Sequence[str]) -> str:
    """Takes the first text that is not blank."""
    return next((text for text in texts if text and text.strip()), "")


def pick(values: Value, number: int = 1) -> Value | Found:
    """Takes one item of a list (1 is the first, -1 the last); of a text, the text."""
    if not isinstance(values, list):
        return values
    index = number - 1 if number > 0 else number
    return values[index] if -len(values) <= index < len(values) else None
