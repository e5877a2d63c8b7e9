"""`explain`: what a code means, an example of it, and how to settle it. The texts are those of config/codes.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import msgspec

from importer.errors import UsageError
from importer.fields.codes import Explained, shipped_codes
from importer.fields.vocabulary import NAMES, load_vocabulary
from importer.remote.failures import FAILURES
from importer.reports.formats import Listing
from importer.reports.screen import Line


@cache
def codes() -> Mapping[str, Explained]:
    """Every code that the program says of a row, a file or a call; those of calls mean what the failure says."""
    found = dict(shipped_codes())
    for failure in FAILURES:
        sentence = f"{failure.sentence[0].upper()}{failure.sentence[1:]}."
        found[failure.code] = msgspec.structs.replace(found[failure.code], means=sentence)
    return found


def explain(code: str) -> Listing:
    """What is said of a code. UsageError with those that are near for one that there is not."""
    wanted = code.strip().casefold().replace("_", "-").replace(" ", "-")
    explained = codes().get(wanted)
    if explained is None:
        from rapidfuzz import process

        found = process.extract(wanted, list(codes()), limit=3, score_cutoff=75)
        near = [word for word, score, _ in found if score > found[0][1] - 5]
        hint = f"did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(
            f"there is no code {code!r}",
            hint=hint,
            meant=(code, near[0]) if near else None,
            then="" if near else "tag-importer explain",
        )
    called = next((one for one in FAILURES if one.code == wanted), None)
    said = {"means": explained.means, "example": explained.example, "settle": explained.settle}
    if called is not None:
        said |= {"when": ", ".join(called.matches), "again": called.retried, "shown": called.shown}
    name = next((name for name in NAMES if wanted in (f"unknown-{name}", f"unclear-{name}")), "")
    if name:
        said["allowed"] = ", ".join(load_vocabulary(name).allowed)
    titles = {"means": "means", "example": "example", "settle": "to settle it", "when": "when", "allowed": "allowed",
              "again": "tried again", "shown": "shown as"}  # fmt: skip
    lines: list[Line] = [((wanted, "head"),), *((f"  {titles[key]:<13}", text) for key, text in said.items())]
    return Listing(lines, {"code": wanted, **said})


def all_codes() -> Listing:
    """Every code with its meaning."""
    width = max(map(len, codes()))
    said = {code: explained.means for code, explained in sorted(codes().items())}
    return Listing([(f"{code:<{width}}  {means}",) for code, means in said.items()], said)
