"""No output shows the token: of lists that are none, of servers that echo it, of jobs that ask for it."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.behaviour.inside import Here, rows
from tests.behaviour.program import Cli
from tests.behaviour.scripted import ACCOUNT, TOKEN, Reply, Scripted, error

KEY = "Zx81kQpLmN0v2bT7yR4sWqE9aHdJfGcU3oKi"
FORMS = [TOKEN, TOKEN.upper(), TOKEN[::-1], TOKEN.encode().hex(), b64encode(f"Bearer {TOKEN}".encode()).decode(),
         "\u200b".join(TOKEN), "\x07".join(TOKEN)]  # fmt: skip


def _leaks(text: str) -> list[str]:
    """The forms of the token that can be read in `text`, invisible characters and their escapes left out."""
    for between in ("\u200b", "\x07", "\\u200b", "\\x07", "\\u0007"):
        text = text.replace(between, "")
    found = [form for form in FORMS[:4] if form.lower() in text.lower()]
    return found + [part for part in (b64encode(TOKEN.encode()).decode()[:20], FORMS[4][12:36]) if part in text]


def _files(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8", "replace") for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("form", ["text", "json", "markdown", "github", "sarif"])
@pytest.mark.parametrize("content", [KEY, f"export KEY={KEY}", f"PATH=/bin\0KEY={KEY}\0"])
def test_a_file_that_is_no_list_keeps_its_secret(cli: Cli, tmp_path: Path, form: str, content: str) -> None:
    """A key that nobody told us of is not quoted where its file is refused, as a list, a mapping or a job."""
    rows(tmp_path / "lists" / "good.csv", "Actor,Country", "Red Fox,CN")
    (tmp_path / "lists" / "bad.csv").write_text(content + "\n")
    (tmp_path / "job.yaml").write_text(content + "\n")
    for words in (("validate", "lists/bad.csv"), ("validate", "lists"), ("plan", "job.yaml"),
                  ("validate", "lists/good.csv", "--mapping", "job.yaml")):  # fmt: skip
        ran = cli(*words, "--format", form)
        assert KEY not in ran.out + ran.err, words


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_a_list_that_holds_the_token_does_not_show_it(cli: Cli, tmp_path: Path, form: str) -> None:
    """The token of this run is masked on both streams, wherever in a list it is."""
    rows(tmp_path / "a.csv", f"Actor,Country,{TOKEN}", f"{TOKEN},CN,x", "Red Fox,CN,y")
    ran = cli("plan", "a.csv", "--sandbox", "--format", form, env={"CLOUDFLARE_API_TOKEN": TOKEN})
    assert ran.code == 3
    assert not _leaks(ran.out + ran.err)
    rows(tmp_path / "b.csv", f"{TOKEN},{TOKEN[::-1]}", "x,y")
    ran = cli("validate", "b.csv", "--format", form, env={"CLOUDFLARE_API_TOKEN": TOKEN})
    assert not _leaks(ran.out + ran.err)


@pytest.mark.parametrize("echo", FORMS, ids=["plain", "upper", "reversed", "hex", "base64", "zero-width", "control"])
def test_a_server_that_echoes_the_token(cli: Cli, scripted: Scripted, tmp_path: Path, echo: str) -> None:
    """Neither the streams nor any report of the run show it, whether it came in an error or in a tag."""
    rows(tmp_path / "a.csv", "name,description", *(f"Actor {n},note" for n in range(4)))
    scripted.hold({"value": "Actor 0", "description": f"is {echo}"}, {"value": f"Mine {echo}"})
    scripted.refuse = lambda asked: error(400, 1, f"no {echo}") if asked.name == "Actor 1" else (
        Reply(403, f"<html>{echo}</html>".encode()) if asked.name == "Actor 2" else None)  # fmt: skip
    for words in (("plan", "a.csv", "--mode", "upsert"),
                  ("apply", "a.csv", "--mode", "upsert", "--yes", "--out", "run", "--grace", "0")):  # fmt: skip
        ran = cli(*words, env=scripted.env)
        assert not _leaks(ran.out + ran.err)
    assert ran.code == 1
    for name in ("results.csv", "failed.csv", "report.html", "summary.json"):
        assert not _leaks((tmp_path / "run" / name).read_text("utf-8")), name
    if echo in FORMS[:5]:  # data, in which only a whole one is looked for
        for name in ("plan.json", "journal.jsonl"):
            assert not _leaks((tmp_path / "run" / name).read_text("utf-8")), name


def test_a_server_that_gives_the_token_as_a_uuid(cli: Cli, scripted: Scripted, tmp_path: Path) -> None:
    """What answers a create is masked before it gets into the journal, from which everything else is made."""
    rows(tmp_path / "a.csv", "name,description", "Red Fox,a note")
    scripted.show = lambda tag: {**tag, "uuid": TOKEN, "updatedAt": TOKEN, "description": TOKEN}
    ran = cli("apply", "a.csv", "--yes", "--out", "run", "--grace", "0", env=scripted.env)
    assert not _leaks(ran.out + ran.err + _files(tmp_path / "run"))


def test_a_row_that_holds_the_token_is_refused(cli: Cli, scripted: Scripted, tmp_path: Path) -> None:
    """It would become a tag that others see; neither the account nor a file of the run gets it, other rows go on."""
    rows(tmp_path / "a.csv", "name,description,x", "Red Fox,a note,y", f"Blue Owl,it is {TOKEN},y", f'Elk,n,"{TOKEN},')
    (tmp_path / "b.json").write_text(json.dumps([{"name": "Gray Elk"}, {"name": TOKEN, "aliases": ["a", TOKEN]}]))
    ran = cli("apply", "a.csv", "b.json", "--yes", "--out", "run", "--grace", "0", env=scripted.env)
    assert ran.code == 1
    assert scripted.names() == ["Gray Elk", "Red Fox"]
    assert "holds the API token" in (tmp_path / "run" / "failed.csv").read_text("utf-8")
    assert not _leaks(ran.out + ran.err + _files(tmp_path / "run") + str(scripted.calls))


@pytest.mark.parametrize(
    "line",
    [
        "output: {ping_url: 'https://feeds.example/${CLOUDFLARE_API_TOKEN}'}",
        "output: {ping_url: 'https://feeds.example/${HOME}'}",
        "output: {ping_url: '${A_URL}/${HOME}'}",
        "output: {ping_url_file: '/tmp/${CLOUDFLARE_API_TOKEN}'}",
        "token_file: '${AWS_SECRET_ACCESS_KEY}'",
        "account: ${CLOUDFLARE_API_TOKEN}",
        "account: ${GITHUB_TOKEN}",
    ],
)
def test_a_job_fills_in_no_secret(here: Here, line: str) -> None:
    """A variable with a secret, or any other one for a host that the job names, is refused at its line."""
    (here.folder / "job.yaml").write_text(f"sources: a.csv\n{line}\n")
    rows(here.folder / "a.csv", "name", "Red Fox")
    environ = {"CLOUDFLARE_API_TOKEN": TOKEN, "AWS_SECRET_ACCESS_KEY": KEY, "GITHUB_TOKEN": KEY, "A_URL": "https://a.b"}
    ran = here("plan", "job.yaml", env=environ)
    assert ran.code == 2
    assert "job.yaml:2:" in ran.err
    assert KEY not in ran.err


@pytest.mark.parametrize(
    "url",
    ["https://feeds.example/v4", "https://api.cloudflare.com.feeds.example", "https://cloudflare.com@feeds.example",
     "https://notcloudflare.com", "https://192.0.2.7/client/v4", "http://feeds.example"],
)  # fmt: skip
@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes")])
def test_a_job_does_not_choose_who_gets_the_token(here: Here, url: str, command: tuple[str, ...]) -> None:
    """An endpoint of a job that is neither Cloudflare's nor loopback is refused before anything is sent."""
    (here.folder / "job.yaml").write_text(f"sources: a.csv\nbase_url: {url}\n")
    rows(here.folder / "a.csv", "name", "Red Fox")
    ran = here(*command, "job.yaml", env={"CLOUDFLARE_ACCOUNT_ID": ACCOUNT, "CLOUDFLARE_API_TOKEN": TOKEN})
    assert ran.code == 2
    assert not _leaks(ran.err + _files(here.folder))


