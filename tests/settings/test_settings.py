"""Settings: file, then environment, then flags; secrets out of sight."""

from __future__ import annotations

import argparse
import errno
import os
import re
from pathlib import Path
from typing import Any

import pytest

from importer.cli.parser import build_parser
from importer.errors import JobError, UsageError
from importer.mapping.spec import ReadHints
from importer.model import Severity
from importer.planning.limits import Limit, RunLimits
from importer.settings.merge import merge
from importer.settings.model import Marking, Output, Pacing, Source
from importer.settings.options import OPTIONS, option_named
from importer.settings.settings import Settings
from importer.sources.options import Reading

JOB = """\
name: nightly
account: ${ACCOUNT}
token_file: ${CREDS}/token
sources:
  - a.csv
  - {path: b.csv, mapping: stix, delimiter: tab, sheets: [One]}
mapping: spreadsheet
mode: upsert
reading: {delimiter: ;, header_row: 3}
limits: {updates: 20%}
marking: {managed_by: nightly, prune: true}
collisions: {alias-shared: error}
pacing: {reserve: 120, quota: 600, grace: 1 min}
output: {runs: runs, keep_runs: 7, ping_url: "${HEART}"}
"""


def made(folder: Path, flags: Any = None, **environ: str) -> Settings:
    (folder / "job.yaml").write_text(JOB, encoding="utf-8")
    return merge(flags or {}, environ, [str(folder / "job.yaml")])


def test_flags_override_the_environment_which_overrides_the_file(tmp_path: Path) -> None:
    """The same setting given three times: the flag counts, then the variable, then the file."""
    assert made(tmp_path).mode == "upsert"
    assert made(tmp_path, TAG_IMPORTER_MODE="update").mode == "update"
    assert made(tmp_path, {"mode": "create"}, TAG_IMPORTER_MODE="update").mode == "create"
    assert made(tmp_path, {"max_updates": "5"}).limits.updates == Limit(count=5)
    assert made(tmp_path, TAG_IMPORTER_MODE=" ").mode == "upsert", "an empty variable says nothing"


def test_the_parts_of_a_job(tmp_path: Path) -> None:
    """A job becomes what planning, pacing and outputs ask for; what it leaves out has its default."""
    one = made(tmp_path)
    options = one.plan_options()
    assert (options.mode, options.managed_by, options.prune) == ("upsert", "tag-importer:nightly", True)
    assert options.collisions.alias_shared is Severity.ERROR
    assert one.limits.updates == Limit(percent=20)
    assert one.limits.deletes == Limit(percent=10, floor=10)
    pacing = one.pacing
    assert (pacing.quota, pacing.window, one.reserve, pacing.grace, pacing.max_wait) == (600, None, 0.2, 60.0, 900.0)
    assert (one.runs_dir, one.output.keep_runs, one.output.metrics_file) == (tmp_path / "runs", 7, "")
    assert (one.name, one.out, one.output.log_format, one.quiet, one.pacing.concurrency) == (
        "nightly",
        None,
        "text",
        False,
        50,
    )


def test_a_run_without_a_job_file() -> None:
    """Flags and sources alone make settings, with the documented defaults."""
    one = merge({"yes": True, "out": "here", "fault": ["a=1%"], "sandbox": True}, {}, ["x.csv", "y.json"])
    assert [source.path for source in one.sources] == ["x.csv", "y.json"]
    assert (one.yes, one.sandbox, one.faults, one.out) == (True, True, ("a=1%",), Path("here"))
    assert (one.mode, one.runs_dir, one.reserve, one.output.fsync) == (
        "create",
        Path("tag-importer-runs"),
        0.1,
        "batch",
    )
    assert one.database == Path("tag-importer-runs/sandbox.sqlite3")
    assert one.heartbeat() == ""


def test_reading_is_settled_source_by_source(tmp_path: Path) -> None:
    """A flag counts for all sources, then the source's own word, then the job's, then the mapping's."""
    hints = ReadHints(records="values", header_row=9, per_sheet_header={"S": 2}, sheets=("Hinted",))
    one = made(tmp_path)
    first, second = one.sources
    assert (one.mapping_for(first), one.mapping_for(second)) == ("spreadsheet", "stix")
    assert one.read_options(first, hints).delimiter == ";"
    read = one.read_options(second, hints)
    assert (read.delimiter, read.sheets, read.header_row, read.records) == ("\t", ("One",), 3, "values")
    flagged = made(tmp_path, {"delimiter": "|", "mapping": "misp-galaxy", "sheet": ["Two"]})
    assert flagged.read_options(flagged.sources[1], hints).delimiter == "|"
    assert flagged.read_options(flagged.sources[1]).sheets == ("Two",)
    assert flagged.mapping_for(flagged.sources[1]) == "misp-galaxy"
    bare = merge({}, {}, ["x"])
    assert bare.read_options(Source(path="x"), hints).per_sheet_header == {"S": 2}
    assert bare.read_options(Source(path="x"), hints).header_row == 9


