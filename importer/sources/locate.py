"""Finds what the user named: files, globs, folders, standard input, https and TAXII URLs. Nothing is read yet but
downloads."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from importer.errors import SourceError
from importer.masking import without_user
from importer.model import Issue, Place, Severity
from importer.sources.located import Located, from_bytes, from_path
from importer.sources.options import MIB, ReadOptions
from importer.sources.readers import READERS

_ENDINGS = frozenset(ending for reader in READERS for ending in reader.endings)
_PACKED = (".gz", ".bz2", ".xz", ".zip")
_PIECE = 1 << 16
_URL = re.compile(r"[A-Za-z][A-Za-z+]*://")
_NEVER = ("__MACOSX", "tag-importer-runs")
"""Folders inside a folder that hold no sources: an archiver's leavings, and our own runs."""
MAPPING_ENDING = ".mapping.yaml"
"""Of the mapping that an export leaves beside its file, by which it is read again: `actors.csv.mapping.yaml`."""


@dataclass(slots=True)
class Found:
    """What the specs came to, in their order: files, and remarks on what was passed over."""

    items: list[Located | Issue] = field(default_factory=list)
    problems: list[SourceError] = field(default_factory=list)


def locate(specs: Sequence[str], options: ReadOptions, stdin: BinaryIO | None = None) -> list[Located | Issue]:
    """Every file that the specs name; one SourceError that lists all that cannot be found."""
    if not specs:
        raise SourceError("No source was given.", hint="Name a file, a folder, a glob, an https URL, or `-` for stdin.")
    found = Found()
    seen: set[Path] = set()
    for spec in specs:
        try:
            _locate_one(spec, options, stdin, found, seen)
        except SourceError as error:
            found.problems.append(error)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            found.problems.append(SourceError(f"{without_user(spec)} cannot be read: {reason}."))
        except ValueError:
            found.problems.append(SourceError(f"{without_user(spec)!r} cannot be the name of a file."))
    raise_all(found.problems)
    return found.items


def raise_all(problems: Sequence[SourceError]) -> None:
    """One error for all problems; the sentence itself where there is only one."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise SourceError(
            f"{len(problems)} sources cannot be read.",
            hint=problems[0].hint,
            details=tuple(problem.message for problem in problems),
        )


def _locate_one(spec: str, options: ReadOptions, stdin: BinaryIO | None, found: Found, seen: set[Path]) -> None:
    if spec == "-":
        found.items.append(_from_stdin(stdin, options))
        return
    if _URL.match(spec):
        found.items += _downloaded(spec, options)
        return
    path = Path(spec)
    if (path / "plan.json").is_file() and (path / "journal.jsonl").is_file():
        raise SourceError(
            f"{without_user(spec)} is the folder of a run, not a list.",
            hint=f"`tag-importer apply {path / 'plan.json'}` applies its plan; of its lists name the file.",
        )
    if path.is_dir():
        _from_folder(spec, path, options, found, seen)
    elif path.exists():
        _add(path, spec, True, found, seen)
    elif any(char in spec for char in "*?["):
        _from_glob(spec, options, found, seen)
    else:
        near = _similar(path)
        meant = (spec, near) if near else None
        hint = f"Is {near} meant?" if near else "Is the folder right, and the name?"
        raise SourceError(f"{without_user(spec)} does not exist.", hint=hint, meant=meant)


def _downloaded(spec: str, options: ReadOptions) -> list[Located | Issue]:
    if spec.startswith("taxii"):
        from importer.sources.taxii import fetch_collection

        located = fetch_collection(spec, options)
        message = "A TAXII collection is a feed of changes: what its server removes is not seen, and nothing is pruned."
        return [located, Issue(Severity.INFO, "feed-of-changes", message, Place(located.file))]
    from importer.sources.fetch import fetch

    return [fetch(spec, options)]


def _from_glob(spec: str, options: ReadOptions, found: Found, seen: set[Path]) -> None:
    most = options.limits.folder_files
    matches = sorted(islice(glob.iglob(spec, recursive=True), most + 1))  # noqa: PTH207 - the pattern may be absolute
    if not matches:
        raise SourceError(f"No file matches {without_user(spec)}.")
    if len(matches) > most:
        raise SourceError(
            f"{without_user(spec)} matches more than {most:,} files.", hint=options.limits.hint("folder_files")
        )
    parts = Path(spec).parts
    fixed = next(at for at, part in enumerate(parts) if any(char in part for char in "*?["))
    within = Path(*parts[:fixed])
    links: set[Path] = set()
    for match in matches:
        path = Path(match)
        link = next((one for one in reversed(path.parents) if within in one.parents and one.is_symlink()), None)
        if link is not None:  # as in a folder, links to folders are not followed: they may go in circles
            if link not in links:
                message = "The link to a folder was not followed."
                found.items.append(Issue(Severity.INFO, "left-out-link", message, Place(str(link))))
            links.add(link)
        elif not path.is_dir():
            _add(path, match, True, found, seen, within)
        elif not spec.rstrip("/").endswith("**") and not _leads_out(path, match, within, found):
            _from_folder(match, path, options, found, seen)


def _leads_out(path: Path, name: str, within: Path | None, found: Found) -> bool:
    """Whether a link leads out of the folder that was named; told, and not followed: its files are a stranger's."""
    if within is None or path.resolve().is_relative_to(within.resolve()):
        return False
    message = f"The link leads out of {within}; it was left out. Name the file itself to have it read."
    found.items.append(Issue(Severity.WARNING, "left-out-link", message, Place(name)))
    return True