def test_a_job_does_not_send_a_file_of_its_choice_to_this_machine(here: Here, scripted: Scripted) -> None:
    """A token file and a loopback endpoint of one job would hand any line of any file to whatever listens there."""
    (here.folder / "a-file").write_text(f"{TOKEN}\n")
    (here.folder / "a-file").chmod(0o600)
    rows(here.folder / "a.csv", "name", "Red Fox")
    base = scripted.env["CLOUDFLARE_BASE_URL"]
    (here.folder / "job.yaml").write_text(f"sources: a.csv\ntoken_file: a-file\nbase_url: {base}\n")
    account = {"CLOUDFLARE_ACCOUNT_ID": ACCOUNT}
    ran = here("plan", "job.yaml", env=account)
    assert ran.code == 2
    assert "job.yaml:3" in ran.err
    assert not scripted.calls
    assert here("plan", "job.yaml", env={**account, "CLOUDFLARE_BASE_URL": base}).code == 0
    assert here("plan", "job.yaml", env={**account, "CLOUDFLARE_API_TOKEN": TOKEN}).code == 0


def test_another_endpoint_is_named(here: Here, scripted: Scripted) -> None:
    """Where the environment, or a job on loopback, leads elsewhere than to Cloudflare, the log says where to."""
    rows(here.folder / "a.csv", "name", "Red Fox")
    ran = here.ok("plan", "a.csv", env=scripted.env)
    assert f"go to {scripted.env['CLOUDFLARE_BASE_URL']}, not to https://api.cloudflare.com" in ran.err
    (here.folder / "job.yaml").write_text(f"sources: a.csv\nbase_url: {scripted.env['CLOUDFLARE_BASE_URL']}\n")
    env = {name: value for name, value in scripted.env.items() if name != "CLOUDFLARE_BASE_URL"}
    ran = here.ok("plan", "job.yaml", "--log-format", "json", env=env)
    assert [line["level"] for line in map(json.loads, ran.err.splitlines()) if line["event"] == "remark"] == ["warning"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f'"{TOKEN}"', "quotes"),
        (f"'{TOKEN}'", "quotes"),
        (f"CLOUDFLARE_API_TOKEN={TOKEN}", "NAME="),
        (f"export CLOUDFLARE_API_TOKEN={TOKEN}", "NAME="),
        (f"token: {TOKEN}", "NAME="),
        (f"Bearer {TOKEN}", "Bearer"),
        (f"{TOKEN} {TOKEN}", "blanks"),
        ("x" * 9000, "one line is expected"),
    ],
)
def test_a_token_file_holds_the_token_alone(here: Here, content: str, said: str) -> None:
    """What was pasted with a token is refused with the way to mend it, without repeating the token."""
    path = here.folder / "token"
    path.write_text(content + "\n")
    path.chmod(0o600)
    rows(here.folder / "a.csv", "name", "Red Fox")
    env = {"CLOUDFLARE_ACCOUNT_ID": ACCOUNT, "CLOUDFLARE_API_TOKEN_FILE": str(path)}
    ran = here("plan", "a.csv", env=env)
    assert (ran.code, said in ran.err) == (2, True), ran.err
    assert not _leaks(ran.err)


