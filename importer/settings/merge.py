"""Job file, environment and flags into one Settings: the later overrides the earlier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import UNSET, inspect, structs

from importer.errors import Position, UsageError
from importer.model import Json
from importer.settings.job_file import glimpse_job, is_job_file, job_files, load_job
from importer.settings.model import Given, Origin, Source
from importer.settings.options import OPTIONS, Option, replaced
from importer.settings.settings import Settings
from importer.text.typed_yaml import convert
from importer.text.yaml_nodes import Problems, node_of

_FLAGS_ONLY: Final = ("sandbox", "format", "quiet", "yes", "trust_plan", "dry_run", "detailed_exitcode")
_TRUE: Final = ("true", "yes", "on", "1")
_FALSE: Final = ("false", "no", "off", "0")


def merge(flags: Mapping[str, object], environ: Mapping[str, str], sources: Sequence[str] = ()) -> Settings:
    """The settings of a command: `flags` are those that were given (`vars(namespace)`), `sources` its arguments.

    A single argument that is a job file brings its own sources. Raises JobError or UsageError, which names every flag
    and variable that is wrong.
    """
    jobs = job_files(sources)
    if len(jobs) > 1:
        raise UsageError(f"{jobs[0]} and {jobs[1]} are job files, and one is expected here")
    job = load_job(Path(jobs[0])) if jobs else _plain(sources)
    problems = Problems("")
    settings = _overridden(job, flags, environ, problems)
    problems.raise_if_any()
    return settings


def glimpse(flags: Mapping[str, object], environ: Mapping[str, str], sources: Sequence[str] = ()) -> Settings:
    """What can be made out of settings that `merge` may refuse, to tell of the refusal in the form and at the place
    that they ask for. Never raises."""
    is_job = len(sources) == 1 and is_job_file(sources[0])
    job = glimpse_job(Path(sources[0])) if is_job else _plain(())
    return _overridden(job, flags, environ, Problems(""))


def _plain(sources: Sequence[str]) -> Settings:
    return Settings(name="tag-importer", sources=tuple(Source(path=source) for source in sources))


def _overridden(job: Settings, flags: Mapping[str, object], environ: Mapping[str, str], problems: Problems) -> Settings:
    values: dict[tuple[str, ...], Json] = {}
    given = dict(job.given)
    for option in OPTIONS:
        text = environ.get(option.variable, "").strip()
        found = [(Origin.ENVIRONMENT, option.variable, _from_text(option, text))] if text else []
        if flags.get(option.name) is not None:
            found.append((Origin.FLAG, option.flag, flags[option.name]))
        for origin, place, written in found:
            value: Any = convert(node_of(written, Position(place)), option.kind, problems)
            if value is not UNSET:
                values[option.key] = value
                given[option.name] = Given(origin, place)
    own: dict[str, Any] = {name: flags[name] for name in _FLAGS_ONLY if flags.get(name) is not None}
    fault = flags.get("fault") or ()
    own["faults"] = tuple(map(str, fault)) if isinstance(fault, (list, tuple)) else (str(fault),)
    own["out"] = Path(str(flags["out"])) if flags.get("out") else None
    return structs.replace(replaced(job, values), **own, given=given, environ=environ)


def _from_text(option: Option, text: str) -> Json:
    """What a variable's text means: several values are cut at commas, and `yes` is as good as `true`."""
    kind = option.type
    if isinstance(kind, inspect.VarTupleType):
        return text.split(",")
    word = text.casefold()
    if isinstance(kind, inspect.BoolType) and word in (*_TRUE, *_FALSE):
        return word in _TRUE
    return text
