"""The parts of a workbook's archive: read where they are, changed by putting text in at byte offsets, written back.

Source: ECMA-376 part 2 (packages).
"""

from __future__ import annotations

import posixpath
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from msgspec import Struct, field

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_VML_TYPE: Final = "application/vnd.openxmlformats-officedocument.vmlDrawing"


class Element(Struct, frozen=True):
    """An element of a part, by the byte offsets of its tags.

    `start` is where `<name` begins, `inside` behind the start tag's `>`, `end` where `</name>` begins (`inside`, where
    the element is empty), `after` behind the end tag; `name` is without prefix.
    """

    name: str
    attributes: Mapping[str, str]
    depth: int
    start: int
    inside: int
    end: int
    after: int


class Part(Struct):
    """The bytes of one member, UTF-8, and what is put in where."""

    data: bytes
    edits: list[tuple[int, int, bytes]] = field(default_factory=list)
    """(offset, number of bytes replaced, the new bytes)."""
    appended: dict[int, tuple[Element, list[str]]] = field(default_factory=dict)
    """By the element's start."""

    @classmethod
    def of(cls, data: bytes) -> Part:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            data = re.sub(
                rb"(?i)(<\?xml[^>]*?)encoding\s*=\s*[\"'][^\"']*[\"']", rb"\1", data.decode("utf-16").encode()
            )
        return cls(data)

    @property
    def root(self) -> Element:
        return self.elements(lambda depth, *_: depth == 0)[0]

    def replace(self, text: str) -> None:
        """Other bytes altogether."""
        self.edits[:] = [(0, len(self.data), text.encode("utf-8", "replace"))]

    @property
    def prefix(self) -> str:
        """The prefix of the root's name with its colon; empty where the namespace is the default one."""
        found = re.search(rb"<([A-Za-z_][\w.-]*:)?[A-Za-z_]", self.data)
        return found[1].decode() if found and found[1] else ""

    def elements(self, keep: Callable[[int, str, Mapping[str, str]], bool]) -> list[Element]:
        """The elements for which `keep(depth, name, attributes)` says yes, in document order; the root has depth 0."""
        found: list[tuple[int, Element]] = []
        open_: list[tuple[str, Mapping[str, str], int, int, int] | None] = []
        parser = expat.ParserCreate()
        data, number = self.data, 0

        def begin(name: str, attributes: dict[str, str]) -> None:
            nonlocal number
            local = name.rpartition(":")[2]
            if not keep(len(open_), local, attributes):
                open_.append(None)
                return
            number += 1
            start = parser.CurrentByteIndex
            open_.append((local, attributes, start, _tag_end(data, start), number))

        def finish(_name: str) -> None:
            kept = open_.pop()
            if kept is None:
                return
            local, attributes, start, inside, order = kept
            at = parser.CurrentByteIndex
            empty = at == inside and data[inside - 2 : inside] == b"/>"  # expat is behind the tag then
            after = inside if empty else data.index(b">", at) + 1
            element = Element(local, attributes, len(open_), start, inside, inside if empty else at, after)
            found.append((order, element))

        parser.StartElementHandler, parser.EndElementHandler = begin, finish
        parser.Parse(data, True)
        return [element for _, element in sorted(found, key=lambda pair: pair[0])]

    def insert(self, offset: int, text: str) -> None:
        self.edits.append((offset, 0, text.encode("utf-8", "replace")))

    def set(self, element: Element, attribute: str, value: str) -> None:
        """Give the element's start tag this attribute value."""
        tag = self.data[element.start : element.inside]
        found = re.search(rb"\s%s\s*=\s*(\"[^\"]*\"|'[^']*')" % attribute.encode(), tag)
        new = f" {attribute}={quoteattr(value)}".encode()
        if found:
            self.edits.append((element.start + found.start(), len(found[0]), new))
        else:
            self.edits.append((element.inside - (2 if tag.endswith(b"/>") else 1), 0, new))

    def append(self, element: Element, text: str) -> None:
        """Put `text` in as the element's last content."""
        self.appended.setdefault(element.start, (element, []))[1].append(text)

    @property
    def changed(self) -> bool:
        return bool(self.edits or self.appended)

    def result(self) -> bytes:
        """The bytes with the edits in them."""
        edits = list(self.edits)
        for element, texts in self.appended.values():
            text = "".join(texts).encode("utf-8", "replace")
            if element.after == element.inside:  # <name/>
                name = re.match(rb"<([\w.:-]+)", self.data[element.start : element.inside])
                assert name is not None
                edits.append((element.inside - 2, 2, b">%s</%s>" % (text, name[1])))
            else:
                edits.append((element.end, 0, text))
        pieces, at = [], 0
        for offset, length, new in sorted(edits, key=lambda edit: edit[0]):
            pieces += [self.data[at:offset], new]
            at = offset + length
        return b"".join([*pieces, self.data[at:]])


