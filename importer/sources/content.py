"""What a file is, told by its content; its ending only decides where content leaves it open."""

from __future__ import annotations

import re
from typing import BinaryIO

from importer.sources.encoding import decode_head
from importer.sources.readers import kind_beginning

HEAD = 64 * 1024
ARCHIVE_IN_ARCHIVE = "an archive within an archive; unpack it first"

COMPRESSED = {b"\x1f\x8b\x08": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "an RTF document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it first"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"ARROW1", "an Arrow file"),
    (b"\x00\x01\x00\x00Standard", "an Access database"),
    (b"-----BEGIN", "a key or certificate"),
)
_NEED_BINARY = (b"PAR1", b"ARROW1", b"Rar!", b"MZ\x90")
"""Beginnings that a text might have too."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BIFF = re.compile(rb"\A\x09[\x00\x02\x04\x08][\x04\x06\x08\x10]\x00")
_JSON_START = re.compile(r'\A\s*(?:\{\s*(?:["}]|\Z)|\[\s*(?:[\[{"\d\]]|true|false|null|\Z|-\d))')
_YAML_START = re.compile(
    r"\A(?:\s*#[^\n]*\n|\s*\n)*(?:%YAML[^\n]*\n)?(?:---[ \t]*(?:#[^\n]*)?\n"
    r"|[\w .'\"-]+:[ \t]*(?:#[^\n]*)?\n[ \t]*(?:- |[\w.'\"-]+:)"
    r"|- [\w .'\"-]+:(?: [^\n]*)?\n  [\w .'\"-]+:)"
)


def compression(head: bytes) -> str:
    """gzip, bzip2, xz or nothing."""
    found = next((name for magic, name in COMPRESSED.items() if head.startswith(magic)), "")
    if found == "bzip2" and head[4:10] not in (b"1AY&SY", b"\x17rE8P\x90"):
        return ""
    return found


def kind_of(name: str, head: bytes, encoding: str = "") -> tuple[str, str]:
    """(kind, "") for csv, workbook, json, yaml and zip; ("", what it looks like) for all else.

    `head` is the beginning of the (unpacked) content, `name` decides among text formats where content does not.
    """
    ending = _ending(name)
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        return "", "an empty file" if not head.strip() else "a file of nothing but blanks"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip", ""
    if kind := kind_beginning(head):
        return kind, ""
    if head.startswith(_OLE) or _BIFF.match(head):
        return "workbook", ""
    for magic, looks in _MAGIC:
        if head.startswith(magic) and (magic not in _NEED_BINARY or b"\x00" in head):
            return "", looks
    if head[257:262] == b"ustar" and b"\x00" in head[:100]:
        return "", "a tar archive; unpack it first"
    if ending in ("xlsx", "xlsm", "xlsb", "ods"):
        return "", "no workbook at all (a workbook is a ZIP archive, this is not), or a damaged one"
    text = decode_head(head, encoding)
    if text is None:
        return "", "binary data"
    return _kind_of_text(ending, text)


def _kind_of_text(ending: str, text: str) -> tuple[str, str]:
    stripped = text.lstrip("\ufeff \t\r\n")
    lowered = stripped[:2000].lower()
    if re.match(r"<(!doctype html|html|head|body|script|div|table)\b", lowered):
        return "", "a web page (HTML)"
    if lowered.startswith("<?xml") or re.match(r"<[a-z][\w:.-]*(\s[^<>]*)?/?>", lowered):
        return "", _kind_of_xml(stripped)
    if ending in ("json", "jsonl", "ndjson", "stix", "stix2"):
        return "json", ""
    if ending in ("yaml", "yml"):
        return "yaml", ""
    if _JSON_START.match(stripped):
        return "json", ""
    if ending not in ("csv", "tsv", "tab", "psv") and _YAML_START.match(text):
        return "yaml", ""
    return "csv", ""


def _kind_of_xml(text: str) -> str:
    head = text[:4000]
    if "urn:schemas-microsoft-com:office:spreadsheet" in head:
        return "an Excel 2003 XML spreadsheet; open it in Excel or LibreOffice and save it as .xlsx"
    if "stix.mitre.org" in head:
        return "a STIX 1 XML package; convert it to STIX 2 first"
    if re.search(r"<(rss|feed)\b", head):
        return "a news feed"
    if "<svg" in head:
        return "an image (SVG)"
    if re.search(r"<!doctype html|<html", head, re.IGNORECASE):
        return "a web page (HTML)"
    return "an XML document"


def zip_content(stream: BinaryIO) -> tuple[str, str]:
    """("workbook", "") or ("zip", the one member worth reading) or ("", what it looks like)."""
    import zipfile

    with zipfile.ZipFile(stream) as archive:
        names = archive.namelist()
        lowered = [name.lower().replace("\\", "/").lstrip("/") for name in names]
        if "mimetype" in lowered:
            kind = archive.read(names[lowered.index("mimetype")])[:200].decode("ascii", "replace").strip()
            if "opendocument" in kind:
                return (
                    ("workbook", "")
                    if "spreadsheet" in kind
                    else ("", "an OpenDocument file that is not a spreadsheet")
                )
            if "epub" in kind:
                return "", "an e-book"
    if any(name.startswith("xl/") for name in lowered) or any(
        name.rpartition("/")[2] in ("workbook.xml", "workbook.bin") for name in lowered
    ):
        return "workbook", ""
    for start, looks in (
        ("word/", "a Word document"),
        ("ppt/", "a PowerPoint presentation"),
        ("visio/", "a Visio drawing"),
        ("meta-inf/", "a Java archive"),
        ("index/document.iwa", "an Apple iWork file; export it as .xlsx"),
    ):
        if any(name.startswith(start) for name in lowered):
            return "", looks
    if "[content_types].xml" in lowered:
        return "workbook", ""
    members = [
        name
        for name in names
        if not name.endswith("/") and not name.startswith("__MACOSX/") and not name.rpartition("/")[2].startswith(".")
    ]
    if not members:
        return "", "a ZIP archive without a file in it"
    if len(members) > 1:
        return "", f"a ZIP archive of {len(members):,} files; unpack it, and give the folder or the file that is meant"
    return "zip", members[0]


def _ending(name: str) -> str:
    tail = name.lower().rpartition("/")[2]
    for packed in (".gz", ".bz2", ".xz", ".zip"):
        tail = tail.removesuffix(packed)
    return tail.rpartition(".")[2] if "." in tail else ""
