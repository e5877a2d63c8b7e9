"""Regular expressions from a mapping, bounded so that no pattern and no cell can hang a run.

`re` has no time limit. So a pattern may be 500 characters long, must not repeat a repetition without end
(`(a+)+`) nor have more than three endless repetitions, and the more of those it has, the shorter the texts it
is tried on. A longer text goes on unchanged, with a warning.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from importer.mapping.transforms.found import About, Found, Note

MAX_PATTERN = 500
LONGEST = (200_000, 10_000, 800, 200)
"""Longest text, by the number of endless repetitions in the pattern."""
_MANY = 16
"""A repetition that may go on for longer than this counts as endless."""
_WAYS = 64
"""How many ways bounded repetitions may multiply each other."""
_CHOICES = 20.0
"""How many yes-or-no choices a pattern may leave open: each doubles what may have to be tried (`a?a?a?...`)."""


def problem_with(pattern: str) -> str:
    """Why a pattern is not taken, in half a sentence; empty for a good one."""
    if len(pattern) > MAX_PATTERN:
        return f"is longer than {MAX_PATTERN} characters"
    try:
        compiled = _parsed(pattern)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        return f"is not a regular expression: {error}"
    endless, nested = _measure(compiled, 1)
    if nested:
        return "repeats a repetition, which can take for ever on some texts; write it without the outer + or *"
    if endless >= len(LONGEST):
        return f"has {endless} endless repetitions; at most {len(LONGEST) - 1} are taken"
    if _choices(compiled) > _CHOICES:
        return "has too many parts that may be there or not (`?`, `{0,3}`, `|`), which can take for ever on some texts"
    return ""


def _parsed(pattern: str) -> Any:
    import re._parser as parser  # type: ignore[import-not-found]

    re.compile(pattern)
    return parser.parse(pattern)


def _measure(items: Any, inside: int) -> tuple[int, bool]:
    """How many endless repetitions a parsed pattern has, and whether one multiplies another.

    `inside` is how often what stands around these items may repeat them.
    """
    endless, nested = 0, False
    for operator, argument in items:
        name = str(operator)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, body = int(argument[0]), int(argument[1]), argument[2]
            long = most > _MANY
            nested = nested or (inside > 1 and most > 1 and least != most and inside * most > _WAYS)
            inner, bad = _measure(body, inside * most if least != most and most > 1 else inside)
            endless += long + inner
            nested = nested or bad
        elif name == "SUBPATTERN":
            inner, bad = _measure(argument[-1], inside)
            endless, nested = endless + inner, nested or bad
        elif name == "BRANCH":
            for branch in argument[1]:
                inner, bad = _measure(branch, inside)
                endless, nested = endless + inner, nested or bad
            nested = nested or inside > _MANY
        elif name in ("ASSERT", "ASSERT_NOT"):
            inner, bad = _measure(argument[1], inside)
            endless, nested = endless + inner, nested or bad
        elif name == "ATOMIC_GROUP":
            inner, bad = _measure(argument, inside)
            endless, nested = endless + inner, nested or bad
        elif name.startswith("GROUPREF"):
            endless += 1
    return endless, nested


def _choices(items: Any) -> float:
    """How many yes-or-no choices bounded repetitions and alternatives leave open, as powers of two."""
    found = 0.0
    for operator, argument in items:
        name = str(operator)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, body = int(argument[0]), int(argument[1]), argument[2]
            times = most if most <= _MANY else 1
            found += math.log2(most - least + 1) if most <= _MANY else 0.0
            found += times * _choices(body)
        elif name == "SUBPATTERN":
            found += _choices(argument[-1])
        elif name == "BRANCH":
            found += math.log2(len(argument[1])) + max(map(_choices, argument[1]))
        elif name in ("ASSERT", "ASSERT_NOT"):
            found += _choices(argument[1])
        elif name == "ATOMIC_GROUP":
            found += _choices(argument)
    return found


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> tuple[re.Pattern[str], int]:
    endless, _ = _measure(_parsed(pattern), 1)
    return re.compile(pattern), LONGEST[min(endless, len(LONGEST) - 1)]


def _too_long(text: str, longest: int) -> Found:
    message = f"is {len(text):,} characters long; the mapping's pattern is only tried on up to {longest:,}"
    return Found(text, Note(About.CHANGED, "too-long-for-pattern", message))


def extract(text: str, pattern: str) -> str | Found:
    """Keeps what the pattern's first group matches, or the whole match without one; nothing where it doesn't match."""
    compiled, longest = _compiled(pattern)
    if len(text) > longest:
        return _too_long(text, longest)
    match = compiled.search(text)
    if match is None:
        return ""
    return (match.group(1) or "") if compiled.groups else match.group(0)


def replace(text: str, pattern: str, by: str = "") -> str | Found:
    r"""Replaces each match of the pattern; `by` may hold `\1`, and is empty by default."""
    compiled, longest = _compiled(pattern)
    if len(text) > longest:
        return _too_long(text, longest)
    return compiled.sub(by, text)


def matches(text: str, pattern: str) -> bool:
    """Whether the pattern occurs in the text; never in one that is too long for it."""
    compiled, longest = _compiled(pattern)
    return len(text) <= longest and compiled.search(text) is not None


def problem_with_replacement(pattern: str, by: str) -> str:
    """Why a replacement is not taken (a group that the pattern lacks); empty for a good one."""
    import re._parser as parser

    try:
        parser.parse_template(by, re.compile(pattern))
    except (re.error, IndexError, ValueError) as error:
        return str(error)
    return ""
