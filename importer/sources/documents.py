"""The JSON and YAML files of a run: STIX is gathered from all of them first, the rest is read file by file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from importer.errors import SourceError
from importer.model import Issue, Place, Severity, SourceFile, Table
from importer.sources.flatten import flatten, object_tables, repeated_key_issues
from importer.sources.json_envelope import Envelope, issues, unwrapped, with_head
from importer.sources.json_shape import Records, find_records
from importer.sources.json_text import Parser, check_depth, check_values, documents, load_text, too_deep
from importer.sources.located import NotAList, Opened, not_a_list
from importer.sources.misp import is_galaxy, read_galaxy
from importer.sources.options import ReadOptions
from importer.sources.stix_gather import StixFile, gather, gather_bundle, is_stix
from importer.sources.stix_graph import StixGraph
from importer.sources.stix_rows import choose_versions, read_stix
from importer.sources.tlp import marked

_SHOWN = 20
"""Lists beside the records that are told one by one."""


class Documents:
    """Looked at one by one, then read one by one; what STIX files say about each other's actors is known by then."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._graph = StixGraph()
        self._stix: list[StixFile] = []
        self._versions: tuple[set[tuple[int, int]], dict[int, list[Issue]]] | None = None

    def look(self, opened: Opened) -> None:
        """Takes from a STIX file what is wanted; anything else is left for later. SourceError for what is not JSON."""
        if opened.kind != "json" or self._options.records:
            return
        opened.deadline.start()
        data = load_text(opened, self._options.limits.json_bytes, "JSON")
        try:
            bundle = gather_bundle(opened, data, self._graph)
            if bundle is not None:
                self._stix.append(bundle)
                return
            found = documents(opened.file, data, self._options.limits)
            if is_stix(found):
                self._stix.append(gather(opened, found, self._graph))
        except RecursionError as error:
            raise too_deep(opened.file) from error

    def problems(self) -> list[SourceError]:
        """STIX files are refused when none of the run holds an actor: one without may be there for its places."""
        if any(file.actors for file in self._stix):
            return []
        return [_without_actors(file) for file in self._stix if file.opened.listed]

    def read(self, opened: Opened) -> Iterator[SourceFile | Issue | Table]:
        """The file's SourceFile, issues and tables."""
        try:
            yield from self._read(opened)
        except RecursionError as error:
            raise too_deep(opened.file) from error

    def _read(self, opened: Opened) -> Iterator[SourceFile | Issue | Table]:
        for position, file in enumerate(self._stix):
            if file.opened is opened:
                if not any(one.actors for one in self._stix):
                    raise _without_actors(file)
                if self._versions is None:
                    self._versions = choose_versions(self._stix)
                kept, lost = self._versions
                mine = {actor for at, actor in kept if at == position}
                yield from read_stix(file, mine, lost.get(position, []), self._graph, self._options)
                return
        yield from self._read_other(opened)

    def _read_other(self, opened: Opened) -> Iterator[SourceFile | Issue | Table]:
        limits = self._options.limits
        values: list[Any]
        repeats = True
        if opened.kind == "yaml":
            from importer.sources.yaml_text import parse_yaml

            data = load_text(opened, limits.yaml_bytes, "YAML")
            try:
                values = parse_yaml(opened, data.decode("utf-8"), limits)
            except UnicodeDecodeError as error:
                raise SourceError(f"{opened.file} is not valid YAML: it is not UTF-8.") from error
        else:
            data = load_text(opened, limits.json_bytes, "JSON")
            check_values(opened.file, data, limits)
            raws = documents(opened.file, data, limits)
            parser = Parser(opened.file)
            values = [parser.parse(raw) for raw in opened.deadline.each(raws)]
            repeats = parser.repeats
            del raws
        check_depth(opened.file, values, limits)
        del data
        value: Any = values[0] if len(values) == 1 else values
        envelope = Envelope(value) if self._options.records else unwrapped(value)
        if not self._options.records and is_galaxy(envelope.value):
            head = {key: item for key, item in envelope.head.items() if key.lower() == "tlp"}
            galaxy = envelope.value
            values = [item if isinstance(item, dict) else {"value": item} for item in galaxy["values"]]
            yield from read_galaxy(opened, {**galaxy, "values": with_head(values, head)}, self._options, repeats)
            return
        records = find_records(opened.file, envelope.value, self._options.records)
        yield from self._tables(opened, records, envelope, repeats)

    def _tables(
        self, opened: Opened, records: Records, envelope: Envelope, repeats: bool
    ) -> Iterator[SourceFile | Issue | Table]:
        if len(records.rows) > self._options.limits.rows:
            raise SourceError(
                f"{opened.file} has more than {self._options.limits.rows:,} records.",
                hint=self._options.limits.hint("rows"),
            )
        details = {"records": records.path, "shape": records.shape, "count": f"{len(records.rows):,}"}
        if opened.packed:
            details["packed"] = opened.packed
        yield SourceFile(opened.file, opened.kind, opened.sha256, opened.size, details)
        empty = sum(1 for row in records.rows if not row)
        if empty:
            yield Issue(Severity.INFO, "blank-rows", f"{empty:,} empty objects were left out.", Place(opened.file))
        yield from _around(opened.file, records)
        yield from issues(opened.file, envelope, len(records.rows))
        rows = (
            (number, "", flatten(row, {}), repeated_key_issues(row, Place(opened.file, row=number)) if repeats else ())
            for number, row in enumerate(with_head([marked(row) for row in records.rows], envelope.head), 1)
            if row
        )
        yield from object_tables(opened, opened.kind, rows, self._options)


def _around(file: str, records: Records) -> Iterator[Issue]:
    """What stands outside the records and is lost: other lists, and what a key that is repeated had before."""
    for other in records.others[:_SHOWN]:
        yield Issue(
            Severity.WARNING if other.likely else Severity.INFO,
            "other-list",
            f"A list of {other.count:,} record{'' if other.count == 1 else 's'} was not read; "
            f"`--records {other.path}` reads it instead.",
            Place(file),
            value=other.path,
        )
    rest = records.others[_SHOWN:]
    if rest:
        yield Issue(
            Severity.WARNING if any(other.likely for other in rest) else Severity.INFO,
            "other-list",
            f"{len(rest):,} more lists with {sum(other.count for other in rest):,} records were not read; "
            "`--records PATH` reads one of them instead.",
            Place(file),
        )
    for key in records.repeated:
        yield Issue(
            Severity.WARNING,
            "repeated-key",
            "The key stands in the file more than once; only its last value is read.",
            Place(file, column=key),
            value=key,
        )


def _without_actors(file: StixFile) -> NotAList:
    return not_a_list(file.opened.file, f"STIX without a threat-actor or intrusion-set in it; it holds {file.holds}")
