"""Names the licence of each package that the program needs, and fails on one that nobody has agreed to.

`python -m tools.licences` reads the names in requirements.lock and what is installed of them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

LOCK: Final = Path(__file__).parents[1] / "requirements.lock"
PERMISSIVE: Final = re.compile(
    r"MIT|BSD|0BSD|Apache|PSF|Python Software Foundation|ISC|Zlib|CC0|Unlicense", re.IGNORECASE
)
AGREED: Final = {
    "pycountry": "LGPL-2.1: used as it is, from outside",
    "pathspec": "MPL-2.0: of the build alone",
    "shtab": "MPL-2.0: used as it is, from outside",
}
"""Others that may be used, and why."""


def needed() -> Iterator[str]:
    """The names that the lock pins for this system."""
    for line in LOCK.read_text("utf-8").splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)==", line):
            yield found[1]


def licence(package: Distribution) -> str:
    """What a package says its licence is, in one line."""
    metadata = package.metadata
    classifiers = [one.rpartition(":: ")[2] for one in metadata.get_all("Classifier", []) if one.startswith("License")]
    for said in (metadata["License-Expression"], "; ".join(classifiers), metadata["License"]):
        if said:
            return " ".join(str(said).split())[:80]
    return "none said"


def refused(name: str, said: str) -> bool:
    """Whether any part of a licence is neither permissive nor agreed to."""
    parts = re.split(r"\bAND\b|;", said)
    return name not in AGREED and not all(PERMISSIVE.search(part) for part in parts)


def main() -> int:
    """Print one line a package; 1 where a licence is refused."""
    wrong = 0
    for name in needed():
        try:
            said = licence(distribution(name))
        except PackageNotFoundError:
            print(f"{name:24} not installed here")
            continue
        bad = refused(name, said)
        wrong += bad
        print(
            f"{name:24} {said}{f'   ({AGREED[name]})' if name in AGREED else ''}{'   <-- not agreed to' if bad else ''}"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