def _tag_end(data: bytes, start: int) -> int:
    """Behind the `>` of the tag that begins at `start`: one in an attribute's value does not count."""
    at = start
    while True:
        end = data.index(b">", at)
        quotes = re.findall(rb"[\"']", data[start:end])
        inside = b""
        for quote in quotes:
            inside = quote if not inside else b"" if quote == inside else inside
        if not inside:
            return end + 1
        at = end + 1


class Package:
    """The parts of a workbook's archive, their relationships and content types."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = {name.replace("\\", "/").lstrip("/").lower(): name for name in archive.namelist()}
        self._parts: dict[str, Part] = {}
        self._types: list[str] = []
        self._ids = 0
        self.book = next(path for path in self._members if path.rpartition("/")[2] == "workbook.xml")
        namespaces = re.search(rb"""xmlns(?::\w+)?\s*=\s*["'](http[^"']*/main)["']""", self.part(self.book).data)
        self.main = namespaces[1].decode() if namespaces else _MAIN
        strict = "purl.oclc.org" in self.main
        self.relations = "http://purl.oclc.org/ooxml/officeDocument/relationships" if strict else _RELATIONS

    def part(self, path: str) -> Part:
        key = path.lower()
        if key not in self._parts:
            self._parts[key] = Part.of(self._archive.read(self._members[key]))
        return self._parts[key]

    def __contains__(self, path: str) -> bool:
        return path.lower() in self._members or path.lower() in self._parts

    def add(self, path: str, text: str, type_: str = "") -> None:
        """A new part; `type_` is its content type."""
        self._parts[path.lower()] = Part(text.encode("utf-8", "replace"))
        self._members[path.lower()] = self._members.get(path.lower(), path)
        if type_:
            self._types.append(f'<Override PartName="/{path}" ContentType="{type_}"/>')

    def free(self, pattern: str) -> str:
        """A path that is not taken: `pattern` with a number in it."""
        return next(path for number in range(1, 1 << 20) if (path := pattern.format(number)) not in self)

    def related(self, owner: str) -> dict[str, tuple[str, str]]:
        """Relationship id -> (last word of its type, path) of the parts that `owner` refers to."""
        links = _links_of(owner)
        if links not in self:
            return {}
        found = {}
        for element in self.part(links).elements(lambda depth, *_: depth == 1):
            at = element.attributes
            if at.get("TargetMode") != "External":
                target = at.get("Target", "").replace("\\", "/")
                folder = posixpath.dirname(owner)
                path = posixpath.normpath(posixpath.join(folder, target)) if target[:1] != "/" else target.lstrip("/")
                found[at.get("Id", "")] = at.get("Type", "").rpartition("/")[2], path
        return found

    def relate(self, owner: str, type_: str, path: str) -> str:
        """Let `owner` refer to `path`; the id of the new relationship."""
        links = _links_of(owner)
        if links not in self:
            self.add(
                links, f'<?xml version="1.0" encoding="UTF-8"?>\n<Relationships xmlns="{_PACKAGE}"></Relationships>'
            )
        part = self.part(links)
        taken = self.related(owner).keys()
        while (id_ := f"rIdTagImporter{self._ids}") in taken or not self._ids:
            self._ids += 1
        self._ids += 1
        target = posixpath.relpath(path, posixpath.dirname(owner))
        type_ = f"{self.relations}/{type_}"
        root = part.root
        part.append(root, f'<{part.prefix}Relationship Id="{id_}" Type="{type_}" Target="{target}"/>')
        return id_

    def write(self, target: BinaryIO) -> None:
        """Each member in its place, byte for byte where nothing was put into it; the new ones at the end."""
        changed = self._changed()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
            for member in self._archive.infolist():
                same = zipfile.ZipInfo(member.filename, member.date_time)
                stored = member.compress_type == zipfile.ZIP_STORED
                same.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
                same.external_attr, same.create_system = member.external_attr, member.create_system
                if (data := changed.get(member.filename)) is not None:
                    out.writestr(same, data)
                    continue
                with self._archive.open(member) as source, out.open(same, "w", force_zip64=True) as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
            for name in changed.keys() - set(self._archive.namelist()):
                out.writestr(name, changed[name])

    def _changed(self) -> dict[str, bytes]:
        """Member -> bytes, of those that differ from the archive's or are not in it."""
        types = self.part("[Content_Types].xml")
        if any(path.endswith(".vml") for path in self._parts) and b'"vml"' not in types.data.lower():
            self._types.insert(0, f'<Default Extension="vml" ContentType="{_VML_TYPE}"/>')
        prefix = types.prefix
        types.append(types.root, "".join(f"<{prefix}{text[1:]}" for text in self._types))
        return {
            self._members[path]: part.result() for path, part in self._parts.items()
            if part.changed or self._members[path] not in self._archive.namelist()
        }  # fmt: skip


def _links_of(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/_rels/{name}.rels".lstrip("/")
