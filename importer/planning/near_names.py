"""Names that are nearly the same: `BERSERK BEAR` and `BERSERKBEAR`, `Moss Egret` and `Moss Egrett`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final, TypeVar

N = TypeVar("N")
MOST: Final = 20_000
"""Of more names than these only those with equal keys are found: comparing all would take longer than the rest."""
_FAMILY: Final = 3
"""A name that is near to more than these is of a family, `Jackal A`, `Jackal B`..., and no slip."""
_LETTERS: Final = 8
"""Shorter names may differ by a letter and mean something else: Lead and Lear."""


def near_names(names: Sequence[tuple[str, N]], crowd: int, alone: int = 0) -> Iterator[tuple[N, N]]:
    """Pairs whose loose keys are equal, or differ by one letter: typed, left out, doubled or swapped.

    Digits count: `APT28` and `APT29` are two actors; so does a letter that many names have in common but for it.
    Of one loose key at most `crowd` are compared. `alone` is how many more names there are, all of other loose keys.
    """
    groups: dict[str, list[N]] = {}
    for loose, node in names:
        if loose:
            groups.setdefault(loose, []).append(node)
    for nodes in groups.values():
        if len(nodes) > 1:
            yield from combinations(nodes[:crowd], 2)
    if len(groups) + alone > MOST:
        return
    # One slip leaves one half of a name as it is: only names with a half in common are compared.
    halves: dict[tuple[str, ...], list[str]] = {}
    for loose in groups:
        if len(loose) >= _LETTERS:
            for cut in {len(loose) // 2, (len(loose) - 1) // 2, (len(loose) + 1) // 2}:
                halves.setdefault(("<", loose[:cut]), []).append(loose)
                halves.setdefault((">", loose[cut:]), []).append(loose)
    slips: dict[tuple[str, str], None] = {}
    for alike in halves.values():
        if 1 < len(alike) <= 4 * crowd:
            for one, other in combinations(alike, 2):
                if one != other and (other, one) not in slips and _one_slip(one, other):
                    slips[one, other] = None
    near = Counter(name for pair in slips for name in pair)
    for one, other in slips:
        if max(near[one], near[other]) <= _FAMILY:
            yield groups[one][0], groups[other][0]


def _one_slip(one: str, other: str) -> bool:
    """Whether one letter, not a digit, tells two texts apart, or two neighbours are swapped."""
    if abs(len(one) - len(other)) > 1:
        return False
    if len(one) > len(other):
        one, other = other, one
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[start:] == other[start + 1 :] and other[start].isalpha()
    if one[start + 1 :] == other[start + 1 :]:
        return one[start].isalpha() and other[start].isalpha()
    swapped = one[start : start + 2] == other[start : start + 2][::-1] and one[start + 2 :] == other[start + 2 :]
    return swapped and one[start : start + 2].isalpha()
