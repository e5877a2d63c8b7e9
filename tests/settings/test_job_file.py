"""Job files: read right, or every problem told with its line and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from importer.errors import JobError
from importer.model import Severity
from importer.planning.limits import Limit
from importer.settings.job_file import is_job_file, job_files, job_schema, load_job
from importer.settings.model import Given, Origin
from importer.settings.settings import Settings
from importer.shipped import shipped
from importer.text.json_schema import schema_text
from tools.schemas import schemas

FULL = """\
# yaml-language-server: $schema=../schema/job.schema.json
name: nightly
description: Keeps the account in step; set ${HOME} as you like.
account: ${CLOUDFLARE_ACCOUNT_ID}
token_file: ${CREDENTIALS_DIRECTORY}/token
sources:
  - lists/first.csv
  - path: https://example.org/feed.json
    mapping: misp-galaxy
    records: values
  - {path: 'book.xlsx', sheets: [Actors, 2024], header_row: 2}
mapping: spreadsheet
mode: upsert
category: Threat actors
reading: {include_revoked: true, delimiter: ";"}
limits: {creates: 200, updates: 25%, deletes: none, shrink: 12.5 %, allow_empty: false}
marking: {managed_by: nightly, adopt: true, prune: true}
collisions: {alias-shared: error, similar-name: off}
pacing: {quota: 600, window: 5 min, reserve: 20%, concurrency: 8, max_wait: 1 h, grace: 40, lock_wait: 90 s}
output:
  runs: /var/lib/tag-importer
  keep_runs: 30
  metrics_file: metrics/tag.prom
  ping_url: ${HEARTBEAT_URL}
  log_format: json
"""


def job(folder: Path, text: str) -> Settings:
    path = folder / "job.yaml"
    path.write_text(text, encoding="utf-8")
    return load_job(path)


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with a job, each as `line:column: message`."""
    with pytest.raises(JobError) as caught:
        job(folder, text)
    assert caught.value.exit_code == 2
    prefix = f"{folder / 'job.yaml'}:"
    details = caught.value.details or (caught.value.message,)
    assert all(detail.startswith(prefix) for detail in details), details
    return [detail.removeprefix(prefix) for detail in details]


def test_everything_that_a_job_may_say(tmp_path: Path) -> None:
    """Each setting arrives with its type, paths taken from the job's folder, variables not filled in yet."""
    read = job(tmp_path, FULL)
    assert (read.name, read.account) == ("nightly", "${CLOUDFLARE_ACCOUNT_ID}")
    assert [source.path for source in read.sources] == [
        str(tmp_path / "lists/first.csv"), "https://example.org/feed.json", str(tmp_path / "book.xlsx"),
    ]  # fmt: skip
    assert (read.sources[1].mapping, read.sources[1].records, read.sources[1].sheets) == ("misp-galaxy", "values", None)
    assert (read.sources[2].sheets, read.sources[2].header_row) == (("Actors", "2024"), 2)
    limits = read.limits
    assert (limits.creates, limits.updates, limits.deletes) == (Limit(count=200), Limit(percent=25), Limit())
    pacing = read.pacing
    assert (pacing.window, pacing.max_wait, pacing.lock_wait, pacing.reserve) == (300.0, 3600.0, 90.0, 0.2)
    assert read.output.metrics_file == str(tmp_path / "metrics/tag.prom")
    assert read.output.runs == "/var/lib/tag-importer"
    assert (read.collisions.alias_shared, read.collisions.similar_name) == (Severity.ERROR, None)
    assert read.collisions.alias_is_name is Severity.WARNING
    assert read.given["mode"] == Given(Origin.JOB, f"{tmp_path / 'job.yaml'}:13:7")
    assert "timeout" not in read.given


def test_the_short_form(tmp_path: Path) -> None:
    """A job is one line at least: its source; its name is the file's."""
    read = job(tmp_path, "sources: actors.csv\nlimits:\n")
    assert [source.path for source in read.sources] == [str(tmp_path / "actors.csv")]
    assert read.name == "job"


def test_all_problems_come_at_once_with_their_place(tmp_path: Path) -> None:
    """Misspelt keys, wrong words, wrong types: one line each, with line, column and the nearest valid word."""
    found = problems(
        tmp_path,
        """\
sources: [a.csv]
mdoe: upsert
mode: upser
mapping: spredsheet
limits:
  upates: 3
  creates: lots
pacing: {concurrency: 0, reserve: 95%, window: soon}
marking: {prune: maybe}
collisions: {alias-shard: error, similar-name: bad}
quota: 12
""",
    )
    assert [one.partition(": ")[0] for one in found] == [
        "2:1", "3:7", "4:10", "6:3", "7:12", "8:23", "8:35", "8:48", "9:18", "10:14", "10:48", "11:1",
    ]  # fmt: skip
    text = "\n".join(found)
    for hint in ("did you mean 'mode'?", "did you mean 'upsert'?", "did you mean 'spreadsheet'?",
                 "did you mean 'updates'?", "did you mean 'alias-shared'?", "it belongs under `pacing:`"):  # fmt: skip
        assert hint in text


