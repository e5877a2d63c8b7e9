"""`tag-importer sandbox`: the local API, served alone."""

from __future__ import annotations

import asyncio
import shlex
from argparse import Namespace
from pathlib import Path

from importer.cli.console import tell
from importer.errors import ExitCode, UsageError
from importer.sandbox.options import read_options
from importer.sandbox.server import serve

DATABASE = Path("tag-importer-runs") / "sandbox.sqlite3"


def run(namespace: Namespace) -> int:
    """Serve until Ctrl-C. What leads a client there is printed as shell commands."""
    given = vars(namespace)
    settings = read_options(
        token=given.get("token"),
        account=given.get("account"),
        quota=given.get("quota"),
        window=given.get("window"),
        block=given.get("block"),
        latency_ms=given.get("latency"),
        faults=given.get("fault", ()),
        seed=given.get("seed"),
        envelope=bool(given.get("envelope", False)),
    )
    database = Path(given.get("db", DATABASE))
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {database.parent} cannot be made: {error.strerror}") from error

    def listening(base_url: str) -> None:
        for name, value in (
            ("CLOUDFLARE_BASE_URL", base_url),
            ("CLOUDFLARE_ACCOUNT_ID", settings.account_id),
            ("CLOUDFLARE_API_TOKEN", settings.token),
        ):
            print(f"export {name}={shlex.quote(value)}", flush=True)
        tell(f"the sandbox keeps its tags in {database}; Ctrl-C ends it")

    asyncio.run(serve(settings, on_listening=listening, database=database, port=given.get("port", 0)))
    return ExitCode.DONE
