"""Every setting as data: its place in a job file, its flag, its environment variable, what it may be.

The job file's parser, its JSON Schema, the environment and the flags are all read off this table.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from msgspec import Struct


class Shape(Enum):
    """What a setting's value is."""

    TEXT = auto()
    PATH = auto()
    """A path; in a job file it is taken from the job file's own folder."""
    TEXTS = auto()
    FLAG = auto()
    COUNT = auto()
    """A whole number."""
    SECONDS = auto()
    """A number of seconds, or text like `15 min`."""
    SHARE = auto()
    """A per cent (`10%`), or a number of calls."""
    LIMIT = auto()
    """A number, a per cent, or none."""
    WORD = auto()
    MAPPING = auto()
    """A preset's name or a mapping file's path."""
    ENV_TEXT = auto()
    """Text in which `${VARIABLE}` is filled in."""
    ENV_PATH = auto()
    """A path in which `${VARIABLE}` is filled in."""


class Option(Struct, frozen=True):
    """One setting."""

    name: str
    """What the flag is called in the namespace: `max_creates` for --max-creates."""
    key: str
    """Its place in a job file: `limits.creates`; empty where a job file has none."""
    shape: Shape
    meaning: str
    words: tuple[str, ...] = ()
    least: int = 0
    example: str = ""
    variable: str = ""
    """The environment variable; TAG_IMPORTER_ and the name where it has no other."""

    @property
    def env(self) -> str:
        return self.variable or f"TAG_IMPORTER_{self.name.upper()}"


