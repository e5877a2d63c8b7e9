"""A job file: YAML that says what is to be imported, how, and within which limits. All problems are reported at once.

    sources:                 # in order of precedence: of two rows with one name the first source's counts
      - lists/actors.xlsx
      - {path: lists/feed.json, mapping: misp-galaxy}
    mode: upsert
    limits: {updates: 20%}

Relative paths are taken from the job file's folder. `${VARIABLE}` is filled in for account, token_file, ping_url and
ping_url_file, nowhere else. `Job` is the language, `job.schema.json` its schema.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import UNSET, UnsetType, structs

from importer.errors import JobError, UsageError
from importer.masking import guarded
from importer.model import Json
from importer.settings.credentials import from_folder, not_fillable
from importer.settings.model import Given, Job, Origin, Source
from importer.settings.options import OPTIONS, replaced
from importer.settings.settings import Settings
from importer.shipped import PRESETS, preset_path
from importer.text.json_schema import schema
from importer.text.nearest_word import nearest
from importer.text.typed_yaml import convert
from importer.text.yaml_nodes import Node, Problems, compose, read_file

_ENDINGS: Final = (".yaml", ".yml")
_VARIABLE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_HINT: Final = "every key is described in config/schema/job.schema.json; config/jobs/ holds examples"
_KEYS: Final = frozenset(Job.__struct_fields__)
_TELLING: Final = _KEYS - {"name", "description", "category", "account", "mapping"}
"""Keys that a list of actors has no use for."""
_KEY: Final = re.compile(r"^([A-Za-z_][\w-]*)[ \t]*:(?=\s|$)", re.MULTILINE)
_ITEM: Final = re.compile(r"""^([A-Za-z_"'][^\n:]*:|-[ \t])""", re.MULTILINE)
"""What every YAML file that says something begins a line with: a key, or a dash."""
_MODELINE: Final = re.compile(r"^#.*\bjob\.schema\.json", re.MULTILINE)
_LARGEST: Final = 200_000
_LONGEST: Final = 4_096
"""Characters of one text: the longest path that systems take."""


def is_job_file(path: str | Path) -> bool:
    """Whether `path` is a job file rather than a list of actors: recognised by its outermost keys, so that a broken job
    counts as one. False for what is missing, large or not YAML by its ending."""
    given = Path(path)
    if given.suffix.casefold() not in _ENDINGS:
        return False
    try:
        if not given.is_file() or given.stat().st_size > _LARGEST:
            return False
        text = given.read_text("utf-8-sig", errors="replace")
    except OSError:
        return False
    if _MODELINE.search(text):
        return True
    from rapidfuzz.distance import OSA

    keys = set(_KEY.findall(text))
    known = keys & _KEYS
    meant = {key for key in keys if key != "source" and OSA.distance(key.casefold(), "sources", score_cutoff=1) <= 1}
    if meant:
        return len(known | meant) * 2 >= len(keys)
    return len(keys & _TELLING) >= 2 and len(known) * 2 > len(keys)


def job_files(words: Sequence[str]) -> list[str]:
    """The job files that these arguments name: themselves, in folders, by globs. Empty where they name lists.

    A folder of jobs holds job files, and no list beside them. A YAML file that is named beside jobs is meant as one,
    however broken it is. UsageError for anything else beside them.
    """
    named = {word: _jobs_in(word) for word in words}
    if not any(is_job_file(job) for jobs in named.values() for job in jobs):
        return []
    if other := next((word for word, jobs in named.items() if not jobs), ""):
        raise UsageError(f"{guarded(other)} is not a job file, and was named beside job files",
                         hint="A job names its sources itself; give it no others.")  # fmt: skip
    return list({os.path.normpath(job): job for jobs in named.values() for job in jobs}.values())


def _jobs_in(word: str) -> list[str]:
    path = Path(word)
    if path.is_dir():
        from importer.sources.locate import readable_ending

        inside = [item for item in sorted(path.iterdir()) if item.is_file() and not item.name.startswith(".")]
        lists = [item for item in inside if readable_ending(item.name) and item.suffix.casefold() not in _ENDINGS]
        return [] if lists else [str(item) for item in inside if _meant(item)]
    if not path.exists() and any(char in word for char in "*?["):
        return [name for name in sorted(glob.glob(word)) if _meant(Path(name))]  # noqa: PTH207 - it may be absolute
    return [word] if path.suffix.casefold() in _ENDINGS else []


def _meant(path: Path) -> bool:
    """Whether a file among jobs is one of them: also one that is empty or garbled, which would else be passed over."""
    if is_job_file(path) or path.suffix.casefold() not in _ENDINGS:
        return is_job_file(path)
    try:
        return not _ITEM.search(path.read_bytes()[:_LARGEST].decode("utf-8-sig", errors="replace"))
    except OSError:
        return path.is_file()


def job_schema() -> dict[str, Json]:
    """The JSON Schema of job files."""
    made = schema(Job, "tag-importer job file")
    made["$defs"]["Job"]["required"] = ["sources"]
    return made


def load_job(path: Path) -> Settings:
    """Read and check a job file. JobError holds every problem, a line each with file, line and column."""
    problems = Problems(str(path), what="job file", error=JobError, hint=_HINT)
    settings = _read(path, problems)
    problems.raise_if_any()
    return settings


def glimpse_job(path: Path) -> Settings:
    """What a job file says as far as it can be read, whatever is wrong with the rest. Never raises."""
    try:
        return _read(path, Problems(str(path), error=JobError))
    except JobError:
        return _nothing(path)


def _read(path: Path, problems: Problems) -> Settings:
    root = compose(read_file(path, problems), problems)
    job: Job | UnsetType = convert(root, Job, problems)
    if job is UNSET or not _texts_fit(root, problems):
        return _nothing(path)
    _check_sources(root, problems)
    _check_variables(root, problems)
    given = {}
    values: dict[tuple[str, ...], Json] = {}
    for option in OPTIONS:
        node = root.find(*option.key)
        if node is None or node.value is None:
            continue
        given[option.name] = Given(Origin.JOB, str(node.spot))
        if option.extra.get("path"):
            written = option.of(job)
            many = isinstance(written, tuple)
            values[option.key] = (
                tuple(_from(path.parent, one) for one in written) if many else _from(path.parent, written)
            )
    job = structs.replace(replaced(job, values), name=job.name or path.stem)
    sources = tuple(source if isinstance(source, Source) else Source(path=source) for source in job.sources)
    rest = {name: getattr(job, name) for name in Job.__struct_fields__ if name not in ("name", "sources", "mapping")}
    return Settings(
        **rest,
        name=job.name,
        job=job,
        mapping=_mapping_from(path.parent, job.mapping) or "",
        sources=tuple(
            structs.replace(
                source, path=_from(path.parent, source.path), mapping=_mapping_from(path.parent, source.mapping)
            )
            for source in sources
        ),
        file=str(path),
        given=given,
    )


def _nothing(path: Path) -> Settings:
    """A job of which nothing can be read."""
    return Settings(name=path.stem, job=Job(name=path.stem), file=str(path))


def _check_sources(root: Node, problems: Problems) -> None:
    sources = root.find("sources")
    if sources is None or sources.value in (None, []):
        spot = (sources or root).spot
        problems.add(spot, "`sources:` is missing: the files, folders or https URLs to import, the most trusted first")
        return
    each = sources.value if isinstance(sources.value, list) else [sources]
    folder = Path(problems.file).parent
    for node in (root.find("mapping"), *(source.find("mapping") for source in each)):
        if node is None or not isinstance(node.value, str) or _VARIABLE.search(node.value):
            continue
        name = node.value
        missing = not os.path.isfile(_from(folder, name))  # noqa: PTH113  it takes every text
        if missing and preset_path(name) is None:
            near = nearest(name, PRESETS)
            hint = f"did you mean '{near}'?" if near else f"presets: {', '.join(PRESETS)}"
            problems.add(node.spot, f"there is no mapping '{guarded(name)}': neither a preset nor a file; {hint}")


def _texts_fit(root: Node, problems: Problems) -> bool:
    """Whether no setting, a file's name least of all, is longer than names may be or has a NUL in it."""
    fit = True
    for key, node in root.leaves():
        text = node.value
        if isinstance(text, str) and len(text) > _LONGEST:
            problems.add(node.spot, f"`{'.'.join(key)[:60]}` has {len(text):,} characters; at most {_LONGEST:,}")
            fit = False
        elif isinstance(text, str) and "\0" in text:
            problems.add(node.spot, f"`{'.'.join(key)[:60]}` holds a NUL character")
            fit = False
    return fit


def _check_variables(root: Node, problems: Problems) -> None:
    """`${VARIABLE}` where it is not filled in would be taken for a file's or a category's name."""
    filled = {option.key for option in OPTIONS if option.extra.get("filled")} | {("description",)}
    for key, node in root.leaves():
        if not isinstance(node.value, str) or not _VARIABLE.search(node.value):
            continue
        if key not in filled:
            problems.add(node.spot, f"'{guarded(node.value)}': variables are filled in for account, token_file, "
                         "ping_url and ping_url_file only")  # fmt: skip
        elif key != ("description",) and (why := not_fillable(key[-1], node.value)):
            problems.add(node.spot, why)


def _mapping_from(folder: Path, name: str | None) -> str | None:
    """A preset's name as it is; a path from the job's folder."""
    return name if not name or preset_path(name) is not None else _from(folder, name)


def _from(folder: Path, text: str) -> str:
    if text == "-" or _URL.match(text):
        return text
    return from_folder(folder, text)