def _from_stdin(stdin: BinaryIO | None, options: ReadOptions) -> Located:
    if stdin is None:
        raise SourceError("Standard input cannot be read here.")
    limit = min(options.limits.file_bytes, options.limits.json_bytes)
    # Piece by piece: a signal that comes while bytes are there would wait for the end of one long read.
    read = getattr(stdin, "read1", stdin.read)
    data = bytearray()
    while len(data) <= limit and (piece := read(_PIECE)):
        data += piece
    if len(data) > limit:
        raise SourceError(
            f"Standard input is too large: more than {limit / MIB:,.0f} MiB; give it as a file.",
            hint=options.limits.hint("json_bytes"),
        )
    if not data:
        raise SourceError("Standard input is empty.")
    return Located("-", from_bytes(bytes(data)), len(data))


def _from_folder(spec: str, folder: Path, options: ReadOptions, found: Found, seen: set[Path]) -> None:
    taken, passed = 0, []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if any(part.startswith((".", "~$")) or part in _NEVER for part in inside.parts) or path.is_dir():
            continue
        if not path.is_file() or not readable_ending(path.name) or path.name.endswith(MAPPING_ENDING):
            passed.append(str(path))
            continue
        if taken >= options.limits.folder_files:
            raise SourceError(
                f"{spec} holds more than {options.limits.folder_files:,} files; name the ones that are meant.",
                hint=options.limits.hint("folder_files"),
            )
        taken += _add(path, str(path), False, found, seen, folder)
    for name in passed:
        found.items.append(
            Issue(
                Severity.INFO,
                "left-out-file",
                "The file is of a kind that holds no list; it was left out.",
                Place(name),
            )
        )
    if not taken:
        raise SourceError(f"{spec} holds no file that can be read.")


def _add(path: Path, name: str, listed: bool, found: Found, seen: set[Path], within: Path | None = None) -> bool:
    """The same file named twice (by a glob and by itself) is read once."""
    if _leads_out(path, name, within, found):
        return False
    if not path.is_file():
        if not path.exists():
            raise SourceError(f"{name} is a link to a file that does not exist.")
        raise SourceError(f"{name} is not a regular file.", hint="A program's output is read from standard input: `-`.")
    if path.name.startswith("~$"):
        message = "is what a program keeps beside a document that is open in it, not a list"
        if within is None:
            meant = str(path.with_name(path.name[2:]))
            raise SourceError(f"{name} {message}.", hint="Name the document itself.", meant=(name, meant))
        found.items.append(Issue(Severity.INFO, "left-out-file", f"The file {message}", Place(name)))
        return False
    real = path.resolve()
    if real in seen:
        found.items.append(
            Issue(Severity.INFO, "named-twice", "The file was named twice; it is read once.", Place(name))
        )
        return False
    seen.add(real)
    found.items.append(Located(name, from_path(path), path.stat().st_size, path, listed))
    return True


def readable_ending(name: str) -> bool:
    """Whether a file of this name may be a list."""
    tail = name.lower()
    for packed in _PACKED:
        tail = tail.removesuffix(packed)
    ending = tail.rpartition(".")[2] if "." in tail else ""
    return ending in _ENDINGS or (name.lower().endswith(_PACKED) and "." not in tail)


def _similar(path: Path) -> str:
    """A file beside it whose name differs little."""
    import difflib

    try:
        if not path.parent.exists() and (folder := _similar(path.parent)):  # a slip in the name of the folder
            return str(found) if (found := Path(folder, path.name)).exists() else _similar(found)
        names = [entry.name for entry in path.parent.iterdir()][:2000]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
    return str(path.parent / near[0]) if near else ""


def mapping_beside(source: str | Path) -> Path | None:
    """The mapping that an export left beside this file; None where there is none."""
    beside = Path(f"{source}{MAPPING_ENDING}")
    try:
        return beside if beside.is_file() else None
    except (OSError, ValueError):  # a URL or a glob as `source`
        return None