def test_credentials_from_the_environment() -> None:
    """Account, token and endpoint come from the variables that the official SDKs use."""
    environ = {"CLOUDFLARE_ACCOUNT_ID": "acc", "CLOUDFLARE_API_TOKEN": " tok-s3cret\n",
               "CLOUDFLARE_BASE_URL": "http://127.0.0.1:1/client/v4/"}  # fmt: skip
    found = merge({}, environ, ["x.csv"]).credentials()
    assert (found.account, found.token, found.base_url) == ("acc", "tok-s3cret", "http://127.0.0.1:1/client/v4")


def test_credentials_of_a_job(tmp_path: Path) -> None:
    """Variables and the secret file of a job are used; the environment's own token overrides them."""
    (tmp_path / "token").write_text("tok-file\n")
    filled = {"ACCOUNT": "acc", "CREDS": str(tmp_path)}
    assert made(tmp_path, **filled).credentials().token == "tok-file"
    assert made(tmp_path, **filled).credentials().account == "acc"
    assert made(tmp_path, **filled, CLOUDFLARE_API_TOKEN="tok-env").credentials().token == "tok-env"
    (tmp_path / "other").write_text("tok-other")
    other = str(tmp_path / "other")
    assert made(tmp_path, **filled, CLOUDFLARE_API_TOKEN_FILE=other).credentials().token == "tok-other"


def test_what_is_missing_is_named_at_once() -> None:
    """Without account and token one error names both variables; nothing is asked for until it is needed."""
    one = merge({}, {}, ["x.csv"])
    with pytest.raises(UsageError) as caught:
        one.credentials()
    text = " ".join((caught.value.message, *caught.value.details, caught.value.hint))
    assert "CLOUDFLARE_ACCOUNT_ID" in text
    assert "CLOUDFLARE_API_TOKEN" in text
    assert caught.value.then == "{again} --sandbox"
    with pytest.raises(UsageError, match="CLOUDFLARE_API_TOKEN is not set"):
        merge({}, {"CLOUDFLARE_ACCOUNT_ID": "a"}, ["x.csv"]).credentials()


def test_a_variable_that_is_not_set_names_its_line(tmp_path: Path) -> None:
    """`${ACCOUNT}` without ACCOUNT is a JobError with line and column, unless something overrides it."""
    with pytest.raises(JobError, match=r"job\.yaml:2:10: the environment variable ACCOUNT is not set"):
        made(tmp_path).credentials()
    (tmp_path / "token").write_text("tok-file")
    overridden = made(tmp_path, CLOUDFLARE_ACCOUNT_ID="acc", CREDS=str(tmp_path))
    assert overridden.credentials().account == "acc"


def test_variables_are_filled_in_once(tmp_path: Path) -> None:
    """What a variable holds is not looked at again: `${X}` inside a value is text."""
    assert made(tmp_path, HEART="https://x/${ACCOUNT}").heartbeat() == "https://x/${ACCOUNT}"
    assert made(tmp_path, TAG_IMPORTER_PING_URL="https://y/${Z}").heartbeat() == "https://y/${Z}"


def test_the_heartbeat_may_stand_in_a_file(tmp_path: Path) -> None:
    """A file named by a variable overrides the job's URL, a flag overrides both."""
    (tmp_path / "url").write_text("https://file/x\n")
    environ = {"TAG_IMPORTER_PING_URL_FILE": str(tmp_path / "url"), "HEART": "https://job/x"}
    assert made(tmp_path, **environ).heartbeat() == "https://file/x"
    assert made(tmp_path, {"ping_url": "https://flag/x"}, **environ).heartbeat() == "https://flag/x"


@pytest.mark.parametrize("content", [b"", b"two\nlines", b"\xff\xfe", b"x" * 70_000])
def test_secret_files_that_hold_none(tmp_path: Path, content: bytes) -> None:
    """An empty, long, binary or many-line token file is a sentence that does not repeat what it holds."""
    path = tmp_path / "token"
    path.write_bytes(content)
    environ = {"CLOUDFLARE_ACCOUNT_ID": "a", "CLOUDFLARE_API_TOKEN_FILE": str(path)}
    with pytest.raises(UsageError, match="one line is expected"):
        merge({}, environ, ["x"]).credentials()
    with pytest.raises(UsageError, match=f"cannot be read: {re.escape(os.strerror(errno.ENOENT))}"):
        merge({}, {**environ, "CLOUDFLARE_API_TOKEN_FILE": str(tmp_path / "none")}, ["x"]).credentials()


def test_no_secret_in_any_repr(tmp_path: Path) -> None:
    """Neither the settings nor the credentials show token or heartbeat when printed."""
    environ = {"CLOUDFLARE_ACCOUNT_ID": "a", "CLOUDFLARE_API_TOKEN": "tok-s3cret", "HEART": "https://x/s3cret"}
    one = made(tmp_path, {"ping_url": "https://y/s3cret"}, **environ)
    assert "s3cret" not in f"{one!r} {one} {one.credentials()!r}"


