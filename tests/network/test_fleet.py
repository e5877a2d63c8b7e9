"""Many jobs in one command: in turn on each token, tokens side by side, one table, and one file that says it all."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from importer.reports.fleet import fleet_schema

from .many_tokens import TOKENS, Ended, Server, ended, jobs, many_tokens, start


async def apply(server: Server, folder: Path, *words: str) -> Ended:
    return await ended(await start(server, folder, "apply", *words))


def fleet(folder: Path) -> Any:
    """fleet.json of the folder; it keeps to its schema, and its totals are the sums of its jobs."""
    found = json.loads((folder / "fleet.json").read_text())
    jsonschema.validate(found, fleet_schema())
    totals, results = found["totals"], found["jobs"]
    for key in ("rows", "calls", "retries", "answers_429"):
        assert totals[key] == sum(job[key] for job in results)
    assert totals["jobs"] == len(results)
    assert sum(totals["counts"].values()) == sum(sum(job["counts"].values()) for job in results)
    return found


def codes(found: Any) -> dict[str, int | None]:
    return {job["job"]: job["exit_code"] for job in found["jobs"]}


async def running(folder: Path, *names: str) -> None:
    """Return when these jobs are under way."""
    for _ in range(1000):
        if (folder / "fleet.json").exists():
            states = {job["job"]: job["state"] for job in json.loads((folder / "fleet.json").read_text())["jobs"]}
            if all(states[name] in ("running", "ended") for name in names):
                return
        await asyncio.sleep(0.02)
    raise AssertionError("they did not begin")


@pytest.mark.parametrize("headers", ["none", "right"])
async def test_the_limit_of_a_token_holds_over_all_its_jobs(headers: str, tmp_path: Path) -> None:
    """Two tokens with several accounts each: every tag once, no 429, and no window with more calls than the limit."""
    accounts = {"a1": "a", "b1": "b", "a2": "a", "b2": "b", "a3": "a"}
    jobs(tmp_path, accounts, 30)
    async with many_tokens(headers) as server:
        done = await apply(server, tmp_path, "jobs", "--out", "fleet")
        assert done.code == 0, done.err + done.out
        assert {name: len(set(made)) for name, made in server.made.items()} == dict.fromkeys(accounts, 30)
        assert sum(map(len, server.made.values())) == 150
        assert (server.refused, server.most <= server.quota) == ([], True)
    found = fleet(tmp_path / "fleet")
    assert (found["exit_code"], codes(found)) == (0, dict.fromkeys(sorted(accounts), 0))
    assert found["totals"]["counts"] == {"created": 150}
    assert (found["totals"]["groups"], found["totals"]["jobs"]) == (2, 5)
    for job in found["jobs"]:
        summary = json.loads((Path(job["run"]) / "summary.json").read_text())
        assert (summary["rows"], summary["job"], summary["calls"]["total"]) == (job["rows"], job["job"], job["calls"])
        assert f'exit_code{{import="{job["job"]}"}} 0.0' in (tmp_path / "metrics" / f"{job['job']}.prom").read_text()
    written = "".join(path.read_text() for path in (tmp_path / "fleet").iterdir()) + done.out + done.err
    assert not any(token in written for token in TOKENS.values())


async def test_one_jobs_failure_stops_no_other(tmp_path: Path) -> None:
    """A job whose list is gone, one that is broken and one that has no token end with their codes; the rest is done."""
    jobs(tmp_path, {"a1": "a", "a2": "a", "b1": "b", "b2": "nobody", "b3": "b"}, 3)
    (tmp_path / "jobs" / "list.yaml").write_text("- name: Grey Wolf\n  country: FR\n- name: Red Kite\n  country: DE\n")
    (tmp_path / "a1.csv").unlink()
    with (tmp_path / "jobs" / "b1.yaml").open("a") as file:
        file.write("moode: x\n")
    (tmp_path / "b3.csv").write_text("name,country\nRed Fox,Atlantis\n,France\n")
    async with many_tokens() as server:
        names = ("a1", "a2", "b1", "b2", "b3", "list", "gone")
        words = (*(f"jobs/{name}.yaml" for name in names), "--out", "fleet", "--format", "json")
        done = await apply(server, tmp_path, *words)
        assert (sorted(server.made["a2"]), server.made["b3"]) == ([f"a2 Actor {row}" for row in range(3)], ["Red Fox"])
    found = fleet(tmp_path / "fleet")
    assert codes(found) == {"a1": 3, "a2": 0, "b1": 2, "b2": 2, "b3": 1, "list": 2, "gone": 2}
    assert done.code == found["exit_code"] == 2, "usage is worse than a source, and rows that need work"
    assert json.loads(done.out) == found
    assert "moode" in found["jobs"][2]["message"]
    assert 'exit_code{import="a1"} 3.0' in (tmp_path / "metrics" / "a1.prom").read_text()


@pytest.mark.parametrize("variable", ["CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN"])
async def test_no_variable_sends_all_lists_to_one_account(variable: str, tmp_path: Path) -> None:
    """Where jobs name accounts and tokens of their own, one that is set for all of them is refused, and named."""
    jobs(tmp_path, {"a1": "a", "b1": "b"}, 2)
    async with many_tokens() as server:
        done = await ended(await start(server, tmp_path, "apply", "jobs", **{variable: "0123456789"}))
        assert (done.code, f"env -u {variable}" in done.err, dict(server.made)) == (2, True, {})


async def test_a_revoked_token_ends_its_own_jobs_alone(tmp_path: Path) -> None:
    """What is left of that token is not attempted, with the reason and what takes it up; other tokens go on."""
    jobs(tmp_path, {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b"})
    async with many_tokens(revoke_after={TOKENS["a"]: 25}) as server:
        done = await apply(server, tmp_path, "jobs", "--out", "fleet")
        assert len(server.made["a3"]) == 0
        assert [len(server.made[name]) for name in ("a1", "b1", "b2")] == [20, 20, 20]
        found = fleet(tmp_path / "fleet")
        assert (done.code, codes(found)) == (4, {"a1": 0, "a2": 4, "a3": 4, "b1": 0, "b2": 0})
        _, second, third, *_ = found["jobs"]
        assert (second["state"], third["state"], third["run"]) == ("ended", "not-attempted", "")
        assert "the token was refused in job a2" in third["message"]
        assert third["message"] in done.out
        assert second["command"] in done.out
        server.revoke_after.clear()
        words = second["command"].split()[1:]
        assert (await ended(await start(server, tmp_path, *words))).code == 0
        assert sorted(server.made["a2"]) == sorted(f"a2 Actor {row}" for row in range(20))
        assert 'exit_code{import="a2"} 0.0' in (tmp_path / "metrics" / "a2.prom").read_text(), (
            "its job's, not named again"
        )
        part = await apply(server, tmp_path, "jobs/a3.yaml", "jobs/b1.yaml", "--out", "fleet", "--resume")
        assert (part.code, "3 other jobs" in part.err) == (2, True), "what became of them would be lost"
        again = await apply(server, tmp_path, "jobs", "--out", "fleet", "--resume")
    assert (again.code, codes(fleet(tmp_path / "fleet"))) == (0, dict.fromkeys(["a1", "a2", "a3", "b1", "b2"], 0))
    assert sorted(server.made["a3"]) == sorted(f"a3 Actor {row}" for row in range(20))


async def test_an_account_that_is_refused_is_not_the_token(tmp_path: Path) -> None:
    """Where one account refuses a token that others accept, its other jobs are done all the same."""
    jobs(tmp_path, {"a1": "a", "a2": "a", "a3": "a"}, 3)
    async with many_tokens() as server:
        server.forbidden.add("a2")
        done = await apply(server, tmp_path, "jobs", "--out", "fleet")
        assert (done.code, codes(fleet(tmp_path / "fleet"))) == (4, {"a1": 0, "a2": 4, "a3": 0})
        nowhere = await apply(server, tmp_path, "jobs", "--out", "a1.csv/fleet")
        assert (nowhere.code, "cannot be used" in nowhere.err) == (2, True)


async def test_another_run_of_the_token_is_waited_for_or_told(tmp_path: Path) -> None:
    """While a fleet is at a token no process beside it uses it, not even between two jobs; its other tokens it does."""
    jobs(tmp_path, {"a1": "a", "a2": "a", "b1": "b", "c1": "c"}, 5)
    async with many_tokens() as server:
        server.gates["a1"] = asyncio.Event()
        words = ("apply", "jobs", "--out", "one", "--group", await _group(server, tmp_path))
        first = await start(server, tmp_path, *words)
        while not server.made["a1"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
        second = await apply(server, tmp_path, "jobs", "--out", "two")
        assert (second.code, codes(fleet(tmp_path / "two"))) == (7, {"a1": 7, "a2": 7, "b1": 0, "c1": 0})
        assert "holds the lock for this token" in second.out
        third = await start(server, tmp_path, "apply", "jobs", "--out", "three", "--wait", "60")
        await running(tmp_path / "three", "b1")
        server.gates["a1"].set()
        assert [(await ended(process)).code for process in (first, third)] == [0, 0]
        assert {name: len(made) for name, made in server.made.items()} == dict.fromkeys(["a1", "a2", "b1", "c1"], 5)


async def _places(server: Server, folder: Path, place: str) -> list[str]:
    """The jobs that an Indexed Job's index carries out."""
    words = ("apply", "jobs", "--group", place, "--groups", "--format", "json")
    found = json.loads((await ended(await start(server, folder, *words))).out)
    return [job["job"] for group in found["groups"] for job in group["jobs"]]


