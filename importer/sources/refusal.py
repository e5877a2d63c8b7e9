"""The sentences with which a file is refused."""

from __future__ import annotations

from importer.errors import SourceError

HINT = "Lists are read from CSV, workbooks (xlsx, xlsm, xlsb, xls, ods), STIX 2, MISP galaxies, JSON and YAML."


class NotAList(SourceError):
    """The file can be read, but is no list of actors; one found in a folder is passed over."""


def not_a_list(file: str, looks: str, hint: str = HINT) -> NotAList:
    """`looks` completes "it looks like ..."."""
    return NotAList(f"{file} is no list of actors: it looks like {looks}.", hint=hint)


def unreadable(file: str, error: OSError) -> SourceError:
    """What the system says of a file that is there but cannot be read."""
    reason = (error.strerror or str(error)).lower()
    return SourceError(f"{file} cannot be read: {reason}.")
