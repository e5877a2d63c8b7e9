"""Makes text from strangers safe to show: nothing in it can move the cursor, recolour or reverse the line."""

from __future__ import annotations

import re
from typing import Final

# Controls (ANSI escapes begin with one), line and paragraph separators, bidi marks, embeddings, overrides and
# isolates, soft hyphens, invisible spaces, tag characters and lone surrogates. ZWNJ and ZWJ stay: Persian and Indic
# names need them.
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """`text` with every character that would not show, or would change how the rest shows, written as an escape.

    One line comes out, whatever goes in: a line break is shown as \\n.
    """
    return _HIDDEN.sub(_escape, text)


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters of `text`; an ellipsis and the number of characters say that it was cut."""
    if len(text) <= limit:
        return text
    return f"{text[: max(1, limit)]}… ({len(text):,} characters)"


def quoted(text: str, limit: int = 80) -> str:
    """A value for a sentence: in quotes, on one line, made visible, cut to `limit` characters."""
    return f'"{visible(shortened(text, limit))}"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
