"""Which collisions of names and aliases are looked for, and how bad each is."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from importer.model import Severity
from importer.text.nearest_word import unknown

_WORDS: Final = (*(severity.value for severity in Severity), "off")


def severity(word: Any) -> Severity | None:
    """A severity, or None for `off` (an editor may have made it `false`). Raises ValueError for anything else."""
    text = "off" if word is False else str(word)
    if text not in _WORDS:
        raise ValueError(unknown("severity", text, _WORDS))
    return None if text == "off" else Severity(text)


def _about(meaning: str) -> Meta:
    return Meta(description=meaning, extra={"read": severity}, extra_json_schema={"enum": [*_WORDS, False]})


class CollisionRules(Struct, frozen=True, rename="kebab"):
    """How bad each kind of collision of names is: `error` makes the row a conflict, `off` does not look."""

    alias_is_name: Annotated[Severity | None, _about("An alias is the name of another row.")] = Severity.WARNING
    alias_shared: Annotated[Severity | None, _about("Two or more rows have the same alias.")] = Severity.WARNING
    alias_in_account: Annotated[
        Severity | None,
        _about("An alias is the name or an alias of another tag of the account, or a name is an alias there."),
    ] = Severity.WARNING
    similar_name: Annotated[Severity | None, _about("Two names differ only in punctuation.")] = Severity.WARNING
