"""Settings of one command: job file, overridden by the environment, overridden by flags; frozen, in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from importer.errors import UsageError
from importer.job.credentials import Credentials, filled_in, read_secret
from importer.job.job_file import JobSettings, JobSource
from importer.model import Json
from importer.planning.collision_rules import CollisionRules
from importer.planning.limits import NO_LIMIT, Limits
from importer.planning.marking import marker
from importer.planning.options import PlanOptions
from importer.remote.settings import PRODUCTION

if TYPE_CHECKING:
    from importer.mapping.spec import ReadHints
    from importer.sources.options import ReadOptions

_RUNS_DIR: Final = "tag-importer-runs"
_DOCUMENTED_QUOTA: Final = 1200
_DELIMITERS: Final = MappingProxyType({"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "})
JOB, ENVIRONMENT, FLAG = range(3)
"""Where a setting came from; the higher overrides the lower."""
_TOKEN_VARIABLE: Final = "CLOUDFLARE_API_TOKEN"  # noqa: S105  its name


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that shapes a command. Made by `merge.merge`; secrets stand in no repr."""

    sources: tuple[JobSource, ...] = ()
    """In order of precedence."""
    job: JobSettings | None = None
    values: Mapping[str, Json] = field(default_factory=dict, repr=False)
    """Option name -> converted value, for what was given anywhere."""
    origins: Mapping[str, int] = field(default_factory=dict, repr=False)
    """Option name -> which of job file, environment and flag has given it."""
    flags: Mapping[str, object] = field(default_factory=dict, repr=False)
    """The namespace as it came, for what is a flag and nothing else (`yes`, `dry_run`, `format`)."""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    # ---- planning

    @property
    def name(self) -> str:
        """The job's name; `tag-importer` for a run without a job file."""
        return self.job.name if self.job else "tag-importer"

    @property
    def mode(self) -> str:
        return str(self.values.get("mode", "create"))

    @property
    def category(self) -> str:
        return str(self.values.get("category", ""))

    @property
    def managed_by(self) -> str:
        """The job's own name in its marks, as it was given; empty where marking is off."""
        return str(self.values.get("managed_by", ""))

    def plan_options(self) -> PlanOptions:
        """What planning wants to know. UsageError for combinations that contradict each other."""
        return PlanOptions(
            mode=self.mode,
            category=self.category,
            create_category=self._flag("create_category"),
            managed_by=marker(self.managed_by) if self.managed_by else "",
            adopt=self._flag("adopt"),
            prune=self._flag("prune"),
            collisions=CollisionRules.from_words(self.job.collisions if self.job else {}),
        )

    @property
    def limits(self) -> Limits:
        """Safety limits; planning's defaults where nothing was given."""
        given = {
            name: self.values[f"max_{name}"]
            for name in ("creates", "updates", "deletes", "shrink")
            if f"max_{name}" in self.values
        }
        return Limits(**given, allow_empty=self._flag("allow_empty"))

    @property
    def limits_told(self) -> Limits:
        """Those limits alone that flags or the environment name: they hold for a plan that was looked at, too."""
        given = {
            name: self.values[f"max_{name}"] if self.origins.get(f"max_{name}", JOB) > JOB else NO_LIMIT
            for name in ("creates", "updates", "deletes", "shrink")
        }
        return Limits(**given, allow_empty=True)

    # ---- reading

    def mapping_for(self, source: JobSource) -> str:
        """The mapping of one source: a preset's name or a path; empty to choose by its shape."""
        return str(self._for(source, "mapping", ""))

    def read_options(
        self, source: JobSource, hints: ReadHints | None = None, *, cache_dir: Path | None = None
    ) -> ReadOptions:
        """How to read one source. Flags and environment, then the source's own, the job's, and the mapping's hints."""
        from importer.sources.options import ReadOptions

        given = hints.header_row if hints else 0
        header_row = int(self._for(source, "header_row", 0))
        delimiter = str(self._for(source, "delimiter", ""))
        return ReadOptions(
            sheets=tuple(self._for(source, "sheet", hints.sheets if hints else ())),
            include_hidden=bool(self._for(source, "include_hidden", hints.include_hidden if hints else False)),
            header_row=header_row or given,
            per_sheet_header={} if header_row or hints is None else hints.per_sheet_header,
            encoding=str(self._for(source, "encoding", "")),
            delimiter=_DELIMITERS.get(delimiter.casefold(), delimiter),
            records=str(self._for(source, "records", hints.records if hints else "")),
            include_revoked=bool(self._for(source, "include_revoked", False)),
            cache_dir=cache_dir,
        )

    def _for(self, source: JobSource, name: str, default: Json) -> Json:
        if self.origins.get(name, JOB) > JOB:
            return self.values[name]
        if name in source.values:
            return source.values[name]
        return self.values.get(name, default)

    # ---- pacing

    @property
    def quota(self) -> int | None:
        """Calls in a window; None for what the server announces."""
        return None if "quota" not in self.values else int(self.values["quota"])

    @property
    def window(self) -> float | None:
        """Seconds; None for what the server announces."""
        return None if "window" not in self.values else float(self.values["window"])

    @property
    def reserve(self) -> float:
        """The share of the quota, 0 to 0.9, that is left to others."""
        value = self.values.get("reserve", 0.1)
        if isinstance(value, int):
            quota = self.quota or _DOCUMENTED_QUOTA
            value = value / quota
            if value > 0.9:
                raise UsageError(
                    f"a reserve of {self.values['reserve']:,} calls leaves too little of a quota of {quota:,}",
                    hint="At most 90 % can be left to others.",
                )
        return float(value)

    @property
    def concurrency(self) -> int:
        return int(self.values.get("concurrency", 50))

    @property
    def max_wait(self) -> float:
        """Seconds."""
        return float(self.values.get("max_wait", 900.0))

    @property
    def grace(self) -> float:
        """Seconds that reads may lag behind writes."""
        return float(self.values.get("grace", 35.0))

    @property
    def timeout(self) -> float:
        """Seconds that a call may take."""
        return float(self.values.get("timeout", 30.0))

    @property
    def fsync(self) -> str:
        return str(self.values.get("fsync", "batch"))

    @property
    def lock_wait(self) -> float:
        """Seconds to wait for another run's lock."""
        return float(self.values.get("wait", 0.0))

    # ---- account

    @property
    def sandbox(self) -> bool:
        return bool(self.flags.get("sandbox"))

    @property
    def sandbox_db(self) -> Path:
        return Path(str(self.values.get("sandbox_db", self.runs_dir / "sandbox.sqlite3")))

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults of the embedded sandbox, as they were written."""
        given = self.flags.get("fault") or ()
        return tuple(str(fault) for fault in given) if isinstance(given, (list, tuple)) else (str(given),)

    def credentials(self) -> Credentials:
        """Account, token and endpoint. UsageError says what is missing, all of it at once, and how to set it."""
        missing = []
        account = self._filled("account").strip()
        if not account:
            missing.append("CLOUDFLARE_ACCOUNT_ID is not set: the id of the account")
        token = self.environ.get(_TOKEN_VARIABLE, "").strip()
        if not token and "token_file" in self.values:
            token = read_secret(self._filled("token_file"), "API token", "CLOUDFLARE_API_TOKEN_FILE")
        if not token:
            missing.append(f"{_TOKEN_VARIABLE} is not set: an API token with the permission Cloudforce One Write "
                           "(CLOUDFLARE_API_TOKEN_FILE may name a file that holds it)")  # fmt: skip
        if missing:
            raise UsageError(
                "no account to work on" if len(missing) > 1 else missing[0],
                hint="Or try it out without an account: --sandbox.",
                details=tuple(missing) if len(missing) > 1 else (),
            )
        return Credentials(account, token, str(self.values.get("base_url", PRODUCTION)).rstrip("/"))

    def _filled(self, name: str) -> str:
        """A setting in which variables may stand; they are filled in only where the job file has them."""
        text = str(self.values.get(name, ""))
        if self.origins.get(name) != JOB or self.job is None:
            return text
        filled = filled_in(text, self.environ, self.job.spots.get(name))
        is_path = name.endswith("_file")
        if is_path:  # Path.expanduser fails without a home
            return str(Path(self.job.file).parent / os.path.expanduser(filled))  # noqa: PTH111
        return filled

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, as far as it can be read: what is missing is told by whoever needs it."""
        found = []
        with suppress(UsageError):
            found.append(self.credentials().token)
        with suppress(UsageError):
            found.append(self.heartbeat())
        return tuple(filter(None, found))

    # ---- outputs

    @property
    def out(self) -> Path | None:
        """The run folder that was asked for with --out."""
        return Path(str(self.flags["out"])) if self.flags.get("out") else None

    @property
    def runs_dir(self) -> Path:
        """The folder in which each run makes its own."""
        return Path(str(self.values.get("runs_dir", _RUNS_DIR)))

    @property
    def keep(self) -> int | None:
        """How many finished runs to keep; None for all."""
        return None if "keep" not in self.values else int(self.values["keep"])

    @property
    def metrics_file(self) -> Path | None:
        return Path(str(self.values["metrics_file"])) if "metrics_file" in self.values else None

    def heartbeat(self) -> str:
        """The heartbeat URL, a secret; empty for none. Of two ways to give it, that which overrides the other."""
        given = [name for name in ("ping_url", "ping_url_file") if name in self.values]
        if not given:
            return ""
        chosen = max(given, key=lambda name: (self.origins[name], name == "ping_url"))
        text = self._filled(chosen)
        return read_secret(text, "heartbeat URL", "TAG_IMPORTER_PING_URL_FILE") if chosen.endswith("_file") else text

    @property
    def log_format(self) -> str:
        return str(self.values.get("log_format", "text"))

    @property
    def format(self) -> str:
        return str(self.flags.get("format", "text"))

    @property
    def quiet(self) -> bool:
        return bool(self.flags.get("quiet"))

    @property
    def yes(self) -> bool:
        return bool(self.flags.get("yes"))

    @property
    def dry_run(self) -> bool:
        return bool(self.flags.get("dry_run"))

    @property
    def detailed_exitcode(self) -> bool:
        return bool(self.flags.get("detailed_exitcode"))

    def _flag(self, name: str) -> bool:
        return bool(self.values.get(name, False))