S = Shape
OPTIONS: Final[tuple[Option, ...]] = (
    Option("account", "account", S.ENV_TEXT, "The account's id; `${VARIABLE}` is filled in.",
           variable="CLOUDFLARE_ACCOUNT_ID", example="${CLOUDFLARE_ACCOUNT_ID}"),
    Option("token_file", "token_file", S.ENV_PATH, "The file that holds the API token; `${VARIABLE}` is filled in. "
           "The token itself has no place in a job file.", variable="CLOUDFLARE_API_TOKEN_FILE",
           example="${CREDENTIALS_DIRECTORY}/cloudflare-token"),
    Option("base_url", "base_url", S.TEXT, "The API's endpoint, where it is not Cloudflare's own.",
           variable="CLOUDFLARE_BASE_URL", example="https://api.cloudflare.com/client/v4"),
    Option("mapping", "mapping", S.MAPPING, "A preset or a mapping file, for all sources that do not name their own; "
           "chosen by the shape of each source when it is left out.", example="spreadsheet"),
    Option("mode", "mode", S.WORD, "What may be done: create (the default, and only that), update, or upsert for both.",
           words=("create", "upsert", "update")),
    Option("category", "category", S.TEXT, "Name or UUID of the category that new tags are given."),
    Option("create_category", "create_category", S.FLAG, "Create the category when there is none of that name."),
    # reading
    Option("sheet", "reading.sheets", S.TEXTS, "Only these sheets of a workbook."),
    Option("include_hidden", "reading.include_hidden", S.FLAG, "Read hidden sheets too."),
    Option("include_revoked", "reading.include_revoked", S.FLAG, "Read revoked and deprecated STIX objects too."),
    Option("header_row", "reading.header_row", S.COUNT, "The row of the header, 1 is the first; found by itself when "
           "it is left out.", least=1),
    Option("encoding", "reading.encoding", S.TEXT, "Encoding of text files; found by itself when it is left out.",
           example="utf-8"),
    Option("delimiter", "reading.delimiter", S.TEXT, "Delimiter of text files; `tab` is a word for it.", example=";"),
    Option("records", "reading.records", S.TEXT, "Where the list stands in JSON or YAML.", example="data.actors[]"),
    # limits
    Option("max_creates", "limits.creates", S.LIMIT, "Stop when more tags than this would be created.", example="200"),
    Option("max_updates", "limits.updates", S.LIMIT, "Stop when more tags than this would be updated (default 30%).",
           example="30%"),
    Option("max_deletes", "limits.deletes", S.LIMIT, "Stop when more tags than this would be deleted (default 10%).",
           example="10%"),
    Option("max_shrink", "limits.shrink", S.LIMIT, "Stop when the sources lost more rows than this since last time "
           "(default 30%).", example="30%"),
    Option("allow_empty", "limits.allow_empty", S.FLAG, "Go on although the sources hold no rows."),
    # marking
    Option("managed_by", "marking.managed_by", S.TEXT, "Marks tags made here with `properties.managed_by`; the job's "
           "own name for it.", example="nightly"),
    Option("adopt", "marking.adopt", S.FLAG, "Update, and mark, tags that carry no mark yet."),
    Option("prune", "marking.prune", S.FLAG, "Delete marked tags that left the sources."),
    # pacing
    Option("quota", "pacing.quota", S.COUNT, "Calls in a window; what the server announces when it is left out.",
           least=1, example="1200"),
    Option("window", "pacing.window", S.SECONDS, "Length of the window.", example="300"),
    Option("reserve", "pacing.reserve", S.SHARE, "What is left to people at the dashboard: a share of the quota, or "
           "a number of calls (default 10%).", example="10%"),
    Option("concurrency", "pacing.concurrency", S.COUNT, "Calls at once (default 50).", least=1),
    Option("max_wait", "pacing.max_wait", S.SECONDS, "Stop, resumable, rather than wait longer (default 15 min).",
           example="15 min"),
    Option("grace", "pacing.grace", S.SECONDS, "How long reads may lag behind writes (default 35 s).", example="35"),
    Option("timeout", "pacing.timeout", S.SECONDS, "How long a call may take (default 30 s).", example="30"),
    Option("wait", "pacing.lock_wait", S.SECONDS, "Wait this long for another run on the same account to end "
           "(default 0).", example="10 min"),
    # output
    Option("runs_dir", "output.runs", S.PATH, "The folder in which each run makes its own.",
           example="tag-importer-runs"),
    Option("keep", "output.keep_runs", S.COUNT, "After a run, keep only this many finished runs of the folder.",
           least=1, example="30"),
    Option("metrics_file", "output.metrics_file", S.PATH, "Prometheus metrics are written here.",
           example="/var/lib/node_exporter/textfile/tag-importer.prom"),
    Option("ping_url", "output.ping_url", S.ENV_TEXT, "A heartbeat URL to call at the end; `${VARIABLE}` is filled in.",
           example="${HEARTBEAT_URL}"),
    Option("ping_url_file", "output.ping_url_file", S.ENV_PATH, "The file that holds the heartbeat URL.",
           example="${CREDENTIALS_DIRECTORY}/heartbeat-url"),
    Option("log_format", "output.log_format", S.WORD, "Form of the lines on standard error.", words=("text", "json")),
    Option("fsync", "output.fsync", S.WORD, "How the journal is kept safe from a power loss (default batch).",
           words=("none", "batch", "always")),
    # no place in a job file
    Option("sandbox_db", "", S.PATH, "Database of the embedded sandbox."),
)  # fmt: skip

GROUPS: Final[dict[str, str]] = {
    "reading": "How the sources are read.",
    "limits": "Safety limits: a number, a per cent of the tags, or none.",
    "marking": "Marks by which the job knows its own tags.",
    "collisions": "How bad each kind of collision of names is.",
    "pacing": "How the API's limit is shared.",
    "output": "What a run leaves behind.",
}
SOURCE_OPTIONS: Final = ("mapping", "sheet", "include_hidden", "include_revoked", "header_row", "encoding", "delimiter",
                         "records")  # fmt: skip
"""Settings that one source may have for itself."""
COLLISION_KINDS: Final = ("alias-is-name", "alias-shared", "alias-in-account", "similar-name")
COLLISION_WORDS: Final = ("error", "warning", "info", "off")


def option_named(name: str) -> Option:
    """The setting with this name."""
    return next(option for option in OPTIONS if option.name == name)
