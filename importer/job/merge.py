"""Job file, environment and flags into one Settings: the later overrides the earlier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from importer.errors import UsageError
from importer.job.convert import NotThat, convert
from importer.job.job_file import JobSettings, JobSource, glimpse_job, load_job
from importer.job.options import OPTIONS, Option, option_named
from importer.job.recognise import is_job_file
from importer.job.settings import ENVIRONMENT, FLAG, JOB, Settings
from importer.model import Json


def merge(flags: Mapping[str, object], environ: Mapping[str, str], sources: Sequence[str] = ()) -> Settings:
    """The settings of a command: `flags` are those that were given (`vars(namespace)`), `sources` its arguments.

    A single argument that is a job file brings its own sources. Raises JobError or UsageError.
    """
    job = _job_of(sources)
    values: dict[str, Json] = {}
    origins: dict[str, int] = {}
    if job is not None:
        values.update(job.values)
        origins.update(dict.fromkeys(job.values, JOB))
    for option in OPTIONS:
        _override(option, flags, environ, values, origins)
    plain = tuple(JobSource(source) for source in sources)
    return Settings(job.sources if job else plain, job, values, origins, dict(flags), environ)


def glimpse(flags: Mapping[str, object], environ: Mapping[str, str], sources: Sequence[str] = ()) -> Settings:
    """What can be made out of settings that `merge` may refuse, to tell of the refusal in the form and at the place
    that they ask for. Never raises."""
    values: dict[str, Json] = {}
    origins: dict[str, int] = {}
    job = glimpse_job(Path(sources[0])) if len(sources) == 1 and is_job_file(sources[0]) else None
    if job is not None:
        values.update(job.values)
        origins.update(dict.fromkeys(job.values, JOB))
    for option in OPTIONS:
        with suppress(UsageError):
            _override(option, flags, environ, values, origins)
    return Settings((), job, values, origins, dict(flags), environ)


def _job_of(sources: Sequence[str]) -> JobSettings | None:
    jobs = [source for source in sources if is_job_file(source)]
    if not jobs:
        return None
    if len(sources) > 1:
        raise UsageError(f"{jobs[0]} is a job file, and a job file stands alone",
                         hint="A job names its sources itself; give it no others.")  # fmt: skip
    return load_job(Path(jobs[0]))


def _override(
    option: Option,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    values: dict[str, Json],
    origins: dict[str, int],
) -> None:
    text = environ.get(option.env, "")
    if text.strip():
        given: Json = text.split(",") if option.name == "sheet" else text.strip()
        _set(values, origins, option.name, given, ENVIRONMENT, option.env)
    if option.name in flags and flags[option.name] is not None:
        _set(values, origins, option.name, flags[option.name], FLAG, f"--{option.name.replace('_', '-')}")


def _set(values: dict[str, Json], origins: dict[str, int], name: str, given: Json, origin: int, said: str) -> None:
    option = option_named(name)
    try:
        values[name] = convert(option, given)
    except NotThat as error:
        raise UsageError(f"{said}: {error}") from None
    origins[name] = origin
