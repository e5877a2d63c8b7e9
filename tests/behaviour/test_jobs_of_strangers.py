"""A job file may be anything at all, and is refused in a sentence."""

from __future__ import annotations

import pytest

from tests.behaviour.inside import Here

_LONG = "x" * 100_000
_NUMBER = "9" * 5_000


@pytest.mark.parametrize(
    "line",
    [f"name: {_LONG}", f"name: {_NUMBER}", f"sources: {_LONG}.csv", f"mapping: {_LONG}", f"output: {{runs: {_LONG}}}",
     f"output: {{ping_url: 'https://{_LONG}'}}", 'output: {runs: "a\\0b"}', 'name: "a\\0b"', f"category: {_LONG}",
     f"pacing: {{concurrency: {_NUMBER}}}", f"pacing: {{concurrency: 0x{'f' * 5000}}}", "pacing: {grace: 1e400}",
     f"pacing: {{grace: {_NUMBER}}}", f"limits: {{creates: {_NUMBER}, updates: {_NUMBER}%}}", f"{_LONG}: 1",
     f"reading: {{header_row: {_NUMBER}, encoding: {_LONG}}}", f"pacing: {{quota: {':'.join(['59'] * 3000)}}}"],
    ids=lambda line: line[:24],
)  # fmt: skip
def test_what_is_far_too_long_is_a_sentence(here: Here, line: str) -> None:
    """A text or number without end, or a NUL in a name, is a problem of the job with its place, in few words."""
    (here.folder / "a.csv").write_text("name\nRed Fox\n")
    (here.folder / "job.yaml").write_text(f"{line}\n" + ("" if line.startswith("sources") else "sources: a.csv\n"))
    for words in (("validate", "job.yaml"), ("apply", "job.yaml", "--sandbox", "--yes")):
        ran = here(*words)
        assert (ran.code, "job.yaml" in ran.err, len(ran.err) < 1_000) == (2, True, True)
