"""Which collisions of names and aliases are looked for, and how bad each is."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from importer.errors import UsageError
from importer.model import Severity

OFF = "off"


class CollisionRules(Struct, frozen=True):
    """A severity for each kind; None does not look. `error` makes the row a conflict, the others let it go on."""

    alias_is_name: Severity | None = Severity.WARNING
    """An alias is the name of another row."""
    alias_shared: Severity | None = Severity.WARNING
    """One alias stands on two or more rows."""
    alias_in_account: Severity | None = Severity.WARNING
    """An alias is the name or an alias of another tag of the account, or a name is an alias there."""
    similar_name: Severity | None = Severity.WARNING
    """Two names differ only in punctuation."""

    @classmethod
    def from_words(cls, words: Mapping[str, str]) -> CollisionRules:
        """Rules from `{"alias-shared": "error", ...}`; words are error, warning, info and off.

        Raises UsageError that names the nearest kind or the words allowed.
        """
        kinds = {name.replace("_", "-"): name for name in cls.__struct_fields__}
        chosen: dict[str, Severity | None] = {}
        for kind, word in words.items():
            if kind not in kinds:
                from rapidfuzz import process

                close = process.extractOne(kind, list(kinds), score_cutoff=60)
                raise UsageError(
                    f"unknown kind of collision {kind!r}",
                    hint=f"did you mean {close[0]!r}?" if close else f"one of {', '.join(kinds)}",
                )
            if word != OFF and word not in list(Severity):
                raise UsageError(f"{kind}: {word!r} is no severity", hint="one of error, warning, info, off")
            chosen[kinds[kind]] = None if word == OFF else Severity(word)
        return cls(**chosen)
