"""JSON as it stands in a file: numbers keep their text, repeated keys are noticed, errors have a line and a column."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from importer.errors import SourceError
from importer.sources.encoding import marked
from importer.sources.located import Opened
from importer.sources.options import MIB, Limits

_quote = json.encoder.encode_basestring
_SPACE = re.compile(rb"[ \t\r\n]*")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]|[^\s\[\]{}",:]++', re.DOTALL)
"""A string, a bracket, or another value such as a number."""
_OPENING, _CLOSING = (b"[", b"{"), (b"]", b"}")
_DEEPEST = 1000
_TEXT = {str}
_WORDS = {None: "null", True: "true", False: "false"}


class NumberText(str):
    """A number, as the text that stands in the file."""

    __slots__ = ()


class Repeated(dict[str, Any]):
    """An object in which a key stands more than once; the last value counts, as in most programs."""

    keys_repeated: tuple[str, ...] = ()


def load_text(opened: Opened, limit: int, what: str) -> bytes:
    """The content as UTF-8 without a byte order mark; SourceError when it is too large or not text."""
    if opened.length > limit:
        raise SourceError(
            f"{opened.file} is too large for a {what} file: {opened.length / MIB:,.0f} MiB, "
            f"at most {limit / MIB:,.0f} MiB are read.",
            hint=Limits.hint(f"{what.lower()}_bytes"),
        )
    with opened.open() as stream:
        data = stream.read()
    codec = marked(data[:4])
    if not codec and b"\x00" in data[:4]:
        codec = "utf-16-le" if data[1:2] == b"\x00" else "utf-16-be"
    try:
        if codec == "utf-8-sig":
            return data[3:]
        if codec:
            return data.decode(codec).lstrip("\ufeff").encode("utf-8")
    except UnicodeError as error:
        raise SourceError(f"{opened.file} is not valid {codec.upper()}.") from error
    if not data.isascii():
        decoder = codecs.getincrementaldecoder("utf-8")()
        for start in range(0, len(data) + 1, MIB):
            try:
                decoder.decode(data[start : start + MIB], final=start + MIB > len(data))
            except UnicodeDecodeError as error:
                held = len(error.object) - len(data[start : start + MIB])
                raise _not_utf8(opened.file, data, error, what, start - held) from error
    return data


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    seen: set[str] = set()
    repeated = Repeated(value)
    repeated.keys_repeated = tuple(dict.fromkeys(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return repeated


def _decoder(pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> Callable[[str], Any]:
    return json.JSONDecoder(object_pairs_hook=pairs, parse_int=NumberText, parse_float=NumberText).decode


_decode = _decoder(_pairs)


class Parser:
    """Parses the values of one file, and knows whether a key was repeated: as a rule none is, so none is looked for."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.repeats = False
        """Whether an object that was parsed since this was set holds a key more than once."""
        self._decode = _decoder(self._pairs)

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        self.repeats = True
        return _pairs(pairs)

    def parse(self, raw: Any) -> Any:
        """See `parse`."""
        return parse(self._file, raw, self._decode)


def documents(file: str, data: bytes, limits: Limits) -> list[msgspec.Raw]:
    """The JSON documents of a text: one, or several in lines or one behind the other."""
    try:
        return [msgspec.json.decode(data, type=msgspec.Raw)]
    except RecursionError as error:
        raise too_deep(file) from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # several, or wrong
    found = _lines(data)
    if found and len(found) <= limits.rows:
        return found
    found = []
    offset, end = _begin(data, 0), len(data.rstrip(b" \t\r\n"))
    while offset < end:
        line_end = data.find(b"\n", offset, end)
        line_end = end if line_end < 0 else line_end
        try:
            value, offset = _document(data, offset, line_end), line_end
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # not one a line
            cut = _end(file, data, offset)
            try:
                value, offset = _document(data, offset, cut), cut
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise _explained(file, data, offset) from error
        found.append(value)
        if len(found) > limits.rows:
            raise SourceError(f"{file} has more than {limits.rows:,} JSON documents.", hint=limits.hint("rows"))
        offset = _begin(data, offset)
    return found