def test_a_token_file_that_others_may_read(here: Here, scripted: Scripted) -> None:
    """It is warned of, and refused under --strict; one for its owner alone passes in silence."""
    path = here.folder / "token"
    path.write_text(TOKEN)
    rows(here.folder / "a.csv", "name", "Red Fox")
    env = {name: value for name, value in scripted.env.items() if name != "CLOUDFLARE_API_TOKEN"}
    env["CLOUDFLARE_API_TOKEN_FILE"] = str(path)
    for mode, told, code in ((0o644, True, 2), (0o620, True, 2), (0o400, False, 0)):
        path.chmod(mode)
        assert ("may be read by other users" in here.ok("plan", "a.csv", env=env).err) is told
        assert here("plan", "a.csv", "--strict", env=env).code == code


@pytest.mark.parametrize("place", ["fifo", "/dev/zero", "/dev/null", "folder"])
def test_a_token_file_is_a_regular_file(cli: Cli, tmp_path: Path, place: str) -> None:
    """A pipe without a writer, a device and a folder are refused at once."""
    path = Path(place) if place.startswith("/") else tmp_path / place
    if place == "fifo":
        os.mkfifo(path)
    elif place == "folder":
        path.mkdir()
    rows(tmp_path / "a.csv", "name", "Red Fox")
    ran = cli("plan", "a.csv", env={"CLOUDFLARE_ACCOUNT_ID": ACCOUNT, "CLOUDFLARE_API_TOKEN_FILE": str(path)},
              timeout=20)  # fmt: skip
    assert (ran.code, "token" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "source",
    ["https:/me:hunter2@feeds.example/a.csv", "https:me:hunter2@feeds.example", "me:hunter2@feeds.example/a.csv",
     "https:///me:hunter2@feeds.example", "htps://me:hunter2@feeds.example/a.csv", "//me:hunter2@feeds.example/a*.csv",
     "https://me:hun/ter2@feeds.example", "https:/me:hunter2@x@feeds.example", "ftp:/me:hunter2@feeds.example/\0"],
)  # fmt: skip
def test_the_password_of_a_mistyped_url_is_not_shown(here: Here, source: str) -> None:
    """However a source's address is mistyped, on the command line or in a job, its password is not repeated."""
    (here.folder / "job.yaml").write_text(f"sources: [{json.dumps(source)}]\n")
    for words in (("validate", source), ("plan", "job.yaml", "--sandbox"), ("mapping", "init", source)):
        ran = here(*words)
        assert ran.code in (2, 3)
        assert not any(word in ran.out + ran.err for word in ("hunter2", "hun/ter2", "ter2@"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::ffff:127.0.0.1]"])
def test_a_source_on_this_machine_never_goes_through_a_proxy(cli: Cli, tmp_path: Path, host: str) -> None:
    """With every proxy variable set, its password reaches the server that it is for, and the proxy hears nothing."""
    heard: dict[str, list[str]] = {"server": [], "proxy": []}

    def one(name: str) -> ThreadingHTTPServer:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard[name].append(f"{self.path} {self.headers}")
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"Actor,Country\nRed Fox,CN\n")

            def do_CONNECT(self) -> None:
                self.do_GET()

            def log_message(self, *args: object) -> None:
                pass

        made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=made.serve_forever, daemon=True).start()
        return made

    servers = [one("server"), one("proxy")]
    proxy = f"http://127.0.0.1:{servers[1].server_port}"
    names = ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY")
    ran = cli("validate", f"http://me:hunter2@{host}:{servers[0].server_port}/a.csv", env=dict.fromkeys(names, proxy))
    for server in servers:
        server.shutdown()
        server.server_close()
    assert (ran.code, len(heard["server"]), heard["proxy"]) == (0, 1, [])
    assert "hunter2" not in ran.out + ran.err


