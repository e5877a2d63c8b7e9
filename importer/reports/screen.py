"""Lines with styles: plain text on a pipe, rich on a terminal. One source for both, so that they never differ.

On a pipe nothing is coloured, cut or wrapped: what a test or `grep` sees is the same everywhere. On a terminal lines
wrap at its width; NO_COLOR and TERM=dumb are respected, FORCE_COLOR and COLUMNS too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TextIO

from msgspec import Struct

from importer.masking import NO_MASK, Mask
from importer.reports.text import visible

if TYPE_CHECKING:
    from rich.console import Console

Line = tuple[str | tuple[str, str], ...]
"""Pieces of one line: text, or (text, style). Styles: good, bad, warn, dim, head."""

_STYLES: Final = MappingProxyType(
    {"good": "green", "bad": "bold red", "warn": "yellow", "dim": "dim", "head": "bold", "": ""}
)


def plain(lines: Iterable[Line]) -> str:
    """The lines as text, each ended by a line break. Nothing in a piece can end or change a line: see `visible`."""
    return "".join(
        visible("".join(piece if isinstance(piece, str) else piece[0] for piece in line)) + "\n" for line in lines
    )


class Screen(Struct, frozen=True):
    """Where lines are shown."""

    stream: TextIO
    terminal: bool = False
    colour: bool = False
    width: int = 0
    """Columns of the terminal; 0 to ask it."""
    mask: Mask = NO_MASK
    """For what is wrapped: broken in two, a secret would no longer be found by the stream."""

    @classmethod
    def on(cls, stream: TextIO, environ: Mapping[str, str]) -> Screen:
        """A screen for `stream`: rich where it is a terminal that can do it, plain otherwise."""
        terminal = stream.isatty() and environ.get("TERM", "") != "dumb"
        if environ.get("FORCE_COLOR"):
            terminal = True
        columns = environ.get("COLUMNS", "")
        width = int(columns) if columns.isascii() and columns.isdigit() and len(columns) < 5 else 0
        mask = getattr(stream, "mask", None)
        return cls(stream, terminal, not environ.get("NO_COLOR"), width, NO_MASK if mask is None else mask)

    def show(self, lines: Iterable[Line]) -> None:
        """Print the lines."""
        if not self.terminal:
            self.stream.write(plain(lines))
            return
        from rich.text import Text

        console = self.console()
        for line in lines:
            text = Text()
            for piece in line:
                words, style = (piece, "") if isinstance(piece, str) else piece
                text.append(visible(self.mask.text(words)), style=_STYLES[style])
            # A line that has to be wrapped continues under its own beginning.
            indent = min(len(text.plain) - len(text.plain.lstrip(" ")), console.width // 2)
            for part in text[indent:].wrap(console, console.width - indent, overflow="fold") if text else [text]:
                part.rstrip()
                console.print(Text(" " * indent) + part, overflow="fold")

    def console(self) -> Console:
        """A rich console on the same stream, without markup or highlighting: names may hold brackets."""
        from rich.console import Console

        return Console(
            file=self.stream,
            width=self.width or None,
            no_color=not self.colour,
            force_terminal=True,
            markup=False,
            emoji=False,
            highlight=False,
        )
