"""One review: what is asked of a person, what was answered, and the decisions file that keeps it.

The terminal and the page ask in different ways; what they ask, and what is written, is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from importer.atomic import atomic_text
from importer.errors import UsageError
from importer.model import ACCOUNT, Pair
from importer.planning.decisions import PairDecision, Verdict, decision_of, parse, undecided, with_pairs
from importer.system import open_regular


class FileChanged(UsageError):
    """Somebody else has written the decisions file; it was read again, and what was asked for was not done."""


class Review:
    """The pairs that nobody has decided, by number, and the decisions that were made about them."""

    def __init__(self, path: Path, pairs: Sequence[Pair], *, stated: bool = False, by: str = "", on: str = "") -> None:
        """Reads the file, where there is one. UsageError for one that is wrong."""
        self.path, self._pairs, self._stated, self._by, self._on = path, pairs, stated, by, on
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
        self.asked = undecided(self._pairs, parse(text, str(self.path)), stated=self._stated)
        self.decided: Mapping[int, PairDecision] = {}
        self._written, self._text = data, text
        self.edition += 1

    def decide(self, number: int, are: Verdict, keep: int = 0) -> None:
        """Write what two actors are; of `same`, `keep` is the one (0 or 1) whose name counts. See `_write`."""
        pair = self.asked[number]
        sides = (pair.one, pair.other)
        # Left out where it is the name that counts anyway: chains of decisions would keep several names of one actor.
        usual = 1 if pair.other.source == ACCOUNT else 0
        name = sides[keep].name if are == "same" and keep != usual else ""
        self._write({**self.decided, number: decision_of(pair, are, keep=name, by=self._by, on=self._on)})

    def undo(self, number: int) -> None:
        """Take back what was decided in this review. See `_write`."""
        if number in self.decided:
            self._write({at: decision for at, decision in self.decided.items() if at != number})

    def _write(self, decided: Mapping[int, PairDecision]) -> None:
        """FileChanged where the file is not as it was left, UsageError where it cannot be written."""
        if self._on_disk() != self._written:
            self._read()
            raise FileChanged(f"{self.path} was changed by somebody else, and was read again: decide this once more")
        text = with_pairs(self._text, [decided[number] for number in sorted(decided)], str(self.path))
        text = text.replace("\n", self._line_end)
        try:
            path = self.path.resolve()  # what a link points to is written, and the link stays
            with atomic_text(path, path.stat().st_mode & 0o777 if path.exists() else 0o644) as file:
                file.write(text)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from error
        self._written, self.decided = text.encode(), decided

    def _on_disk(self) -> bytes:
        try:
            with open_regular(self.path) as file:
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise UsageError(f"{self.path} cannot be read: {error.strerror}") from error
