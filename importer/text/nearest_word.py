"""The allowed word that a mistyped one is closest to."""

from __future__ import annotations

from collections.abc import Sequence

from importer.masking import guarded


def nearest(word: str, allowed: Sequence[str]) -> str:
    """The allowed word closest to `word`, empty where none is close."""
    if not allowed:
        return ""
    from rapidfuzz import process
    from rapidfuzz.distance import JaroWinkler

    folded: dict[str, str] = {}
    for candidate in allowed:
        folded.setdefault(candidate.casefold(), candidate)
    found = process.extractOne(
        word.casefold()[:200], list(folded), scorer=JaroWinkler.normalized_similarity, score_cutoff=0.8
    )
    return folded[found[0]] if found else ""


def unknown(what: str, word: str, allowed: Sequence[str]) -> str:
    """`unknown key 'soruces'; did you mean 'sources'?`, or all that is allowed where nothing is near."""
    near = nearest(word, allowed)
    hint = f"did you mean '{near}'?" if near else f"allowed: {', '.join(allowed)}"
    return f"unknown {what} '{guarded(word)}'; {hint}"