def _lines(data: bytes) -> list[msgspec.Raw]:
    """The documents, where nothing is wrong with any of them; else none."""
    try:
        return msgspec.json.Decoder(msgspec.Raw).decode_lines(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _document(data: bytes, start: int, end: int) -> msgspec.Raw:
    return msgspec.json.decode(memoryview(data)[start:end], type=msgspec.Raw)


def _begin(data: bytes, offset: int) -> int:
    """Where the next document begins."""
    match = _SPACE.match(data, offset)
    return match.end() if match else offset


def _end(file: str, data: bytes, start: int) -> int:
    """Where the document that begins here ends, by its brackets; wherever that is when it is not JSON."""
    depth = 0
    for token in _TOKEN.finditer(data, start):
        first = data[token.start() : token.start() + 1]
        depth += first in _OPENING
        depth -= first in _CLOSING
        if depth <= 0:
            return token.end()
        if depth > _DEEPEST:
            raise too_deep(file)
    return len(data)


def check_values(file: str, data: bytes, limits: Limits) -> None:
    """SourceError for more values than memory is meant for; counted by commas and brackets, those in texts too."""
    if len(data) > limits.nodes and sum(map(data.count, (b",", b"[", b"{"))) > limits.nodes:
        raise SourceError(
            f"{file} was not read: it holds more than {limits.nodes:,} values.", hint=limits.hint("nodes")
        )


def check_depth(file: str, values: list[Any], limits: Limits) -> None:
    """SourceError for values that are nested deeper than is allowed."""
    level = [value for value in values if isinstance(value, (dict, list))]
    for _ in range(limits.depth):
        if not level:
            return
        level = [
            value
            for outer in level
            for value in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(value, (dict, list))
        ]
    if level:
        raise too_deep(file)


def parse(file: str, raw: Any, decode: Callable[[str], Any] = _decode) -> Any:
    """A whole value: dict, list, str, NumberText, bool or None. SourceError with line and column for what is not."""
    text = bytes(raw)
    try:
        return decode(text.decode("utf-8"))
    except RecursionError as error:
        raise too_deep(file) from error
    except UnicodeDecodeError as error:
        raise _not_utf8(file, text, error) from error
    except json.JSONDecodeError as error:
        raise _no_json(file, error) from error


def too_deep(file: str) -> SourceError:
    return SourceError(
        f"{file} was not read: its values are nested deeper than any list needs.", hint=Limits.hint("depth")
    )


def _explained(file: str, data: bytes, offset: int) -> SourceError:
    """The standard library says line, column and what it expected, of what msgspec did not accept."""
    try:
        decoded = data[offset:].decode("utf-8")
    except UnicodeDecodeError as wrong:
        return _not_utf8(file, data, wrong, offset=offset)
    lead = data[:offset].decode("utf-8", "replace")
    try:
        json.JSONDecoder(parse_constant=_no_constant).raw_decode(decoded)
    except RecursionError:
        return too_deep(file)
    except json.JSONDecodeError as wrong:
        return _no_json(file, json.JSONDecodeError(wrong.msg, lead + decoded, len(lead) + wrong.pos))
    except ValueError as constant:
        words = (token for token in _TOKEN.finditer(data, offset) if token[0] == str(constant).encode())
        line = next((data.count(b"\n", 0, token.start()) + 1 for token in words), _line(lead))
        return SourceError(
            f"{file} is not valid JSON: {constant} in line {line} is not a JSON value.",
            hint="Write null where nothing is known; most programs that write such files can be told to.",
        )
    return SourceError(f"{file} is not valid JSON, in line {_line(lead)} or later.")


def _no_constant(word: str) -> None:
    """JSON has no NaN and no Infinity."""
    raise ValueError(word)


def _line(lead: str) -> int:
    return lead.count("\n") + 1


def _no_json(file: str, error: json.JSONDecodeError) -> SourceError:
    message = error.msg[:1].lower() + error.msg[1:].rstrip(".")
    at = f"line {error.lineno}, column {error.colno}"
    if error.pos >= len(error.doc.rstrip()):
        return SourceError(f"{file} is not valid JSON: it ends too early, at {at} ({message}).")
    return SourceError(f"{file} is not valid JSON: {message} at {at}.")


def _not_utf8(file: str, data: bytes, error: UnicodeDecodeError, what: str = "JSON", offset: int = 0) -> SourceError:
    at = offset + error.start
    line = data.count(b"\n", 0, at) + 1
    return SourceError(
        f"{file} is not valid {what}: it is not UTF-8 in line {line} (byte 0x{data[at]:02x}).",
        hint="Save it again as UTF-8 with the program that wrote it.",
    )


def json_text(value: Any) -> str:
    """A parsed value as JSON text, numbers as they stood."""
    kind = type(value)
    if kind is str:
        return _quote(value)
    if isinstance(value, dict):
        return "{" + ", ".join([f"{_quote(key)}: {json_text(item)}" for key, item in value.items()]) + "}"
    if kind is list:
        if set(map(type, value)) == _TEXT:
            text = '", "'.join(value)
            if text.isprintable() and "\\" not in text and text.count('"') == 2 * len(value) - 2:
                return f'["{text}"]'
        return "[" + ", ".join([_quote(item) if type(item) is str else json_text(item) for item in value]) + "]"
    return _WORDS.get(value) or str(value)
