"""Fault plans as people write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from importer.errors import UsageError
from importer.sandbox.fault_schema import json_schema
from importer.sandbox.fault_text import parse_options, read_plan
from importer.sandbox.fault_words import FAULTS
from importer.sandbox.faults import WRITES, Fault, FaultPlan, Outage
from importer.sandbox.options import fault_lines, read_options
from importer.sandbox.settings import Duplicates, Filtering, SandboxSettings
from importer.shipped import shipped

EXAMPLES = sorted(shipped("faults").glob("*.yaml"))


def test_options_and_yaml_say_the_same(tmp_path: Path) -> None:
    """The same faults, as option strings and as YAML, make the same plan."""
    path = tmp_path / "plan.yaml"
    path.write_text(
        "seed: 9\n"
        "faults:\n"
        "  - lose-after-commit: 10%\n"
        "    calls: [create, update]\n"
        "  - error-before-commit: 0.05\n"
        "    status: 502\n"
        "    body: empty\n"
        "  - slow: 1\n"
        "    seconds: 250ms\n"
        "    attempts: 1\n"
        "  - outage: 10s-15s\n"
        "    answer: cut\n"
        "  - outage: 100-200\n"
        "  - neighbour: 30/m\n"
        "  - duplicates: 409\n"
        "  - filters: ignored\n"
        "  - envelope: on\n"
        "  - stale-reads: 2s\n"
        "  - revoke-token: 7\n"
        "  - shifting-pages: 50%\n"
        "  - per-second: 200\n"
        "  - page-size-limit: 10\n"
        "  - fixed-window: true\n"
        "  - unknown-properties: true\n"
    )
    options = [
        "lose-after-commit=10%,calls=create+update",
        "error-before-commit=5%,status=502,body=empty",
        "slow=100%,seconds=0.25,attempts=1",
        "outage=10s-15s,answer=cut",
        "outage=100-200",
        "neighbour=0.5/s",
        "duplicates=409",
        "filters=ignored",
        "envelope",
        "stale-reads=2",
        "revoke-token=7",
        "shifting-pages=0.5",
        "per-second=200",
        "page-size-limit=10",
        "fixed-window",
        "unknown-properties=yes",
    ]
    plan = read_plan(path)
    assert plan == parse_options(options, FaultPlan(seed=9))
    assert plan.faults[0] == Fault("lose-after-commit", 0.1, frozenset({"create", "update"}))
    assert plan.faults[1].statuses == (502,)
    assert plan.outages == (Outage(10, 15, status=0), Outage(100, 200, in_calls=True))
    assert (plan.neighbour, plan.revoke_after, plan.shifting_pages) == (0.5, 7, 0.5)
    settings = plan.applied_to(SandboxSettings())
    assert (settings.duplicates, settings.filtering) == (Duplicates.REFUSE_409, Filtering.NONE)
    assert (settings.envelope, settings.stale_reads) == (True, 2.0)
    assert (settings.per_second, settings.page_size_limit) == (200, 10)
    assert (settings.fixed_window, settings.unknown_properties) == (True, True)


def test_every_mistake_is_named_with_its_place(tmp_path: Path) -> None:
    """A wrong plan is refused with each mistake's file, line and column, and the nearest word."""
    path = tmp_path / "plan.yaml"
    path.write_text(
        "faults:\n"
        "  - lose-after-comit: 10%\n"
        "  - lose-after-commit: 110%\n"
        "  - slow: 10%\n"
        "    second: 2s\n"
        "  - outage: 20s-10s\n"
        "  - calls: create\n"
        "  - slow: 1%\n"
        "    calls: [craete]\n"
    )
    with pytest.raises(UsageError) as wrong:
        read_plan(path)
    details = [detail.removeprefix(str(path)) for detail in wrong.value.details]
    assert [detail.split(" ")[0] for detail in details] == [":2:5:", ":3:5:", ":5:5:", ":6:5:", ":7:5:", ":9:5:"]
    assert "did you mean 'lose-after-commit'?" in details[0]
    assert "did you mean 'seconds'?" in details[2]
    assert "did you mean 'create'?" in details[5]


@pytest.mark.parametrize(
    "text",
    [
        "faults: [",
        "- a\n",
        "faults: 3\n",
        "seed: x\n",
        "fault: []\n",
        "faults: [1]\n",
        "faults: [{slow: {a: b}}]\n",
        "",
    ],
)
def test_files_that_are_no_plan_are_refused(tmp_path: Path, text: str) -> None:
    """Whatever stands in the file, the answer is one sentence that names it."""
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"plan\.yaml"):
        read_plan(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_plan(tmp_path / "missing.yaml")


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "10%",
        "slow",
        "slow=many",
        "slow=1%,slow=2%",
        "envelope=maybe",
        "slow=1%,status=503",
        "outage=1-2,answer=200",
    ],
)
def test_options_that_are_no_fault_are_refused(spec: str) -> None:
    """A fault option that means nothing is a usage error that repeats it."""
    with pytest.raises(UsageError, match="--fault"):
        parse_options([spec])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_shipped_plans_are_right(path: Path) -> None:
    """Every shipped plan is read without complaint, fits the schema and says what it is for."""
    read_plan(path)
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    jsonschema.validate(content, json_schema())
    assert content["description"]
    assert read_plan(Path(path.stem)) == read_plan(path)
    assert path.read_text().startswith("# yaml-language-server: $schema=../schema/faults.schema.json")


def test_shipped_schema_is_current() -> None:
    """The schema that ships is the one that the parser's words make."""
    assert json.loads(shipped("schema", "faults.schema.json").read_text()) == json_schema()


def test_options_become_settings(tmp_path: Path) -> None:
    """Flags override the defaults, faults add to the plan's file, and the seed on the command line wins."""
    path = tmp_path / "plan.yaml"
    path.write_text("seed: 1\nfaults:\n  - slow: 5%\n    calls: writes\n")
    settings, plan = read_options(
        token="t",
        account="a" * 32,
        quota=100,
        window=5,
        block=0,
        latency_ms=50,
        fault_plan=path,
        faults=["stale-reads=1s"],
        seed=3,
        envelope=True,
    )
    assert (settings.token, settings.account_id, settings.quota) == ("t", "a" * 32, 100)
    assert (settings.window, settings.block, settings.latency) == (5, 0, 0.05)
    assert (settings.envelope, settings.stale_reads) == (True, 1.0)
    assert (plan.seed, plan.faults[0].calls) == (3, WRITES)
    assert read_options() == (SandboxSettings(), FaultPlan())
    assert [line[0] for line in fault_lines()] == list(FAULTS)
    assert read_options(window=7)[0].block == 7
    for wrong in ({"account": "a/b"}, {"quota": -1}, {"window": 0}, {"latency_ms": float("nan")}, {"token": "a\nb"}):
        with pytest.raises(UsageError):
            read_options(**wrong)