async def _group(server: Server, folder: Path) -> str:
    """The group of the first job."""
    listed = await ended(await start(server, folder, "apply", "jobs", "--groups", "--format", "json"))
    groups = json.loads(listed.out)["groups"]
    assert [[job["job"] for job in group["jobs"]] for group in groups] == [["a1", "a2"], ["b1"], ["c1"]]
    for place, group in enumerate(groups):  # what an Indexed Job calls it by
        one = await ended(
            await start(server, folder, "apply", "jobs", "--group", f"{place}", "--groups", "--format", "json")
        )
        assert json.loads(one.out)["groups"] == [group]
    none = await ended(await start(server, folder, "apply", "jobs", "--group", "3"))
    assert (none.code, groups[2]["group"] in none.err) == (2, True)
    (folder / "jobs" / "a0.yaml").write_text("sources: x.csv\nmoode: x\n")
    placed = [await _places(server, folder, f"{place}") for place in range(3)]
    assert placed == [["a1", "a2", "a0"], ["b1"], ["c1"]], "a broken job is told with the first token, and moves none"
    (folder / "jobs" / "a0.yaml").unlink()
    assert not server.made
    return str(groups[0]["group"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_stopped_fleets_are_taken_up_again(number: signal.Signals, tmp_path: Path) -> None:
    """After Ctrl-C and after kill -9: `--resume` finishes what was begun and what was not, and makes nothing twice."""
    jobs(tmp_path, {"a1": "a", "a2": "a", "b1": "b"}, 100)
    async with many_tokens(quota=6000, latency=0.2) as server:
        first = await start(server, tmp_path, "apply", "jobs", "--out", "fleet", "--concurrency", "5", "--grace", "1")
        await running(tmp_path / "fleet", "a1", "b1")
        while min(len(server.made["a1"]), len(server.made["b1"])) < 10:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
        first.send_signal(number)
        done = await ended(first)
        found = fleet(tmp_path / "fleet")
        if number == signal.SIGKILL:
            assert {job["job"]: job["state"] for job in found["jobs"]} == {
                "a1": "running",
                "a2": "waiting",
                "b1": "running",
            }
        else:
            assert (done.code, codes(found)) == (6, {"a1": 6, "a2": 6, "b1": 6})
            assert [job["state"] for job in found["jobs"]] == ["ended", "not-attempted", "ended"]
            assert all(job["command"] in done.out for job in found["jobs"])
        refused = await apply(server, tmp_path, "jobs", "--out", "fleet")
        assert (refused.code, "--resume" in refused.err) == (2, True)
        server.latency = 0.0
        again = await apply(server, tmp_path, "jobs", "--out", "fleet", "--resume", "--grace", "1")
        assert again.code == 0, again.out + again.err
        for name in ("a1", "a2", "b1"):
            assert sorted(server.made[name]) == sorted(f"{name} Actor {row}" for row in range(100))
    found = fleet(tmp_path / "fleet")
    assert (codes(found), found["totals"]["counts"]) == ({"a1": 0, "a2": 0, "b1": 0}, {"created": 300})


async def test_a_plan_of_many_jobs_sends_nothing(tmp_path: Path) -> None:
    """`plan` has the same table, with what each job would do; changes pending are told with exit code 10."""
    jobs(tmp_path, {"a1": "a", "b1": "b"}, 3)
    async with many_tokens() as server:
        done = await ended(await start(server, tmp_path, "plan", "jobs", "--detailed-exitcode", "--out", "planned"))
        assert not any(server.made.values())
        again = await ended(await start(server, tmp_path, "plan", "jobs", "--out", "planned"))
        assert again.code == 0, "a plan gives way to the next one"
        for resume in ([], ["--resume"]):
            over = await apply(server, tmp_path, "jobs", "--out", "planned", *resume)
            assert (over.code, "tag-importer apply planned" in over.err) == (2, True), "it would be planned anew"
    found = fleet(tmp_path / "planned")
    assert (done.code, found["totals"]["counts"]) == (10, {"create": 6})


async def test_what_was_planned_of_many_jobs_is_carried_out(tmp_path: Path) -> None:
    """`apply FOLDER` does what the saved plans say, each checked as a single one is, and nothing that has no plan."""
    jobs(tmp_path, {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "c1": "c"}, 3)
    (tmp_path / "a1.csv").unlink()
    async with many_tokens() as server:
        planned = await ended(await start(server, tmp_path, "plan", "jobs", "--out", "planned"))
        assert (planned.code, "tag-importer apply planned" in planned.out) == (3, True)
        saved = {job["job"]: job["plan"] for job in fleet(tmp_path / "planned")["jobs"]}
        assert saved == {"a1": ""} | {
            name: str(tmp_path / "planned" / name / "plan.json") for name in ("a2", "b1", "b2", "c1")
        }
        (tmp_path / "a1.csv").write_text("name\nLate Wolf\n")
        with (tmp_path / "b1.csv").open("a") as file:
            file.write("Late Fox\n")
        server.made["b2"].append("b2 Actor 1")
        plan = tmp_path / "planned" / "c1" / "plan.json"
        plan.write_text(plan.read_text().replace("c1 Actor 1", "c1 Other 1"))
        late = await apply(server, tmp_path, "planned", "--mode", "create")
        assert (late.code, "came too late" in late.err) == (2, True)
        done = await apply(server, tmp_path, "planned")
        assert {name: len(made) for name, made in server.made.items() if made} == {"a2": 3, "b2": 1}
        found = fleet(tmp_path / "planned")
        assert codes(found) == {"a1": 3, "a2": 0, "b1": 5, "b2": 5, "c1": 2}
        said = {job["job"]: job["message"] for job in found["jobs"]}
        assert said["a1"].startswith("it was not planned: ")
        assert [job["command"].split()[1:2] for job in found["jobs"]] == [["plan"], [], ["apply"], ["apply"], ["apply"]]
        assert found["jobs"][2]["command"] == "tag-importer apply planned --resume"
        assert ("b1.csv changed" in said["b1"], "the account changed" in said["b2"]) == (True, True)
        assert "altered" in said["c1"]
        assert 'exit_code{import="a2"} 0.0' in (tmp_path / "metrics" / "a2.prom").read_text()
        assert done.code == found["exit_code"] == 2
        twice = await apply(server, tmp_path, "planned")
        assert (twice.code, "--resume" in twice.err) == (2, True)
        (tmp_path / "b1.csv").write_text("".join((tmp_path / "b1.csv").read_text().partition("Late Fox")[:1]))
        for words in (["planned"], ["jobs", "--out", "planned"]):
            again = await apply(server, tmp_path, *words, "--resume")
            assert again.code == 2
        assert codes(fleet(tmp_path / "planned")) == {"a1": 3, "a2": 0, "b1": 0, "b2": 5, "c1": 2}
        assert (len(server.made["a1"]), len(server.made["a2"]), len(server.made["b1"])) == (0, 3, 3)


async def test_the_wait_that_was_too_long_is_named(tmp_path: Path) -> None:
    """A job that the limit would make wait too long ends with 6, and fleet.json says when another try is worth it."""
    jobs(tmp_path, {"a1": "a", "b1": "b"}, 70)
    (tmp_path / "b1.csv").write_text("name\nRed Fox\n")
    async with many_tokens(window=40.0) as server:
        done = await apply(server, tmp_path, "jobs", "--out", "fleet", "--max-wait", "2")
    found = fleet(tmp_path / "fleet")
    assert (done.code, codes(found)) == (6, {"a1": 6, "b1": 0})
    first, second = found["jobs"]
    assert 2 < first["retry_after"] <= 41
    assert (second["retry_after"], first["command"]) == (0, f"tag-importer resume {first['run']}")


async def test_two_tokens_of_one_account_take_turns(tmp_path: Path) -> None:
    """Jobs of one account on several tokens wait for each other instead of finding its lock held."""
    jobs(tmp_path, {"a1": "a", "b1": "b"}, 30)
    job = tmp_path / "jobs" / "b1.yaml"
    job.write_text(job.read_text().replace("account: b1", "account: a1"))
    async with many_tokens(quota=6000) as server:
        done = await apply(server, tmp_path, "jobs")
        assert (done.code, len(server.made["a1"]), len(set(server.made["a1"]))) == (0, 60, 60)