def test_what_parses_a_workbook_gets_no_secret(
    here: Here, samples: Path, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process that the program starts has an environment without the token, or any other secret."""
    given: list[dict[str, str]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **more: Any) -> None:
            given.append(dict(os.environ if more.get("env") is None else more["env"]))
            super().__init__(*words, **more)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    here.ok("plan", samples / "actors.xlsx", env={**scripted.env, "AWS_SECRET_ACCESS_KEY": KEY})
    assert given
    assert not [name for env in given for name, value in env.items() if TOKEN in value or KEY in value]


def test_a_mapping_that_is_written_is_inert_and_without_the_token(here: Here) -> None:
    """No command for a build's log is in it, on whichever line, and it reads the columns that it is written for."""
    rows(here.folder / "a.csv", "Actor,###[error]boom,::warning::x,##vso[task]",
         f"Red Fox,##[group]y,b,{TOKEN}", "Owl,##[group]z,::error::c,e")  # fmt: skip
    ran = here("mapping", "init", "a.csv", "--map", "description=###[error]boom", "--out", "m.yaml",
               env={"CLOUDFLARE_API_TOKEN": TOKEN})  # fmt: skip
    assert ran.code == 0
    text = (here.folder / "m.yaml").read_text("utf-8")
    shown = here("mapping", "init", "a.csv").out
    for line in (text + shown).splitlines():
        assert "##[" not in line
        assert "##vso[" not in line
        assert not line.lstrip().startswith("::")
    assert not _leaks(text)
    checked = here("validate", "a.csv", "--mapping", "m.yaml", "--format", "json")
    assert checked.code == 0
    assert "###[error]boom" in str(json.loads(checked.out))
