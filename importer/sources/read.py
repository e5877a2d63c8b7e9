"""Reads every source of a run: locates them all, tells their kinds, and hands on files, issues and tables of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO

from importer.errors import SourceError, UsageError
from importer.masking import without_user
from importer.model import Issue, Place, Severity, SourceFile, Table
from importer.sources.locate import locate, raise_all
from importer.sources.located import Located, NotAList, Opened
from importer.sources.opening import Background, open_located
from importer.sources.options import Limits, ReadOptions
from importer.sources.readers import reader_of
from importer.sources.withdrawn import without_withdrawn

if TYPE_CHECKING:
    from importer.sources.documents import Documents

__all__ = ["Limits", "ReadOptions", "Table", "read"]


def read(
    specs: Sequence[str], options: ReadOptions, *, stdin: BinaryIO | None = None
) -> Iterator[SourceFile | Issue | Table]:
    """For every file in turn its SourceFile, its issues, and its rows in tables of one header each.

    `specs` are files, globs, folders, `-` and https URLs. Everything is located and looked at before the first item
    comes. Raises SourceError for what cannot be read or is not a list of actors; in a folder the latter is passed over
    with an issue.
    """
    from importer.sources.documents import Documents

    # pandas takes longer to import than a small list to read: it goes on while sources are located and looked at.
    Background(lambda: import_module("pandas"), "pandas", daemon=False)
    documents = Documents(options)
    items: list[Opened | Issue] = []
    problems: list[SourceError] = []
    for item in locate(specs, options, stdin):
        if isinstance(item, Issue):
            items.append(item)
            continue
        try:
            opened = open_located(item, options.limits, options.encoding)
            if not reader_of(opened.kind).read:
                documents.look(opened)
            items.append(opened)
        except NotAList as error:
            if item.listed:
                problems.append(error)
            else:
                items.append(_passed_over(item, error))
        except SourceError as error:
            problems.append(error)
    raise_all([*problems, *documents.problems()])
    if not any(isinstance(item, Opened) for item in items):
        raise _nothing(specs, items)
    if options.sheets and not any(isinstance(item, Opened) and item.kind == "workbook" for item in items):
        raise UsageError(f"--sheet {options.sheets[0]} names a sheet, but {', '.join(specs)} is not a workbook.")
    lists = 0
    for ready in items:
        if isinstance(ready, Issue):
            yield ready
            continue
        for found in _read_one(ready, options, documents):
            lists += isinstance(found, SourceFile)
            if isinstance(found, Table) and not len(found):
                place = Place(found.header.file, found.header.sheet)
                yield Issue(Severity.WARNING, "no-rows", "The list has a header and no row under it.", place)
            if isinstance(found, Table) and found.header.kind != "stix" and not options.include_revoked:
                yield from without_withdrawn(found)
            else:
                yield found
    if not lists:
        raise _nothing(specs, items)


def _read_one(opened: Opened, options: ReadOptions, documents: Documents) -> Iterator[SourceFile | Issue | Table]:
    opened.deadline.start()
    try:
        reader = reader_of(opened.kind)
        yield from reader.function()(opened, options) if reader.read else documents.read(opened)
    except NotAList as error:
        if opened.listed:
            raise
        yield _passed_over(opened, error)


def _passed_over(item: Located | Opened, error: NotAList) -> Issue:
    message = error.message.removeprefix(item.file).strip()
    return Issue(Severity.INFO, "left-out-file", f"The file {message}" if message else error.message, Place(item.file))


def _nothing(specs: Sequence[str], items: Sequence[Opened | Issue]) -> SourceError:
    details = tuple(f"{item.place.file}: {item.message}" for item in items if isinstance(item, Issue))
    return SourceError(
        f"{', '.join(map(without_user, specs))}: no list of actors was found there.", details=details[:50]
    )