@pytest.mark.parametrize(
    ("flags", "environ", "said"),
    [
        ({"max_creates": "lots"}, {}, "--max-creates: expected a number, a per cent like 30%, or none, not 'lots'"),
        ({"reserve": "200%"}, {}, "--reserve: at most 90%"),
        ({"concurrency": 0}, {}, "--concurrency: expected 1 or more"),
        ({}, {"TAG_IMPORTER_MODE": "upsrt"}, "TAG_IMPORTER_MODE: unknown word 'upsrt'; did you mean 'upsert'?"),
        ({"category": ""}, {}, "--category: expected a text"),
    ],
)
def test_wrong_flags_and_variables_are_named(flags: dict[str, object], environ: dict[str, str], said: str) -> None:
    """A value that a setting does not take is a UsageError that begins with the flag or the variable."""
    with pytest.raises(UsageError) as caught:
        merge(flags, environ, ["x.csv"])
    assert caught.value.message.startswith(said)


def test_a_reserve_in_calls_has_to_fit() -> None:
    """A reserve of calls is a share of the quota, and one that leaves nothing is refused."""
    assert merge({"reserve": "120"}, {}, ["x"]).reserve == 0.1
    with pytest.raises(UsageError, match="leaves too little"):
        _ = merge({"reserve": "500", "quota": 500}, {}, ["x"]).reserve


def test_a_job_stands_alone(tmp_path: Path) -> None:
    """A job beside other sources is refused: it is not clear what its settings would hold for."""
    (tmp_path / "job.yaml").write_text(JOB)
    with pytest.raises(UsageError, match="named beside job files"):
        merge({}, {}, [str(tmp_path / "job.yaml"), "x.csv"])


def test_every_flag_has_its_setting() -> None:
    """No flag of `apply` is dropped on the way: each is a setting of the table or one that Settings names itself."""
    known = {option.name for option in OPTIONS}
    own = {"sources", "command", "out", "dry_run", "yes", "trust_plan", "sandbox", "fault", "format", "quiet"}
    own |= {"groups", "group", "resume"}  # of several jobs, above the settings of each
    parser = build_parser("apply")
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    flags = {action.dest for action in commands.choices["apply"]._actions} - {"help"}
    assert flags <= known | own, flags - known - own
    # And the other way round: what a job file can say, a flag or a variable can override.
    names = {option.name for option in OPTIONS}
    assert len({option.variable for option in OPTIONS}) == len(names) == len(OPTIONS)
    leaves = sum(
        len(type(group).__struct_fields__) for group in (Reading(), RunLimits(), Marking(), Pacing(), Output())
    )
    assert len(OPTIONS) == leaves + len({"account", "token_file", "base_url", "mapping", "map", "mode", "category",
                                         "create_category", "lists", "decisions", "evidence", "logins",
                                             "exclude", "only", "sandbox_db", "strict"})  # fmt: skip


@pytest.mark.parametrize(
    ("name", "key", "written", "value"),
    [
        ("max_wait", "pacing.max_wait", "30 min", 1800.0),
        ("timeout", "pacing.timeout", "500 ms", 0.5),
        ("wait", "pacing.lock_wait", "90", 90.0),
        ("reserve", "pacing.reserve", "20%", 0.2),
        ("max_updates", "limits.updates", "12.5 %", Limit(percent=12.5)),
        ("header_row", "reading.header_row", "4", 4),
        ("prune", "marking.prune", "true", True),
    ],
)
def test_a_value_is_written_the_same_way_everywhere(
    tmp_path: Path, name: str, key: str, written: str, value: object
) -> None:
    """Durations, shares, counts and switches: one spelling means the same in a job file, a variable and a flag."""
    group, _, inner = key.partition(".")
    (tmp_path / "job.yaml").write_text(f"sources: a.csv\n{group}: {{{inner}: {written}}}\n")
    option = option_named(name)
    job, sources = [str(tmp_path / "job.yaml")], ["a.csv"]
    flag = True if value is True else written
    made = merge({}, {}, job), merge({}, {option.variable: written}, sources), merge({name: flag}, {}, sources)
    assert [option.of(settings) for settings in made] == [value] * 3


def test_all_wrong_flags_and_variables_come_at_once() -> None:
    """Three mistakes in three places are one error with a line for each, which names the place."""
    with pytest.raises(UsageError) as caught:
        merge({"header_row": "x", "grace": "soon"}, {"TAG_IMPORTER_FSYNC": "allways"}, ["a.csv"])
    assert [line.partition(":")[0] for line in caught.value.details] == [
        "--header-row", "--grace", "TAG_IMPORTER_FSYNC",
    ]  # fmt: skip
    assert "did you mean 'always'?" in caught.value.details[2]
