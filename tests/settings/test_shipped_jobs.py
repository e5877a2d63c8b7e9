"""The examples and schedules that ship are right: each is judged by its own tool or schema, where that is here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from importer.cli.parser import build_parser
from importer.errors import ExitCode, worst
from importer.settings.job_file import is_job_file, load_job
from importer.settings.merge import merge
from importer.shipped import shipped

JOBS = sorted(shipped("jobs").glob("*.yaml"))
SCHEDULING = shipped("scheduling")
INSTALLED = "/opt/tag-importer/bin/tag-importer"


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.name)
def test_example_jobs_are_valid(path: Path) -> None:
    """Each example counts as a job, fits the shipped schema, reads without a problem and makes a plan's options."""
    assert is_job_file(path)
    schema: Any = json.loads(shipped("schema", "job.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(path.read_text("utf-8")))
    assert load_job(path).sources
    made = merge({}, {}, [str(path)])
    assert made.plan_options().mode == made.mode
    assert "job.schema.json" in path.read_text("utf-8").splitlines()[0]


def test_the_first_example_finds_its_sample() -> None:
    """config/jobs/first-import.yaml can be tried as it stands, in a checkout."""
    (source,) = load_job(shipped("jobs", "first-import.yaml")).sources
    assert Path(source.path).is_file()


def commands() -> list[tuple[str, list[str]]]:
    """Every tag-importer command line in the schedules, with the file it stands in."""
    found = []
    for path in sorted(SCHEDULING.glob("*.*")):
        for match in re.finditer(
            r"(?:^|[ =/])tag-importer ((?:apply|plan|runs) [^\n>|)]+)", path.read_text("utf-8"), re.M
        ):
            found.append((path.name, match[1].split()))
    return found


@pytest.mark.parametrize(("name", "words"), commands(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_command_lines_are_ours(name: str, words: list[str]) -> None:
    """What a schedule runs is what the program's grammar takes."""
    assert build_parser().parse_args(words).command == words[0]


def test_every_schedule_runs_a_command() -> None:
    """No schedule is left out of the check above."""
    names = {name for name, _ in commands()}
    assert names >= {"tag-importer.crontab", "tag-importer.service", "github-actions-plan.yml"}
    cronjob = list(yaml.safe_load_all((SCHEDULING / "kubernetes-cronjob.yaml").read_text("utf-8")))[1]
    container = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert container["command"] == ["tag-importer"]
    assert build_parser().parse_args(container["args"]).quiet


def test_no_schedule_holds_a_token() -> None:
    """Tokens come from files or secrets, never from a schedule itself."""
    for path in SCHEDULING.glob("*.*"):
        for line in path.read_text("utf-8").splitlines():
            value = re.search(r"CLOUDFLARE_API_TOKEN\s*[=:]\s*(\S+)", line)
            assert value is None or value[1].startswith("${{"), f"{path.name}: {line}"


def test_crontab() -> None:
    """The crontab is one that cron accepts."""
    path = SCHEDULING / "tag-importer.crontab"
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    jobs = [line for line in lines if not re.match(r"[A-Z_]+=", line)]
    assert [line.split(None, 5)[:5] for line in jobs] == [["17", "2", "*", "*", "*"]]
    assert "%" not in jobs[0], "cron takes a per cent sign for a line break"
    assert path.read_text("utf-8").endswith("\n")
    if shutil.which("crontab"):
        checked = run("crontab", "-n", path)
        assert checked.returncode == 0, checked.stderr


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with the program at a place that exists."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    for name in ("tag-importer.service", "tag-importer.timer"):
        text = (SCHEDULING / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace(INSTALLED, sys.executable), encoding="utf-8")
    return tmp_path


def test_systemd_units(units: Path) -> None:
    """systemd finds nothing to say about service and timer."""
    checked = run("systemd-analyze", "verify", "--man=no", units / "tag-importer.service", units / "tag-importer.timer")
    ours = [line for line in checked.stderr.splitlines() if "tag-importer" in line]
    assert checked.returncode == 0, checked.stderr
    assert not ours


def test_systemd_hardening(units: Path) -> None:
    """systemd's own measure of exposure calls the service OK (below 2 of 10)."""
    checked = run("systemd-analyze", "security", "--offline=yes", "--threshold=20", units / "tag-importer.service")
    if "unrecognized option" in checked.stderr:
        pytest.skip("this systemd-analyze knows no offline check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_systemd_calendar() -> None:
    """The timer's moment is one that systemd understands."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    moment = re.search(r"^OnCalendar=(.+)$", (SCHEDULING / "tag-importer.timer").read_text("utf-8"), re.M)
    assert moment is not None
    assert run("systemd-analyze", "calendar", moment[1]).returncode == 0


@pytest.mark.parametrize("name", ["kubernetes-cronjob.yaml", "kubernetes-indexed-job.yaml"])
def test_kubernetes_manifest(name: str) -> None:
    """Each object of the manifest fits Kubernetes' own schema, strictly: no unknown key."""
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    for manifest in yaml.safe_load_all((SCHEDULING / name).read_text("utf-8")):
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_the_indexed_job_tries_again_what_can_be_resumed() -> None:
    """Only a code behind which no early stop and no held lock can be ends an index; a try goes on where one ended."""
    job: Any = yaml.safe_load((SCHEDULING / "kubernetes-indexed-job.yaml").read_text("utf-8"))
    spec = job["spec"]
    (rule,) = [rule for rule in spec["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
    assert (rule["action"], rule["onExitCodes"]["operator"]) == ("FailIndex", "In")
    again = (ExitCode.STOPPED_EARLY, ExitCode.LOCKED)
    never = {code for code in ExitCode if worst([code, *again]) in again and code not in again}
    assert set(rule["onExitCodes"]["values"]) == never - {ExitCode.DONE, ExitCode.CHANGES_PENDING}
    assert spec["completionMode"] == "Indexed"
    assert spec["backoffLimitPerIndex"] > 0
    (container,) = spec["template"]["spec"]["containers"]
    asked = build_parser().parse_args(container["args"])
    assert (asked.command, asked.group, asked.resume, asked.yes) == ("apply", "$(INDEX)", True, True)
    assert {"$(JOB)", "$(INDEX)"} <= set(Path(asked.out).parts), "a second Job would find the first one's results"
    assert {"$(INDEX)", "$(JOB)"} >= {f"$({one['name']})" for one in container["env"] if "valueFrom" in one}
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts["/runs"].get("readOnly") is None
    assert {volume["name"] for volume in spec["template"]["spec"]["volumes"]} == {
        one["name"] for one in mounts.values()
    }
    assert re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", container["image"])


def test_github_workflow() -> None:
    """The workflow fits GitHub's schema of workflows."""
    pytest.importorskip("check_jsonschema")
    checked = run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows",
                  SCHEDULING / "github-actions-plan.yml")  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_read_only_container_writes_to_its_volume_alone() -> None:
    """Runs, state and metrics of the CronJob stand on a volume that it may write; its home may be nowhere."""
    manifests = yaml.safe_load_all((SCHEDULING / "kubernetes-cronjob.yaml").read_text("utf-8"))
    job = next(item for item in manifests if item["kind"] == "CronJob")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    places = {item["name"]: item["value"] for item in container["env"]}
    for name in ("TAG_IMPORTER_RUNS_DIR", "TAG_IMPORTER_STATE_DIR", "TAG_IMPORTER_METRICS_FILE"):
        assert any(Path(places[name]).is_relative_to(place) for place in writable), name


def test_what_is_fetched_is_named_by_its_content() -> None:
    """Workflows name each action by commit, the CronJob its image by digest: neither can be replaced unseen."""
    for path in SCHEDULING.glob("*.yml"):
        used = re.findall(r"uses: *(\S+)", path.read_text("utf-8"))
        assert used
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in used), used
    images = re.findall(r"image: *(\S+)", (SCHEDULING / "kubernetes-cronjob.yaml").read_text("utf-8"))
    assert images
    assert all(re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", image) for image in images), images


def test_a_pull_request_brings_lists_and_nothing_that_is_run() -> None:
    """Job, mappings and program come from the base branch; of the head only lists/ is taken, without links."""
    workflow: Any = yaml.safe_load((SCHEDULING / "github-actions-plan.yml").read_text("utf-8"))
    steps = workflow["jobs"]["plan"]["steps"]
    first, second = (step["with"] for step in steps if "checkout" in step.get("uses", ""))
    assert first["ref"].endswith("base.sha }}")
    assert (second["ref"].endswith("head.sha }}"), second["path"], second["sparse-checkout"]) == (
        True,
        "proposed",
        "lists",
    )
    moved = next(step["run"] for step in steps if "proposed" in step.get("run", ""))
    assert re.findall(r"mv (\S+) (\S+)", moved) == [("proposed/lists", "lists")]
    assert moved.index("-not -type f -not -type d -delete") < moved.index("mv ")
    later = steps[[step.get("run", "") for step in steps].index(moved) + 1 :]
    assert not any("proposed" in str(step) for step in later)
