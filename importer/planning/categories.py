"""Which category is meant, by name or UUID."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from importer.errors import UsageError
from importer.model import Category

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


def find_category(wanted: str, categories: Iterable[Category]) -> Category | None:
    """The category with this UUID or name; None where there is none.

    An exact name goes before one that differs in case or blanks. Raises UsageError where several fit equally.
    """
    held = list(categories)
    for fits in (
        [item for item in held if item.uuid.lower() == wanted.strip().lower()],
        [item for item in held if item.name == wanted],
        [item for item in held if _folded(item.name) == _folded(wanted)],
    ):
        if len(fits) > 1:
            raise UsageError(
                f"{len(fits)} categories are called {wanted!r}",
                hint="name one by its UUID: " + ", ".join(item.uuid for item in fits),
            )
        if fits:
            return fits[0]
    return None


def resolve_category(wanted: str, categories: Iterable[Category], *, create: bool = False) -> Category | None:
    """The category meant by `--category`; None where it is absent and `create` allows the run to make it.

    Raises UsageError with the nearest name (a UUID that is unknown is never created).
    """
    held = list(categories)
    found = find_category(wanted, held)
    if found is not None:
        return found
    if not wanted.strip():
        raise UsageError("the category's name is blank")
    if _UUID.fullmatch(wanted.strip()):
        raise UsageError(f"the account has no category with UUID {wanted}", hint=_listing(held))
    if create:
        return None
    from rapidfuzz import process

    close = process.extractOne(wanted, [item.name for item in held], processor=_folded, score_cutoff=60)
    hint = f"did you mean {close[0]!r}? " if close else f"{_listing(held)}; "
    raise UsageError(
        f"the account has no category {wanted!r}",
        hint=hint + "--create-category makes it",
        then="tag-importer categories list{place}",
    )


def _listing(held: list[Category]) -> str:
    if not held:
        return "the account has no categories"
    names = ", ".join(sorted(item.name for item in held)[:10])
    more = f" and {len(held) - 10} more" if len(held) > 10 else ""
    return f"the account has {names}{more}"


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
