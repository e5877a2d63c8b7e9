"""Every setting, once: its place in a job file, its type, its default, its flag, its variable and its sentence.

A job file is read into `Job` as it is; flags, environment variables, the JSON Schema and the help are read off the
same fields (`options.py`). Precedence: job file < environment < flags.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

from msgspec import Meta, Struct

from importer.model import Json
from importer.planning.collision_rules import CollisionRules
from importer.planning.limits import RunLimits
from importer.planning.options import Lists, Mode
from importer.sources.options import (
    Delimiter,
    Encoding,
    Fresh,
    HeaderRow,
    IncludeHidden,
    IncludeRevoked,
    LimitWords,
    Reading,
    Records,
    Sheets,
)
from importer.text.amounts import SHARE_PATTERN, Seconds, count_or_share

_FILLED: Final = " In a job file `${VARIABLE}` is filled in."
_NO_SECRETS: Final = "'{}' has no place in a job file; name a file with `token_file:`, or set CLOUDFLARE_API_TOKEN"


def about(meaning: str, example: str = "", **extra: Json) -> Meta:
    """A setting's sentence, an example for editors, and what its type does not say.

    `name` of the flag and the variable where it is not the key, `variable` where it is not TAG_IMPORTER_ and the name,
    `metavar` in the help; `path`: taken from the job file's folder; `filled`: in a job file `${VARIABLE}` is filled in.
    """
    return Meta(description=meaning, examples=[example] if example else None, extra=extra)


def _reserve(value: Json) -> int | float:
    amount = count_or_share(value)
    if isinstance(amount, float) and amount > 0.9:
        raise ValueError("at most 90% can be left to others")
    return amount


Text = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=1)]
Reserve = Annotated[
    float,
    Meta(
        extra={"read": _reserve, "metavar": "P%|N"},
        extra_json_schema={"type": ["integer", "string"], "minimum": 0, "pattern": SHARE_PATTERN},
    ),
]
MappingName = Annotated[
    Text,
    about(
        "A preset or a mapping file, for all sources that do not name their own; chosen by the shape of each source "
        "when it is left out.",
        "spreadsheet",
        metavar="NAME|FILE",
    ),
]


def _assignment(text: Json) -> str:
    from importer.mapping.language import field_or_key  # the whole mapping language, for this flag alone

    field, sign, column = str(text).partition("=")
    if not (sign and field.strip() and column.strip()):
        raise ValueError(f"{str(text)!r} is not FIELD=COLUMN, as in value=Group name")
    return f"{field_or_key(field.strip())}={column.strip()}"


Assignment = Annotated[
    str, Meta(extra={"read": _assignment}, extra_json_schema={"type": "string", "pattern": "^[^=]+=.+$"})
]


class Source(Struct, frozen=True, kw_only=True):
    """One source, and what is different for it."""

    path: Annotated[Text, Meta(description="File, glob, folder, -, https or taxii+https URL.")]
    mapping: MappingName | None = None
    sheets: Sheets | None = None
    include_hidden: IncludeHidden | None = None
    include_revoked: IncludeRevoked | None = None
    header_row: HeaderRow | None = None
    encoding: Encoding | None = None
    delimiter: Delimiter | None = None
    records: Records | None = None
    limit: LimitWords | None = None
    fresh: Fresh | None = None


class Marking(Struct, frozen=True):
    """Marks by which the job knows its own tags."""

    managed_by: Annotated[
        Text,
        about(
            "Marks tags made here with `properties.managed_by`; the job's own name for it.", "nightly", metavar="NAME"
        ),
    ] = ""
    adopt: Annotated[bool, about("Update, and mark, tags that carry no mark yet.")] = False
    prune: Annotated[bool, about("Delete marked tags that left the sources.")] = False


class Pacing(Struct, frozen=True):
    """How the API's limit is shared."""

    quota: Annotated[
        Count | None, about("Calls in a window; what the server announces when it is left out.", "1200")
    ] = None
    window: Annotated[
        Seconds | None, about("Length of the window; what the server announces when it is left out.", "5 min")
    ] = None
    reserve: Annotated[
        Reserve,
        about(
            "What is left to people at the dashboard: a share of the quota, or a number of calls.", "10%", default="10%"
        ),
    ] = 0.1
    concurrency: Annotated[Count, about("Calls at once.")] = 50
    max_wait: Annotated[Seconds, about("Stop, resumable, rather than wait longer.", "15 min")] = 900.0
    grace: Annotated[Seconds, about("How long reads may lag behind writes.", "35 s")] = 35.0
    timeout: Annotated[Seconds, about("How long a call may take.", "30 s")] = 30.0
    lock_wait: Annotated[
        Seconds, about("Wait this long for another run on the same account to end.", "10 min", name="wait")
    ] = 0.0


