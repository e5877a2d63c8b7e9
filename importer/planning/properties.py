"""`properties` against their category's schema, before anything is sent.

The schema is a list of `{key, kind, required?, allowedValues?, deprecated?, deprecatedValues?, format?, maxLength?,
numberConstraint?, element?, properties?, annotations?, enforcement?, label?}`. `enforcement` says how bad a breach is:
error (also where it is absent), warn, off. A schema that is itself odd (an unknown kind, a word where a list should be)
checks what it can: the server has the last word. What is deprecated may stay where it is, but not be written anew.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from importer.fields.countries import code_of, resolve
from importer.fields.dates import is_date
from importer.model import Issue, Json, Place, RowRef, Severity

TLP_WORDS: Final = ("red", "amber", "amber-strict", "green", "clear", "purple", "amber+strict")
_ANNOTATED: Final = frozenset({"value", "confidence", "tlp"})
_DEEPEST: Final = 20
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "enum": (str, int, float),
    "date": (str,),
    "number": (int, float),
    "array": (list, tuple),
    "object": (Mapping,),
}
_NEEDED: Final = {
    "string": "text",
    "enum": "one of the allowed values",
    "date": "a date, YYYY-MM-DD",
    "number": "a number",
    "array": "a list",
    "object": "an object",
}


def check_properties(
    schema: Sequence[Mapping[str, Json]],
    properties: Mapping[str, Json],
    *,
    before: Mapping[str, Json] | None = None,
    known: Collection[str] = (),
) -> list[Issue]:
    """Every breach, in the schema's order, then keys the schema has not (a warning; `known` ones are no matter). Each
    is of a field like `properties.tools[2].url`, and has no place yet.

    `properties` are those the tag will hold, an update's merged with what is there; `before` those it holds now.
    Never raises.
    """
    check = _Check()
    check.entries(schema, properties, before, "", known, 0)
    return check.problems


@dataclass(slots=True)
class _Check:
    problems: list[Issue] = field(default_factory=list)

    def entries(
        self, schema: Any, held: Mapping[str, Json], before: Json, prefix: str, known: Collection[str], depth: int
    ) -> None:
        if isinstance(schema, Mapping):
            # Inside an object it is a table of definitions by key.
            schema = [{**entry, "key": key} for key, entry in schema.items() if isinstance(entry, Mapping)]
        if not isinstance(schema, list | tuple) or depth > _DEEPEST:
            return
        old = before if isinstance(before, Mapping) else {}
        keys: list[str] = []
        for entry in schema:
            if not isinstance(entry, Mapping) or not isinstance(entry.get("key"), str):
                continue
            key = entry["key"]
            keys.append(key)
            value = held.get(key)
            severity = _severity(entry)
            if value is None or value == "" or value == []:
                if entry.get("required") is True and entry.get("deprecated") is not True:
                    self._add(severity, "property-missing", prefix + key, f"property {_called(entry)} is required")
                if value is None:
                    continue
            if severity is not None:
                self._value(entry, value, old.get(key), prefix + key, severity, depth)
        for key in held:
            if key in keys or key in known or held[key] is None:
                continue
            from rapidfuzz import process

            close = process.extractOne(key, keys, score_cutoff=60)
            self._add(
                Severity.WARNING,
                "unknown-property",
                prefix + key,
                f"the schema has no property {key!r}",
                allowed=tuple(keys),
                nearest=close[0] if close else "",
            )

    def _value(
        self, entry: Mapping[str, Any], value: Json, old: Json, path: str, severity: Severity, depth: int
    ) -> None:
        kind = str(entry.get("kind", ""))
        if (
            isinstance(value, Mapping)
            and "value" in value
            and value.keys() <= _ANNOTATED
            and (kind != "object" or isinstance(entry.get("annotations"), Mapping))
        ):
            self._annotations(entry, value, path, severity)
            value = value["value"]
            old = old.get("value") if isinstance(old, Mapping) else old
        if entry.get("deprecated") is True and value != old:
            message = f"property {_called(entry)} is deprecated and takes no new values"
            self._add(severity, "deprecated-property", path, message, value)
        types = _KINDS.get(kind)
        if types is None:
            return
        if isinstance(value, bool) or not isinstance(value, types):
            self._add(severity, "property-kind", path, f"{_a(value)} where {_NEEDED[kind]} is needed", value)
            return
        if kind in ("string", "date"):
            self._text(entry, kind, str(value), path, severity)
        elif isinstance(value, int | float):
            self._number(entry, value, path, severity)
        elif isinstance(value, list | tuple):
            self._array(entry, value, old, path, severity, depth)
        elif isinstance(value, Mapping):
            self.entries(entry.get("properties"), value, old, f"{path}.", (), depth + 1)
        if kind not in ("array", "object"):
            self._choice(entry, value, old, path, severity, needed=kind == "enum")

    def _annotations(self, entry: Mapping[str, Any], value: Mapping[str, Json], path: str, severity: Severity) -> None:
        allowed = entry.get("annotations")
        for name in ("confidence", "tlp"):
            said = value.get(name)
            if said is None:
                continue
            if not (isinstance(allowed, Mapping) and allowed.get(name)):
                self._add(severity, "property-annotation", path, f"property {_called(entry)} takes no {name}", said)
            elif name == "confidence" and (isinstance(said, bool) or not isinstance(said, int) or not 1 <= said <= 10):
                self._add(severity, "property-annotation", path, "confidence is a whole number from 1 to 10", said)
            elif name == "tlp" and said not in TLP_WORDS:
                self._add(severity, "property-annotation", path, "not a TLP word", said, TLP_WORDS)

    def _text(self, entry: Mapping[str, Any], kind: str, text: str, path: str, severity: Severity) -> None:
        longest = entry.get("maxLength")
        if isinstance(longest, int | float) and not isinstance(longest, bool) and len(text) > longest:
            self._add(
                severity, "property-length", path, f"{len(text):,} characters, at most {longest:g} are allowed", text
            )
        if kind == "date" and text and not is_date(text):
            self._add(severity, "property-format", path, "not a date that exists, written YYYY-MM-DD", text)
        wanted = entry.get("format")
        if text and isinstance(wanted, str) and not (kind == "date" and wanted == "date"):
            problem, nearest = format_problem(wanted, text)
            if problem:
                self._add(severity, "property-format", path, problem, text, nearest=nearest)

    def _number(self, entry: Mapping[str, Any], number: float, path: str, severity: Severity) -> None:
        bounds = entry.get("numberConstraint")
        if isinstance(number, float) and not math.isfinite(number):
            self._add(severity, "property-range", path, "infinite, or not a number", number)
            return
        if not isinstance(bounds, Mapping):
            return
        least, most = _bound(bounds.get("min")), _bound(bounds.get("max"))
        if bounds.get("integer") is True and number != int(number):
            self._add(severity, "property-range", path, "a whole number is needed", number)
        if (least is not None and number < least) or (most is not None and number > most):
            parts = [f"at least {least:g}"] if least is not None else []
            parts += [f"at most {most:g}"] if most is not None else []
            self._add(severity, "property-range", path, f"must be {' and '.join(parts)}", number)

    def _array(
        self, entry: Mapping[str, Any], items: Sequence[Json], before: Json, path: str, severity: Severity, depth: int
    ) -> None:
        longest = entry.get("maxLength")
        if isinstance(longest, int | float) and not isinstance(longest, bool) and len(items) > longest:
            self._add(severity, "property-length", path, f"{len(items):,} entries, at most {longest:g} are allowed")
        element = entry.get("element")
        if isinstance(element, str):
            element = {"kind": element}
        kept = before if isinstance(before, list) else []
        for number, item in enumerate(items):
            old = item if item in kept else None
            inner = f"{path}[{number}]"
            if isinstance(element, Mapping) and depth < _DEEPEST:
                # What a list allows may stand beside the element as well as in it.
                whole = {
                    **{name: entry[name] for name in ("allowedValues", "deprecatedValues") if name in entry},
                    "key": inner,
                    **element,
                }
                self._value(whole, item, old, inner, _severity(element, severity) or severity, depth + 1)
            else:
                self._choice(entry, item, old, inner, severity)

    def _choice(
        self,
        entry: Mapping[str, Any],
        value: Json,
        before: Json,
        path: str,
        severity: Severity,
        *,
        needed: bool = False,
    ) -> None:
        allowed, old = _words(entry.get("allowedValues")), _words(entry.get("deprecatedValues"))
        texts = tuple(str(word) for word in allowed if word not in old)
        if value in old:
            if value != before:
                message = "this value is deprecated and cannot be written anew"
                self._add(severity, "deprecated-value", path, message, value, texts)
        elif (allowed or needed) and value not in allowed and (allowed or value != ""):
            from rapidfuzz import process

            close = process.extractOne(str(value), texts, processor=str.casefold, score_cutoff=60)
            self._add(
                severity,
                "property-value",
                path,
                "not one of the allowed values",
                value,
                texts,
                close[0] if close else "",
            )

    def _add(
        self,
        severity: Severity | None,
        code: str,
        path: str,
        message: str,
        value: Json = "",
        allowed: tuple[str, ...] = (),
        nearest: str = "",
    ) -> None:
        if severity is not None:
            self.problems.append(
                Issue(severity, code, message, Place(""), f"properties.{path}", str(value), allowed, nearest)
            )


def _severity(entry: Mapping[str, Any], otherwise: Severity = Severity.ERROR) -> Severity | None:
    """How bad a breach of this entry is; None where it is not enforced."""
    enforcement = entry.get("enforcement")
    if enforcement == "off":
        return None
    if enforcement == "error":
        return Severity.ERROR
    return Severity.WARNING if enforcement == "warn" else otherwise


def _called(entry: Mapping[str, Any]) -> str:
    label = entry.get("label")
    return f"{entry['key']!r} ({label})" if isinstance(label, str) and label else f"{entry.get('key', '')!r}"


def _words(value: Any) -> list[Json]:
    return list(value) if isinstance(value, list | tuple) else []


def _bound(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _a(value: Json) -> str:
    for types, said in (
        (bool, "true or false"),
        (str, "text"),
        ((int, float), "a number"),
        ((list, tuple), "a list"),
        (Mapping, "an object"),
    ):
        if isinstance(value, types):
            return said
    return "nothing"


_ISO_DURATION: Final = re.compile(
    r"[+-]?P(?!$)(?:\d+(?:[.,]\d+)?Y)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?W)?(?:\d+(?:[.,]\d+)?D)?"
    r"(?:T(?=\d)(?:\d+(?:[.,]\d+)?H)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?S)?)?"
)
_SPOKEN_DURATION: Final = re.compile(r"(\d+)\s*(h|hour|d|day|w|week|month|y|year)s?", re.IGNORECASE)

READABLE: Final = frozenset({"property-kind", "property-format", "property-value"})
"""Codes of problems that another reading of the cell may solve."""


def format_problem(wanted: str, text: str) -> tuple[str, str]:
    """What is wrong with `text` as `date`, `url`, `duration` or `country`, and the nearest right one; else two blanks.

    A format this program does not know is not checked.
    """
    if wanted == "date" and not is_date(text):
        return "not a date that exists, written YYYY-MM-DD", ""
    if wanted == "url" and not _is_url(text):
        return "not a web address with http:// or https:// and a host", ""
    if wanted == "duration" and not _ISO_DURATION.fullmatch(text):
        return "not a duration as ISO 8601 writes it, P1Y6M or PT12H", _as_duration(text)
    if wanted == "country" and not (text.isupper() and code_of(text)):
        match = resolve(text)
        return "not an ISO 3166-1 country code in capitals", match.code
    return "", ""


def how_to_read(entry: Mapping[str, Any], value: Json, row: RowRef, column: str) -> str:
    """The line of a mapping that makes of a cell's text what the schema's `entry` asks for; empty where none does.

    Cells are text, so that a sheet fills a number, a list or an object only where its mapping says so.
    """
    steps = _steps(entry, value)
    if not steps:
        return ""
    key = entry["key"]
    listed = f"[{', '.join(steps)}]"
    held = row.text(column).strip()
    own = held and (column in (f"properties.{key}", key) or held == value)
    if not own:
        return f"the mapping's rule for properties.{key} makes it one with `transforms: {listed}`"
    from importer.mapping.write import scalar  # only where there is a problem to tell

    return f"in the mapping: `{scalar(f'properties.{key}')}: {{column: {scalar(column)}, transforms: {listed}}}`"


def _steps(entry: Mapping[str, Any], value: Json) -> list[str]:
    """The transforms by which a text could be what `entry` asks for."""
    kind, wanted = entry.get("kind"), entry.get("format")
    if kind == "array":
        element = entry.get("element")
        inner = {"kind": element} if isinstance(element, str) else element if isinstance(element, Mapping) else {}
        if isinstance(value, str):
            return ["json"] if inner.get("kind") == "object" else ["items", *_steps(inner, value)]
        found = [_steps(inner, item) for item in value] if isinstance(value, list) else []
        return next((["items", *steps] for steps in found if steps), [])
    if not isinstance(value, str):
        return []
    number = any(character.isdigit() for character in value)
    allowed = entry.get("allowedValues")
    counted = isinstance(allowed, list) and any(str(word) == value for word in allowed if not isinstance(word, str))
    if number and (kind == "number" or (kind == "enum" and counted)):
        return ["number"]
    if number and (kind == "date" or (kind == "string" and wanted == "date")) and not is_date(value):
        return ["date"]
    if kind == "object" and value.lstrip().startswith("{"):
        return ["json"]
    return ["country"] if kind == "string" and wanted == "country" and resolve(value).code not in ("", value) else []


def _as_duration(text: str) -> str:
    """`18 months` as `P18M`; empty for what is not a plain number of hours, days, weeks, months or years."""
    found = _SPOKEN_DURATION.fullmatch(text.strip())
    if found is None:
        return ""
    unit = found[2][0].upper()
    return f"PT{found[1]}H" if unit == "H" else f"P{found[1]}{unit}"


def _is_url(text: str) -> bool:
    if any(character.isspace() for character in text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
