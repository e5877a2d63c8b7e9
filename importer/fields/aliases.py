"""Cells that hold several labels: where they are cut."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache

from importer.fields.names import clean

SEPARATORS = (",", ";", "\n", "|", " / ")
"""What labels are cut at unless told: a slash only with blanks around it, `Sapphire Mushroom/Blue Mushroom` is one."""

_ALIKE = {",": "\uff0c\u3001", ";": "\uff1b", "|": "\uff5c\u00a6", "\n": "\r\x0b\x0c\x85\u2028\u2029"}
_PAIRS = {"(": ")", "[": "]", "{": "}", "\uff08": "\uff09", "\u3010": "\u3011", "\u201c": "\u201d", "\u00ab": "\u00bb",
          "\u300c": "\u300d", "\u300e": "\u300f", "\u300a": "\u300b", "\uff3b": "\uff3d"}  # fmt: skip
_QUOTES = {'"': '"', "\u201c": "\u201d", "\u00ab": "\u00bb"}
# Marks of the entries of a list: no name begins with one.
_BULLET = re.compile("^[\u2022\u2023\u25aa\u25ab\u25cf\u25cb\u25e6\u2043\u2219]\\s*")
# What follows a comma without being a label of its own: the official forms of country names, and legal forms.
_TAIL = re.compile(
    r"""(?:the\s+)?(?:(?:islamic|democratic|people'?s|people\u2019s|socialist|federal|federated|united|arab|bolivarian|
    plurinational|province|republic|states?|kingdom|sultanate|federation)\s+)*
    (?:republic|states?|kingdom|province|federation)\s+of(?:\s+(?:the|china))?|the
    |(?:inc|ltd|llc|corp|co|plc|gmbh|ag|s\.?a|s\.?r\.?l|pty|b\.?v|o\.?o\.?o)\.?(?:\s+ltd\.?)?|jr\.?|sr\.?""",
    re.IGNORECASE | re.VERBOSE,
)


def split_labels(text: str, separators: Sequence[str] = SEPARATORS) -> list[str]:
    """The labels in `text`, trimmed, blanks left out.

    A separator inside brackets or quotes does not cut (`[Vault 7/8]`), nor a comma before the rest of an official
    country name (`Iran, Islamic Republic Of`) or a legal form. A separator with blanks around it (` / `) cuts only
    with blanks around it. Text that is a JSON list of strings is that list, uncut.
    """
    if (listed := _json_list(text)) is not None:
        return [label for label in map(clean, listed) if label]
    if not any(separator.strip(" ") in text for separator in separators) and text.isascii():
        label = _unquoted(clean(text))
        return [label] if label else []
    pattern = _cutter(tuple(separators))
    covered = _covered(text)
    pieces: list[str] = []
    joints: list[str] = []
    start = 0
    for found in pattern.finditer(text):
        if not covered or not covered[found.start()]:
            pieces.append(text[start : found.start()])
            joints.append(found.group())
            start = found.end()
    pieces.append(text[start:])
    labels = (_unquoted(_BULLET.sub("", clean(piece), 1)) for piece in _rejoined(pieces, joints))
    return [label for label in labels if label]


@lru_cache(maxsize=256)
def _cutter(separators: tuple[str, ...]) -> re.Pattern[str]:
    parts = []
    for separator in sorted(separators, key=len, reverse=True):
        bare = separator.strip(" ")
        if not bare:
            parts.append(r"\s+" if separator else r"(?!)")
            continue
        body = f"[{re.escape(bare + _ALIKE[bare])}]" if bare in _ALIKE else re.escape(bare)
        before = r"(?<=\s)" if separator[0] == " " else ""
        after = r"(?=\s)" if separator[-1] == " " else ""
        parts.append(before + body + after)
    return re.compile("|".join(parts) or r"(?!)")


def _covered(text: str) -> bytearray | None:
    """For each character whether it stands in a closed pair of brackets or quotes; None where nothing does."""
    covered: bytearray | None = None
    stack: list[tuple[str, int]] = []
    quote = -1
    for at, character in enumerate(text):
        if character == '"':
            opens = at == 0 or not text[at - 1].isalnum()
            if quote >= 0:
                covered = covered or bytearray(len(text))
                covered[quote:at] = b"\x01" * (at - quote)
                quote = -1
            elif opens:
                quote = at
        elif character in _PAIRS:
            stack.append((_PAIRS[character], at))
        elif stack and any(character == closing for closing, _ in stack[-8:]):
            while stack:
                closing, start = stack.pop()
                if closing == character:
                    covered = covered or bytearray(len(text))
                    covered[start:at] = b"\x01" * (at - start)
                    break
    return covered


def _rejoined(pieces: list[str], joints: list[str]) -> list[str]:
    joined = [pieces[0]]
    for joint, piece in zip(joints, pieces[1:], strict=True):
        if joint in ",\uff0c" and _TAIL.fullmatch(piece.strip()) and joined[-1].strip():
            joined[-1] += joint + piece
        else:
            joined.append(piece)
    return joined


def _unquoted(label: str) -> str:
    """Without the quotes that stand around a whole label."""
    if len(label) > 2 and _QUOTES.get(label[0]) == label[-1]:
        inside = label[1:-1]
        if label[0] not in inside and label[-1] not in inside:
            return clean(inside)
    return label


def _json_list(text: str) -> list[str] | None:
    bare = text.strip()
    if not (bare.startswith('["') and bare.endswith('"]')):
        return None
    try:
        data = json.loads(bare)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, list) and all(isinstance(label, str) for label in data) else None