class Output(Struct, frozen=True):
    """What a run leaves behind."""

    runs: Annotated[
        Text, about("The folder in which each run makes its own.", "tag-importer-runs", name="runs_dir", path=True)
    ] = "tag-importer-runs"
    keep_runs: Annotated[
        Count | None, about("After a run, keep only this many finished runs of the folder.", "30", name="keep")
    ] = None
    metrics_file: Annotated[
        Text, about("Write Prometheus metrics here.", "/var/lib/metrics/tag-importer.prom", path=True)
    ] = ""
    ping_url: Annotated[
        Text, about("A heartbeat URL to call at the end." + _FILLED, "${HEARTBEAT_URL}", filled=True, metavar="URL")
    ] = ""
    ping_url_file: Annotated[
        Text,
        about(
            "The file that holds the heartbeat URL." + _FILLED, "${CREDENTIALS_DIRECTORY}/heartbeat-url", filled=True
        ),
    ] = ""
    log_format: Annotated[Literal["text", "json"], about("Form of the lines on standard error.")] = "text"
    fsync: Annotated[Literal["none", "batch", "always"], about("How the journal is kept safe from a power loss.")] = (
        "batch"
    )

    def __repr__(self) -> str:
        """Without the heartbeat URL, which is a secret."""
        return "Output(...)"


class Job(Struct, frozen=True, kw_only=True):
    """What is to be imported, how, and within which limits."""

    name: Annotated[
        Text, Meta(description="The job's name in reports and metrics; the file's name when it is left out.")
    ] = ""
    description: Annotated[str, Meta(description="One or two sentences on what the job is for.")] = ""
    sources: Annotated[
        tuple[Text | Source, ...],
        Meta(
            description="In order of precedence: of two rows with one name the first source's counts. Paths are "
            "relative to the job file."
        ),
    ] = ()
    account: Annotated[
        Text,
        about("The account's id." + _FILLED, "${CLOUDFLARE_ACCOUNT_ID}", variable="CLOUDFLARE_ACCOUNT_ID", filled=True),
    ] = ""
    token_file: Annotated[
        Text,
        about(
            "The file that holds the API token; the token itself has no place in a job file." + _FILLED,
            "${CREDENTIALS_DIRECTORY}/cloudflare-token",
            variable="CLOUDFLARE_API_TOKEN_FILE",
            filled=True,
        ),
    ] = ""
    base_url: Annotated[
        Text,
        about(
            "The API's endpoint, where it is not Cloudflare's own.",
            "https://api.cloudflare.com/client/v4",
            variable="CLOUDFLARE_BASE_URL",
        ),
    ] = ""
    logins: Annotated[
        Text,
        about(
            "The file that says what each server of feeds is shown: host, and user, token or certificate.",
            "logins.yaml",
            metavar="FILE",
            path=True,
        ),
    ] = ""
    mapping: MappingName = ""
    map: Annotated[
        tuple[Assignment, ...],
        about(
            "The column that feeds a tag field, whatever the mapping says.", "value=Group name", metavar="FIELD=COLUMN"
        ),
    ] = ()
    mode: Annotated[Mode, about("What may be done: create and nothing else, update, or upsert for both.")] = Mode.CREATE
    lists: Annotated[
        Lists,
        about(
            "What an update does to other names and links: replace them, or add what is new (union). As usual it adds, "
            "and replaces in tags with the mark of this job if it has one source."
        ),
    ] = Lists.AUTO
    category: Annotated[Text, about("Name or UUID of the category that new tags are given.", metavar="NAME|UUID")] = ""
    create_category: Annotated[bool, about("Create the category when there is none of that name.")] = False
    decisions: Annotated[
        Text,
        about(
            "What people have decided about pairs of actors, other names and issues.",
            "decisions.yaml",
            path=True,
        ),
    ] = ""
    evidence: Annotated[
        tuple[Text, ...],
        about(
            "A list of which each row names one actor in all its names, such as Microsoft's mapping: a pair of actors "
            "that it backs needs no person.",
            "MicrosoftMapping.json",
            metavar="FILE",
            path=True,
        ),
    ] = ()
    reading: Reading = Reading()
    limits: RunLimits = RunLimits()
    marking: Marking = Marking()
    collisions: CollisionRules = CollisionRules()
    pacing: Pacing = Pacing()
    output: Output = Output()

    def __repr__(self) -> str:
        """Without its values, some of which are secrets."""
        return f"{type(self).__name__}({self.name!r})"

    UNKNOWN_KEYS: ClassVar[Mapping[str, str]] = {
        key: _NO_SECRETS.format(key) for key in ("token", "api_token", "apitoken", "api-token", "password", "secret")
    }


class Origin(IntEnum):
    """Where a setting was given; the higher overrides the lower."""

    JOB = 1
    ENVIRONMENT = 2
    FLAG = 3


class Given(NamedTuple):
    """Where a setting was given, and how that place is called in a message: `--mode`, a variable, `job.yaml:3:5`."""

    origin: Origin
    place: str
