"""One review: what is asked of a person, what was answered, and the decisions file that keeps it.

The terminal and the page ask in different ways; what they ask, and what is written, is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final, Literal, cast, get_args

from importer.atomic import atomic_text
from importer.errors import UsageError, os_errors
from importer.fields.table import field_named
from importer.model import ACCOUNT, Issue, Pair
from importer.planning.decisions import (
    AskedValue,
    Decision,
    PairDecision,
    ValueDecision,
    Verdict,
    decision_of,
    left_as_it_is,
    parse,
    undecided,
    undecided_values,
    value_decision_of,
    with_decisions,
)
from importer.system import open_regular

Reply = Verdict | Literal["means", "leave"]
"""What two actors are; that a text means something; that it is left as it is."""
_VERDICTS: Final = get_args(Verdict)


def words_of(asked: AskedValue) -> Sequence[str]:
    """The words that a field takes, where these are listed; none for countries, dates and numbers."""
    field = field_named(asked.field)
    listed = field.vocabulary if field is not None else asked.issue.code == "property-value"
    return asked.issue.allowed if listed else ()


class FileChanged(UsageError):
    """Somebody else has written the decisions file; it was read again, and what was asked for was not done."""


class NotAnAnswer(UsageError):
    """The reply does not fit what was asked, or the field cannot take that meaning."""


class Review:
    """What nobody has decided, pairs before values, by number; and the decisions that were made about it."""

    def __init__(
        self, path: Path, pairs: Sequence[Pair], issues: Sequence[Issue] = (), *, stated: bool = False, by: str = "",
        on: str = "", lock: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:  # fmt: skip
        """Reads the file, where there is one. UsageError for one that is wrong.

        `lock` keeps other reviews of the file away while this one looks whether it is as it was, and writes it.
        """
        self.path, self._pairs, self._issues, self._stated, self._by, self._on = path, pairs, issues, stated, by, on
        self._lock = lock
        self.edition = 0
        """Which reading of the file the numbers belong to."""
        self._read()

    def _read(self) -> None:
        data = self._on_disk()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UsageError(f"{self.path} is not UTF-8 text") from None
        self._line_end = "\r\n" if "\r\n" in text else "\n"
        text = text.replace("\r\n", "\n")
        held = parse(text, str(self.path))
        pairs = undecided(self._pairs, held, stated=self._stated)
        self.asked: Sequence[Pair | AskedValue] = [*pairs, *undecided_values(self._issues, held)]
        self.decided: Mapping[int, Decision] = {}
        self._written, self._text = data, text
        self.edition += 1

    def decide(self, number: int, reply: Reply, *, keep: int = 0, means: str = "") -> None:
        """Write down a reply. Of `same`, `keep` is the one (0 or 1) whose name counts.

        NotAnAnswer for one that cannot be taken; see `_write`.
        """
        asked = self.asked[number]
        if isinstance(asked, Pair) != (reply in _VERDICTS):
            raise NotAnAnswer(f"{reply!r} does not answer that")
        decision = self._of_pair(asked, cast("Verdict", reply), keep) if isinstance(asked, Pair) else (
            self._meaning(asked, means.strip()) if reply == "means" else left_as_it_is(asked, by=self._by, on=self._on)
        )  # fmt: skip
        self._write({**self.decided, number: decision})

    def _of_pair(self, pair: Pair, are: Verdict, keep: int) -> PairDecision:
        # Left out where it is the name that counts anyway: chains of decisions would keep several names of one actor.
        usual = 1 if pair.other.source == ACCOUNT else 0
        name = (pair.one, pair.other)[keep].name if are == "same" and keep != usual else ""
        return decision_of(pair, are, keep=name, by=self._by, on=self._on)

    def _meaning(self, asked: AskedValue, means: str) -> ValueDecision:
        allowed = words_of(asked)
        word = next((word for word in allowed if word.casefold() == means.casefold()), "" if allowed else means)
        if not word:
            raise NotAnAnswer(f"{means!r} is not one of the words that {asked.field} takes: {', '.join(allowed)}"
                             if means else "say what it means")  # fmt: skip
        decision = value_decision_of(asked, word, by=self._by, on=self._on)
        for _, problem in decision.problems():
            raise NotAnAnswer(problem)
        return decision

    def undo(self, number: int) -> None:
        """Take back what was decided in this review. See `_write`."""
        if number in self.decided:
            self._write({at: decision for at, decision in self.decided.items() if at != number})

    def _write(self, decided: Mapping[int, Decision]) -> None:
        """FileChanged where the file is not as it was left, UsageError where it cannot be written."""
        with self._lock():
            if self._on_disk() != self._written:
                self._read()
                raise FileChanged(
                    f"{self.path} was changed by somebody else, and was read again: decide this once more"
                )
            made = [decided[number] for number in sorted(decided)]
            text = with_decisions(self._text, made, str(self.path)).replace("\n", self._line_end)
            with os_errors(f"{self.path} cannot be written"):
                path = self.path.resolve()  # what a link points to is written, and the link stays
                with atomic_text(path, path.stat().st_mode & 0o777 if path.exists() else 0o644) as file:
                    file.write(text)
        self._written, self.decided = text.encode(), decided

    def _on_disk(self) -> bytes:
        try:
            with open_regular(self.path) as file:
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise UsageError(f"{self.path} cannot be read: {error.strerror}", then="{again}") from error
