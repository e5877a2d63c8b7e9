"""Pairs of actors that may be one: a sentence that sums them up, the first of them as lines, all of them as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import to_builtins

from importer.model import Issue, Json, Pair, Severity, Side
from importer.planning.collisions import PAIR_CODES, speaks_for
from importer.reports.screen import Line
from importer.reports.text import count, shortened, visible

SHOWN: Final = 5
"""Pairs that are shown before the rest is only counted."""


def others(issues: Iterable[Issue]) -> list[Issue]:
    """The issues that are shown one by one: none that a person has accepted, and of those that pairs tell of only
    what stops a row."""
    return [
        issue
        for issue in issues
        if not issue.accepted and (issue.severity is Severity.ERROR or issue.code not in PAIR_CODES)
    ]


def pairs_sentence(pairs: Sequence[Pair]) -> str:
    """`581 pairs of actors may be one actor each: 254 share three names or more, ...`; empty without pairs."""
    asked = [pair for pair in pairs if pair.open]
    rest = [pair for pair in pairs if not pair.open]
    names = Counter(min(len(pair.shared), 3) for pair in asked)
    kinds = ((3, "three names or more"), (2, "two names"), (1, "one name"), (0, "nearly the same name"))
    found = [f"{names[number]:,} with {what}" for number, what in kinds if names[number]]
    said = f"{count(len(asked), 'pair')} of actors may be one actor each: {', '.join(found)}" if asked else ""
    settled = Counter(
        "decided" if pair.decision else "stated by a source or the evidence" if pair.stated else "of one name"
        for pair in rest
    )
    told = ", ".join(f"{number:,} {what}" for what, number in settled.most_common())
    more = f"{count(len(rest), 'pair')} that need{'s' * (len(rest) == 1)} nobody: {told}" if rest else ""
    return "; ".join(filter(None, (said, more)))


def pair_lines(pairs: Sequence[Pair], *, shown: int = SHOWN) -> Iterator[Line]:
    """The sentence, and of the pairs that a person has to decide the first ones."""
    if not pairs:
        return
    yield (("Pairs", "head"), f"    {pairs_sentence(pairs)}")
    asked = [pair for pair in pairs if pair.open]
    for pair in asked[:shown]:
        yield ((f"  {_side(pair.one)} | {_side(pair.other)}", "warn"),)
        yield (f"      {visible(shortened(speaks_for(pair), 240))}",)
    if len(asked) > shown:
        yield (f"  ... and {len(asked) - shown:,} more; all of them: --format json",)
    if asked:
        yield (
            "  Decide once: tag-importer review, with these sources or the run, and then --decisions decisions.yaml",
        )


def _side(side: Side) -> str:
    return visible(shortened(side.seen_from(""), 120))


def pairs_json(pairs: Sequence[Pair]) -> dict[str, Json]:
    """All of them, with counts."""
    return {
        "total": len(pairs),
        "open": sum(pair.open for pair in pairs),
        "summary": pairs_sentence(pairs),
        "pairs": [_json(pair) for pair in pairs],
    }


def _json(pair: Pair) -> dict[str, Json]:
    found: dict[str, Json] = to_builtins(pair)
    for key, side in (("one", pair.one), ("other", pair.other)):
        found[key] = {"name": side.name, "source": side.source, "sheet": side.place.sheet, "row": side.place.row,
                      "cell": side.place.cell, "id": side.id, "country": side.country}  # fmt: skip
    return {**found, "open": pair.open, "speaks_for_it": speaks_for(pair)}
