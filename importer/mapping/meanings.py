"""What a person has decided that a text means, for the readers of cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from importer.fields.names import identity_key


class Meaning(Struct, frozen=True):
    """One decision about a text of a field."""

    field: str
    """Wire name, or `properties.<key>`; of a part, `confidence` or `tlp`, its name."""
    value: str
    means: str
    source: str = ""
    """The file that it is about, with or without its folder; empty for any."""
    spot: str = ""
    """Where it was decided, `decisions.yaml:12:5`."""


Meanings = Mapping[str, Meaning]
"""Those of one field and one file, by the key of the text."""


def is_source(name: str, file: str) -> bool:
    """Whether a source that is named with or without its folder is this file."""
    return name == file or file_name(name).casefold() == file_name(file).casefold()


def file_name(path: str) -> str:
    """A file without its folder, whichever system wrote the path: decisions are shared."""
    return path.replace("\\", "/").rpartition("/")[2]


def meanings_of(decided: Iterable[Meaning], field: str, file: str) -> Meanings:
    """What counts for a field of a file: one of this source stands above one of any."""
    found = [one for one in decided if one.field == field and (not one.source or is_source(one.source, file))]
    return {identity_key(one.value): one for one in sorted(found, key=lambda one: bool(one.source))}
