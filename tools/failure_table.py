"""The table of failures in docs/failures.md: what each means, whether it is tried again, and how it is shown."""

from __future__ import annotations

import re

from importer.remote.failures import FAILURES

_HEAD = ("failure", "means", "when", "tried again?", "counted against", "shown as")
_BLOCK = re.compile(rf"^{re.escape('| ' + ' | '.join(_HEAD) + ' |')}\n(?:\|.*\n)*", re.MULTILINE)


def as_markdown() -> str:
    """The table."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    lines += [
        f"| `{line.code}`: {line.sentence} | {line.meaning.value} | {', '.join(line.matches)} "
        f"| {line.retried} | {line.counted} | {line.shown} |"
        for line in FAILURES
    ]
    return "\n".join(lines) + "\n"


def filled(text: str) -> str:
    """A document with its table as it is now."""
    return _BLOCK.sub(lambda _: as_markdown(), text)
