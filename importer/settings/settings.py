"""The settings of one command: what its job file, its environment and its flags say together; frozen, in one place."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import field

from importer.errors import JobError, UsageError
from importer.planning.marking import marker
from importer.planning.options import PlanOptions
from importer.planning.part import Part
from importer.settings.credentials import (
    Credentials,
    filled_in,
    from_folder,
    open_to_others,
    read_secret,
    read_token,
    token_fault,
)
from importer.settings.model import Given, Job, Origin, Source, Text, about

if TYPE_CHECKING:
    from importer.mapping.spec import ReadHints
    from importer.sources.logins import Login
    from importer.sources.options import ReadOptions

_DOCUMENTED_QUOTA: Final = 1200
_TOKEN_VARIABLE: Final = "CLOUDFLARE_API_TOKEN"  # noqa: S105  its name


class Settings(Job, frozen=True, kw_only=True):
    """Everything that shapes a command: a job, and what no job file says. Secrets are in no repr."""

    sources: tuple[Source, ...] = ()
    """In order of precedence."""
    job: Job | None = None
    """What the job file itself says; None for a run without one."""
    file: str = ""
    """The job file."""
    given: Mapping[str, Given] = field(default_factory=dict)
    """Name of a setting -> where it was given, for those that were."""
    environ: Mapping[str, str] = field(default_factory=dict)

    only: Annotated[
        tuple[Text, ...],
        about(
            "Plan these rows alone: a name (* for any text), or FIELD=VALUE.", "country=IR", metavar="NAME|FIELD=VALUE"
        ),
    ] = ()
    exclude: Annotated[
        tuple[Text, ...],
        about("Leave these rows out, written like --only.", "action=update", metavar="NAME|FIELD=VALUE"),
    ] = ()

    sandbox: bool = False
    sandbox_db: Annotated[
        Text, about("Database of the embedded sandbox.", metavar="FILE", default="tag-importer-runs/sandbox.sqlite3")
    ] = ""
    faults: tuple[str, ...] = ()
    """Faults of the embedded sandbox, as they were written."""
    strict: Annotated[bool, about("Refuse a token file that other users of the machine may read.")] = False
    out: Path | None = None
    """The run folder that was asked for with --out."""
    format: str = "text"
    quiet: bool = False
    yes: bool = False
    trust_plan: str = ""
    """The sha256 of a plan that was made elsewhere, or its first digits: it may be carried out unasked."""
    dry_run: bool = False
    detailed_exitcode: bool = False

    # ---- planning

    def plan_options(self) -> PlanOptions:
        """What planning wants to know. UsageError for combinations that contradict each other."""
        marking = self.marking
        return PlanOptions(
            mode=self.mode,
            lists=self.lists,
            category=self.category,
            create_category=self.create_category,
            managed_by=marker(marking.managed_by) if marking.managed_by else "",
            adopt=marking.adopt,
            prune=marking.prune,
            collisions=self.collisions,
        )

    @property
    def part(self) -> Part:
        """The rows that are planned, where that is not all of them."""
        first = [int(word) for word in self.reading.limit if word.isdecimal()]
        return Part(self.only, self.exclude, first[-1] if first else None)

    # ---- reading

    def mapping_for(self, source: Source) -> str:
        """The mapping of one source: a preset's name or a path; empty to choose by its shape."""
        return self.mapping if source.mapping is None or self._overridden("mapping") else source.mapping

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """What `map` says: tag field -> columns."""
        found: dict[str, tuple[str, ...]] = {}
        for assignment in self.map:
            target, _, column = assignment.partition("=")
            found[target] = (*found.get(target, ()), column)
        return found

    def read_options(
        self, source: Source, hints: ReadHints | None = None, *, cache_dir: Path | None = None
    ) -> ReadOptions:
        """How to read one source. Flags and environment, then the source's own, the job's, and the mapping's hints."""
        from importer.sources.options import Limits, ReadOptions

        reading = {name: getattr(self.reading, name) for name in self.reading.__struct_fields__}
        own = {name: getattr(source, name) for name in reading}
        names = {"sheets": "sheet"}
        chosen = {
            name: own[name] if own[name] is not None and not self._overridden(names.get(name, name)) else value
            for name, value in reading.items()
        }
        try:
            limits = Limits().changed([word for word in chosen["limit"] or () if not word.isdecimal()])
        except ValueError as error:
            raise UsageError(f"--limit: {error}.") from None
        if hints is None:
            return ReadOptions(**chosen, cache_dir=cache_dir, limits=limits, logins=self.feed_logins())
        hinted = {"sheets": hints.sheets, "include_hidden": hints.include_hidden, "records": hints.records,
                "header_row": hints.header_row}  # fmt: skip
        by_sheet = {} if chosen["header_row"] else hints.per_sheet_header
        for name, value in hinted.items():
            if own[name] is None and names.get(name, name) not in self.given:
                chosen[name] = value
        return ReadOptions(**chosen, per_sheet_header=by_sheet, cache_dir=cache_dir, limits=limits,
                           logins=self.feed_logins())  # fmt: skip

    def feed_logins(self) -> Mapping[str, Login]:
        """Host -> login, from the file that `logins` names."""
        from importer.sources.logins import load_logins

        return load_logins(Path(self.logins)) if self.logins else {}

    # ---- pacing

    @property
    def reserve(self) -> float:
        """The share of the quota, 0 to 0.9, that is left to others."""
        reserve = self.pacing.reserve
        if isinstance(reserve, float):
            return reserve
        quota = self.pacing.quota or _DOCUMENTED_QUOTA
        if reserve > 0.9 * quota:
            raise UsageError(
                f"a reserve of {reserve:,} calls leaves too little of a quota of {quota:,}",
                hint="At most 90 % can be left to others.",
            )
        return reserve / quota

    # ---- account

    @property
    def database(self) -> Path:
        """The embedded sandbox's."""
        return Path(self.sandbox_db) if self.sandbox_db else self.runs_dir / "sandbox.sqlite3"

    def credentials(self) -> Credentials:
        """Account, token and endpoint. UsageError says what is missing, all of it at once, and how to set it."""
        from importer.remote.settings import (  # its module knows of TLS and proxies
            PRODUCTION,
            check_base_url,
            trusted_endpoint,
        )

        missing: list[str] = []
        remarks: list[str] = []
        account = self._filled("account", self.account).strip()
        if not account:
            missing.append("CLOUDFLARE_ACCOUNT_ID is not set: the id of the account")
        token = self.environ.get(_TOKEN_VARIABLE, "").strip()
        if not token and self.token_file:
            path = self._filled("token_file", self.token_file)
            token = read_token(path, "CLOUDFLARE_API_TOKEN_FILE")
            remarks += self._open_to_others(path)
        elif fault := token and token_fault(token):
            raise UsageError(f"{_TOKEN_VARIABLE} is not an API token alone: {fault}",
                             hint=f"{_TOKEN_VARIABLE} holds the token and nothing else.")  # fmt: skip
        if not token:
            missing.append(f"{_TOKEN_VARIABLE} is not set: an API token with the permission Cloudforce One Write "
                           "(CLOUDFLARE_API_TOKEN_FILE may name a file that holds it)")  # fmt: skip
        if missing:
            raise UsageError(
                "no account to work on" if len(missing) > 1 else missing[0],
                hint="Or try it out without an account: --sandbox.",
                then="{again} --sandbox",
                details=tuple(missing) if len(missing) > 1 else (),
            )
        if token in account:
            raise UsageError(
                "the account id holds the API token", hint="Set CLOUDFLARE_ACCOUNT_ID to the account's id."
            )
        base_url = (self.base_url or PRODUCTION).rstrip("/")
        check_base_url(base_url)
        given = self.given.get("base_url")
        own_file = not self.environ.get(_TOKEN_VARIABLE, "").strip() and self._origin("token_file") == Origin.JOB
        if given is not None and given.origin is Origin.JOB and not trusted_endpoint(base_url, loopback=not own_file):
            raise JobError(
                f"{given.place}: a job file does not decide which server gets the token, and this `base_url:` is not "
                "Cloudflare's",
                hint="If that server is meant, name it in CLOUDFLARE_BASE_URL. Nothing was sent.",
            )
        if base_url != PRODUCTION:
            remarks.append(f"The calls, and the token, go to {base_url}, not to {PRODUCTION}.")
        return Credentials(account, token, base_url, tuple(remarks))

    def _open_to_others(self, path: str) -> list[str]:
        """A remark on a token that others may read. UsageError under --strict."""
        if not open_to_others(path):
            return []
        said = f"the token file {path} may be read by other users of this machine"
        if self.strict:
            raise UsageError(said, hint=f"chmod 600 {shlex.quote(path)}")
        return [f"{said[0].upper()}{said[1:]}; chmod 600 {shlex.quote(path)}"]

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown, as far as it can be read: what is missing is an error for whoever needs it."""
        found = [self.environ.get(_TOKEN_VARIABLE, "").strip()]
        with suppress(UsageError):
            if self.token_file:
                path = self._filled("token_file", self.token_file)
                found.append(read_secret(path, "API token", "CLOUDFLARE_API_TOKEN_FILE"))
        with suppress(UsageError):
            found.append(self.heartbeat())
        with suppress(UsageError):
            found += [secret for login in self.feed_logins().values() for secret in login.secrets]
        return tuple(filter(None, found))

    def account_name(self, account: str) -> str:
        """What tells this account from all others, for what is remembered of it: each sandbox is one of its own."""
        if self.sandbox:
            return f"sandbox {self.database.resolve()}"
        from importer.remote.settings import PRODUCTION

        return f"{(self.base_url or PRODUCTION).rstrip('/')} {account}"

    # ---- outputs

    @property
    def runs_dir(self) -> Path:
        """The folder in which each run makes its own."""
        return Path(self.output.runs)

    def heartbeat(self) -> str:
        """The heartbeat URL, a secret; empty for none. Of two ways to give it, that which overrides the other."""
        url, file = self.output.ping_url, self.output.ping_url_file
        if file and (not url or self._origin("ping_url_file") > self._origin("ping_url")):
            path = self._filled("ping_url_file", file)
            return read_secret(path, "heartbeat URL", "TAG_IMPORTER_PING_URL_FILE")
        return self._filled("ping_url", url)

    def _filled(self, name: str, text: str) -> str:
        """A setting in which variables may stand; they are filled in only where the job file has them."""
        given = self.given.get(name)
        if given is None or given.origin is not Origin.JOB:
            return text
        filled = filled_in(text, self.environ, given.place)
        return from_folder(Path(self.file).parent, filled) if name.endswith("_file") else filled

    def _origin(self, name: str) -> int:
        given = self.given.get(name)
        return given.origin if given else 0

    def _overridden(self, name: str) -> bool:
        """Whether a flag or a variable has the last word."""
        return self._origin(name) > Origin.JOB