def test_a_token_has_no_place_in_it(tmp_path: Path) -> None:
    """A token written into a job is refused, and not repeated in the message."""
    (found,) = problems(tmp_path, "sources: a.csv\ntoken: tok-s3cret\n")
    assert "tok-s3cret" not in found
    assert "token_file" in found


def test_variables_only_where_they_are_meant(tmp_path: Path) -> None:
    """`${VARIABLE}` in a source or a category is an error, not a file of that name."""
    found = problems(tmp_path, "sources: ['${HOME}/a.csv']\ncategory: ${CATEGORY}\noutput: {runs: '${X}'}\n")
    assert [one[:4] for one in found] == ["1:11", "2:11", "3:16"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sources:",
        "sources: []",
        "- a\n- b\n",
        "mode: create",
        "sources: [",
        "sources: [{mapping: stix}]",
        "sources: [[a]]",
        "sources: a\nsources: b",
        "a: &x [*x]",
        "sources: a.csv\nname: [x]",
        "? [a]\n: b",
        "sources: a\nlimits: 3\n",
        "sources: a\nreading: {sheets: [[x]]}\n",
        "sources: a\nmode: ''\n",
        "[" * 2_000,
        "a\x00: b",
    ],
)
def test_broken_jobs_are_one_error(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file, what comes is a JobError that names the file; never a traceback."""
    with pytest.raises(JobError) as caught:
        job(tmp_path, text)
    assert "job.yaml" in "\n".join((caught.value.message, *caught.value.details))


def test_yaml_tags_build_nothing(tmp_path: Path) -> None:
    """A tag that would make another loader run code is passed over: what stands behind it is text."""
    read = job(tmp_path, "sources: !!python/object/apply:os.system a.csv\n")
    assert [source.path for source in read.sources] == [str(tmp_path / "a.csv")]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder, other encodings and a huge file are told in one sentence."""
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(JobError):
            load_job(path)
    (tmp_path / "x.yaml").write_bytes(b"sources: a\nname: \xff\xfe\n")
    (tmp_path / "y.yaml").write_text("#" * 1_100_000)
    for name, said in (("x.yaml", "x.yaml:2: is not UTF-8 text"), ("y.yaml", "is larger than")):
        with pytest.raises(JobError) as caught:
            load_job(tmp_path / name)
        assert said in "\n".join((caught.value.message, *caught.value.details))


def test_the_shipped_schema_is_the_generated_one() -> None:
    """The schemas that an editor is given are what the types say; `python -m tools.generate` writes them."""
    for name, schema in schemas():
        assert shipped("schema", name).read_text("utf-8") == schema_text(schema), name
    jsonschema.Draft202012Validator.check_schema(job_schema())


def test_schema_and_parser_agree(tmp_path: Path) -> None:
    """What the parser takes the schema takes, and what the schema refuses the parser refuses."""
    validator: Any = jsonschema.Draft202012Validator(job_schema())
    assert not list(validator.iter_errors(yaml.safe_load(FULL)))
    for wrong in ("mode: upser", "mdoe: x", "limits: {creates: lots}", "pacing: {quota: 0}", "marking: {adopt: x}",
                  "pacing: {window: soon}", "pacing: {reserve: x}", "collisions: {alias-shared: bad}",
                  "reading: {header_row: x}"):  # fmt: skip
        text = f"sources: a.csv\n{wrong}\n"
        assert list(validator.iter_errors(yaml.safe_load(text))), wrong
        with pytest.raises(JobError):
            job(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "is_job"),
    [
        (FULL, True),
        ("sources: a.csv\n", True),
        ("sources: [a\n", True),
        ("name: x\nsource: a.csv\nmode: create\nlimits: {}\n", True),
        ("# yaml-language-server: $schema=../config/schema/job.schema.json\n", True),
        ("- name: APT28\n- name: APT29\n", False),
        ("name: Threat actors\ndescription: x\ntype: galaxy\nvalues:\n- value: APT28\n", False),
        ("APT28: [Sofacy]\nAPT29: [Cozy]\n", False),
        ("actors:\n- name: x\n  sources: [a]\n  mode: b\n", False),
        ("title: x\nsources: [a]\nactors: []\nversion: 1\n", False),
        ("", False),
    ],
)
def test_jobs_are_told_from_lists(tmp_path: Path, text: str, is_job: bool) -> None:
    """A YAML file is a job by its outermost keys, also when it is broken; a YAML list of actors is none."""
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    assert is_job_file(path) is is_job
    assert not is_job_file(tmp_path / "missing.yaml")


def test_no_job_of_a_folder_is_passed_over(tmp_path: Path) -> None:
    """What is empty or garbled among job files is one, to be told; what says something else is none."""
    texts = {"a": b"sources: x.csv", "cut": b"\xff\xfe\0", "empty": b"", "hosts": b"h.example: {token: x}",
             "list": b"- name: Red Fox", "remark": b"# only this\n"}  # fmt: skip
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_bytes(text)
    jobs = [str(tmp_path / f"{name}.yaml") for name in ("a", "cut", "empty", "remark")]
    assert job_files([str(tmp_path)]) == job_files([str(tmp_path / "*.yaml")]) == jobs
    assert len(job_files([jobs[0], f"{tmp_path}/./a.yaml"])) == 1
    (tmp_path / "x.csv").write_text(FULL)
    assert not is_job_file(tmp_path / "x.csv")
