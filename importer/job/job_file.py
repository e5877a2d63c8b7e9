"""A job file: YAML that says what is to be imported, how, and within which limits. Every problem is told at once.

    sources:                 # in order of precedence: of two rows with one name the first source's counts
      - lists/actors.xlsx
      - {path: lists/feed.json, mapping: misp-galaxy}
    mode: upsert
    limits: {updates: 20%}

Relative paths are taken from the job file's folder. `${VARIABLE}` is filled in for account, token_file, ping_url and
ping_url_file, nowhere else. `job.schema.json` is the language's schema.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from importer.errors import JobError, MappingError, Spot
from importer.job.convert import NotThat, convert
from importer.job.options import (
    COLLISION_KINDS,
    COLLISION_WORDS,
    GROUPS,
    OPTIONS,
    SOURCE_OPTIONS,
    Option,
    Shape,
    option_named,
)
from importer.mapping.load import ORDER, preset_path
from importer.mapping.nodes import MAX_BYTES, Node, Problems, read_yaml
from importer.model import Json
from importer.text.nearest_word import nearest

_VARIABLE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_ENV_SHAPES: Final = (Shape.ENV_TEXT, Shape.ENV_PATH)
_SECRET_KEYS: Final = ("token", "api_token", "apitoken", "api-token", "password", "secret")
_TOP: Final = ("name", "description", "sources", "collisions")
_HINT: Final = "every key is described in config/schema/job.schema.json; config/jobs/ holds examples"


class JobSource(Struct, frozen=True):
    """One source of a job, and what is different for it."""

    path: str
    """File, glob, folder, `-` or https URL, as `sources.read` takes it."""
    values: Mapping[str, Json] = field(default_factory=dict)
    """Settings for this source alone, by option name: mapping, sheet, header_row..."""


class JobSettings(Struct, frozen=True):
    """What one job file says. Settings that it leaves out are absent from `values`."""

    name: str
    file: str
    sources: tuple[JobSource, ...]
    """In order of precedence, the most trusted first."""
    values: Mapping[str, Json] = field(default_factory=dict)
    """Option name -> converted value; texts with `${VARIABLE}` are still as written."""
    collisions: Mapping[str, str] = field(default_factory=dict)
    """Kind of collision -> severity word."""
    spots: Mapping[str, Spot] = field(default_factory=dict)
    """Where each value stands, for what is found out later."""
    description: str = ""


def load_job(path: Path) -> JobSettings:
    """Read and check a job file. JobError holds every problem, a line each with file, line and column."""
    job, problems = _read(path)
    if problems.found:
        ordered = sorted(problems.found, key=lambda item: (item[0].line, item[0].column))
        details = tuple(f"{spot}: {message}" for spot, message in ordered)
        what = "1 problem" if len(details) == 1 else f"{len(details)} problems"
        raise JobError(f"the job file {path} has {what}", hint=_HINT, details=details)
    return job


def glimpse_job(path: Path) -> JobSettings:
    """What a job file says as far as it can be read, whatever is wrong with the rest. Never raises."""
    try:
        return _read(path)[0]
    except JobError:
        return JobSettings(path.stem, str(path), ())


def _read(path: Path) -> tuple[JobSettings, Problems]:
    """What the file says, and what is wrong with it; JobError for one that cannot be read at all."""
    file = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise JobError(f"the job file {file} is larger than {MAX_BYTES:,} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise JobError(f"the job file {file} cannot be read: {error.strerror or type(error).__name__}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise JobError(f"{file}:{data[: error.start].count(10) + 1}: the job file is not UTF-8 text") from None
    try:
        root = read_yaml(text, file)
    except MappingError as error:  # the loader is the mapping's; the words must not be
        raise JobError(error.message.replace("the mapping", "the job file"), hint=_HINT) from None
    problems = Problems(file)
    return _Reader(problems, path.parent).job(root, path), problems


class _Reader:
    """Reads nodes into settings and collects what is wrong with them."""

    def __init__(self, problems: Problems, folder: Path) -> None:
        self.problems = problems
        self.folder = folder
        self.values: dict[str, Json] = {}
        self.spots: dict[str, Spot] = {}

    def job(self, root: Node, path: Path) -> JobSettings:
        tops = (*_TOP, *GROUPS, *(option.key for option in OPTIONS if option.key and "." not in option.key))
        keys = self.table(root, tuple(dict.fromkeys(tops)), "a job file")
        for option in OPTIONS:
            if option.key in keys:
                self.value(option, keys[option.key], self.values)
        for group in GROUPS:
            if group in keys and group != "collisions":
                self.group(group, keys[group])
        collisions = self.collisions(keys.get("collisions"))
        sources = self.sources(keys.get("sources"), root)
        name = self.words(keys.get("name")) or path.stem
        return JobSettings(name, str(path), sources, self.values, collisions, self.spots,
                           self.words(keys.get("description"), variables=True))  # fmt: skip

    def table(self, node: Node, allowed: tuple[str, ...], where: str) -> dict[str, Node]:
        """The entries of a table; unknown keys are told, with the nearest known one, and left out."""
        if not isinstance(node.value, dict):
            if node.value is not None:
                self.problems.add(node.spot, f"{where} is a table of `key: value` lines")
            return {}
        for key, spot in node.keys.items():
            if key in allowed:
                continue
            if key.casefold() in _SECRET_KEYS:
                self.problems.add(spot, f"'{key}' has no place in a job file; name a file with `token_file:`, or set "
                                  "CLOUDFLARE_API_TOKEN in the environment")  # fmt: skip
                continue
            home = _home_of(key, allowed)
            if home:
                self.problems.add(spot, f"unknown key '{key[:60]}' of {where}; it belongs under `{home}:`")
            else:
                self.problems.nearest(spot, f"key of {where}", key, allowed)
        return {key: value for key, value in node.value.items() if key in allowed}

    def group(self, group: str, node: Node) -> None:
        options = {option.key.split(".")[1]: option for option in OPTIONS if option.key.startswith(f"{group}.")}
        for key, child in self.table(node, tuple(options), f"`{group}:`").items():
            self.value(options[key], child, self.values)

    def value(self, option: Option, node: Node, into: dict[str, Json]) -> None:
        """One setting; nothing (`key:`) is as good as leaving it out."""
        plain = node.plain()
        if plain is None:
            return
        try:
            converted = convert(option, plain)
        except NotThat as error:
            self.problems.add(node.spot, str(error))
            return
        if option.shape not in _ENV_SHAPES:
            self.no_variables(node)
        if option.shape is Shape.MAPPING:
            converted = self.mapping(converted, node)
        elif option.shape is Shape.PATH:
            converted = self.path(converted)
        into[option.name] = converted
        self.spots.setdefault(option.name, node.spot)

    def no_variables(self, node: Node) -> None:
        """`${VARIABLE}` where it is not filled in would be taken for a file's or a category's name."""
        texts = node.value if isinstance(node.value, list) else [node]
        for text in texts:
            if isinstance(text.value, str) and _VARIABLE.search(text.value):
                self.problems.add(text.spot, f"'{text.value[:60]}': variables are filled in for account, token_file, "
                                  "ping_url and ping_url_file only")  # fmt: skip

    def mapping(self, name: str, node: Node) -> str:
        """A preset's name as it is; a path from the job's folder."""
        if preset_path(name) is not None:
            return name
        path = self.path(name)
        if not Path(path).is_file() and not _VARIABLE.search(name):
            near = nearest(name, ORDER)
            hint = f"did you mean '{near}'?" if near else f"presets: {', '.join(ORDER)}"
            self.problems.add(node.spot, f"there is no mapping '{name[:60]}': neither a preset nor a file; {hint}")
        return path

    def path(self, text: str) -> str:
        if text == "-" or re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
            return text
        return str(self.folder / os.path.expanduser(text))  # noqa: PTH111  Path.expanduser fails without a home

    def sources(self, node: Node | None, root: Node) -> tuple[JobSource, ...]:
        if node is None or node.value in (None, [], ""):
            self.problems.add(node.spot if node else root.spot, "`sources:` is missing: the files, folders or https "
                              "URLs to import, the most trusted first")  # fmt: skip
            return ()
        children = node.value if isinstance(node.value, list) else [node]
        return tuple(source for child in children if (source := self.source(child)) is not None)

    def source(self, node: Node) -> JobSource | None:
        values: dict[str, Json] = {}
        where = node
        if isinstance(node.value, dict):
            names = {_source_key(option_named(name)): option_named(name) for name in SOURCE_OPTIONS}
            keys = self.table(node, ("path", *names), "a source")
            if "path" not in keys:
                self.problems.add(node.spot, "a source needs a `path:`")
                return None
            where = keys.pop("path")
            for key, child in keys.items():
                self.value(names[key], child, values)
        if not isinstance(where.value, str) or not where.value.strip():
            self.problems.add(where.spot, "a source is a file, a glob, a folder, - or an https URL")
            return None
        self.no_variables(where)
        return JobSource(self.path(where.value), values)

    def collisions(self, node: Node | None) -> dict[str, str]:
        if node is None:
            return {}
        found: dict[str, str] = {}
        for kind, child in self.table(node, COLLISION_KINDS, "`collisions:`").items():
            word = child.value
            if word is False:  # `off`, where an editor has made it `false`
                word = "off"
            if word not in COLLISION_WORDS:
                self.problems.nearest(child.spot, "severity", str(child.plain()), COLLISION_WORDS)
                continue
            found[kind] = str(word)
        return found

    def words(self, node: Node | None, *, variables: bool = False) -> str:
        if node is None or node.value is None:
            return ""
        if isinstance(node.value, (dict, list, bool)):
            self.problems.add(node.spot, "expected a text here")
            return ""
        if not variables:
            self.no_variables(node)
        return str(node.value)


def _source_key(option: Option) -> str:
    return option.key.rpartition(".")[2]


def _home_of(key: str, allowed: tuple[str, ...]) -> str:
    """The group in which a key that stands at the top would be right; empty where there is none."""
    if "sources" not in allowed:
        return ""
    homes = [option.key.split(".")[0] for option in OPTIONS if option.key.partition(".")[2] == key]
    return homes[0] if len(homes) == 1 else ""
