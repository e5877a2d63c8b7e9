"""The DAG for Airflow, run by Airflow itself in an environment of its own beside the checkout."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from tests.beside import ROOT, beside

from .many_tokens import TOKENS, Server, jobs, many_tokens
from .servers import served

LONGEST = 400


async def _run(*words: str | Path, env: dict[str, str] | None = None) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *map(str, words), env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), LONGEST)
    except TimeoutError:
        process.kill()
        return -1, f"it took longer than {LONGEST} s"
    return process.returncode or 0, out.decode(errors="replace")


async def _kill_once(server: Server, account: str, state: Path) -> None:
    """Kill the importer that is at this account, as soon as it has made a few tags."""
    while len(server.made[account]) < 4:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.005)
    os.kill(json.loads(next((state / "locks").glob("*.json")).read_text())["pid"], signal.SIGKILL)


@asynccontextmanager
async def _before(servers: Mapping[str, Server]) -> AsyncIterator[str]:
    """One endpoint before several servers: an account's first letter says which one answers."""

    async def forward(request: web.Request) -> web.Response:
        url = f"{servers[request.path.split('/')[2][0]].base_url}{request.path_qs}"
        headers = {"Authorization": request.headers["Authorization"]}
        async with session.request(request.method, url, headers=headers, data=await request.read()) as answer:
            told = {name: value for name, value in answer.headers.items() if name.lower().startswith(("rate", "retry"))}
            body = await answer.read()
        return web.Response(body=body, status=answer.status, headers=told, content_type="application/json")

    async with ClientSession() as session, served(answer=forward) as (port, _):
        yield f"http://127.0.0.1:{port}"


async def test_three_tokens_with_four_accounts_each(tmp_path: Path) -> None:
    """One token is revoked, one worker killed: all other jobs end with 0, no 429, nothing twice, and one fleet.json."""
    python = beside("airflow", Path(__file__).with_name("airflow.lock"))
    accounts = {f"{token}{number}": token for token in TOKENS for number in range(4)}
    jobs(tmp_path, accounts, 10)
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CLOUDFLARE_", "TAG_IMPORTER_"))},
        "AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "config" / "scheduling" / "airflow"),
        "TAG_IMPORTER_JOBS": str(tmp_path / "jobs"), "TAG_IMPORTER_FLEETS": str(tmp_path / "fleets"),
        "TAG_IMPORTER_STATE_DIR": str(tmp_path / "state"), "TAG_IMPORTER_RETRY_SECONDS": "0.1",
        "TAG_IMPORTER_PROGRAM": f"env PYTHONPATH={ROOT} {sys.executable} -m importer", "TAG_IMPORTER_GRACE": "1",
    }  # fmt: skip
    async with (
        many_tokens(revoke_after={TOKENS["a"]: 15}, latency=0.02) as one, many_tokens(latency=0.02) as two,
        _before({"a": one, "b": two, "c": one}) as env["CLOUDFLARE_BASE_URL"],
    ):  # fmt: skip
        code, said = await _run(python, "-m", "airflow", "db", "migrate", env=env)
        assert code == 0, said
        killer = asyncio.ensure_future(_kill_once(two, "b1", tmp_path / "state"))
        code, said = await _run(
            python, Path(__file__).with_name("airflow_run.py"), env["AIRFLOW__CORE__DAGS_FOLDER"], env=env
        )
        assert code == 0, said
        await killer
        assert (one.refused, two.refused, set(two.by_token)) == ([], [], {TOKENS["b"]})
        made = {account: sorted(names) for account, names in (one.made | two.made).items() if names}
    ended: Any = json.loads(next(line for line in said.splitlines() if line.startswith("ENDED "))[6:])
    (path,) = (tmp_path / "fleets").glob("*/fleet.json")
    found = json.loads(path.read_text())
    codes = {job["job"]: job["exit_code"] for job in found["jobs"]}
    assert codes == {"a0": 0, "a1": 4, "a2": 4, "a3": 4} | {name: 0 for name in accounts if name[0] != "a"}
    assert {name: len(names) for name, names in made.items()} == {"a1": 5} | {
        name: 10 for name, code in codes.items() if code == 0
    }
    assert all(len(set(names)) == len(names) for names in made.values())
    assert (found["exit_code"], found["totals"]["groups"], found["totals"]["rows"]) == (4, 3, 100)
    tries = sorted(tries for task, _, state, tries in ended["tasks"] if (task, state) == ("run_group", "success"))
    assert tries == [1, 1, 2], "the killed one was tried again"
    assert ended["state"] == "failed", "a job that needs a person is not green"
    assert not any(token in said for token in TOKENS.values())
