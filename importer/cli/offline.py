"""The commands that need no account: `validate`, `mapping`, `fields`, `sandbox`, `completion`. Each loads its own."""

from __future__ import annotations

import argparse
import shlex
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from importer.cli.console import form_of, page_path, settings_of, show, show_listing, tell, write_new
from importer.cli.parser import build_parser
from importer.errors import ExitCode, UsageError, os_errors
from importer.reports import listings
from importer.reports.formats import report

if TYPE_CHECKING:
    from importer.settings.settings import Settings


def validate(namespace: Namespace) -> int:
    """Check the sources without an account: every issue of every row. 1 when a row is invalid."""
    from importer.pipeline.validation import validate

    settings = settings_of(namespace, namespace.sources)
    validation = validate(settings, annotate=_annotated(namespace, settings), page=page_path(namespace))
    show(report(settings.format).validation(replace(validation, by=namespace.by)))
    return ExitCode.ROWS_NEED_WORK if validation.errors else ExitCode.DONE


def _annotated(namespace: Namespace, settings: Settings) -> Path | None:
    """Where the annotated list is to be written; UsageError where it cannot be, before anything is read."""
    if not getattr(namespace, "annotate", None):
        return None
    path, source = Path(namespace.annotate), settings.sources[0].path
    if len(settings.sources) != 1:
        raise UsageError("--annotate hands one list back, and several were named", hint="Annotate them one by one.")
    ending = ".xlsm" if source.lower().endswith(".xlsm") else ".xlsx"
    if path.suffix.lower() != ending:
        meant = (str(namespace.annotate), str(path.with_suffix(ending))) if path.name else None
        raise UsageError(f"{path} does not end in {ending}: the annotated list is such a workbook", meant=meant)
    if path.exists() and Path(source).exists() and path.samefile(source):
        raise UsageError(f"{path} is the list itself, which stays as it is", hint="choose another name")
    if path.exists() and not getattr(namespace, "force", False):
        raise UsageError(f"{path} exists already", hint="Choose another name, or overwrite it.", then="{again} --force")
    return path


def fields(namespace: Namespace) -> int:
    """Print the fields of all generations of the API, or with --current those that it has now."""
    from importer.fields.table import FIELDS

    wanted = [field for field in FIELDS if field.current or not getattr(namespace, "current", False)]
    show_listing(listings.fields(wanted), form_of(namespace))
    return ExitCode.DONE


def explain(namespace: Namespace) -> int:
    """Say what a code means, and how to settle it; without one, list them all."""
    from importer.reports.explained import all_codes, explain

    code = getattr(namespace, "code", None)
    show_listing(explain(code) if code else all_codes(), form_of(namespace))
    return ExitCode.DONE


def mapping(namespace: Namespace) -> int:
    """Write, list, show and check mappings."""
    return {"init": _init, "list": _list, "show": _show, "transforms": _transforms, "schema": _schema}[
        namespace.mapping_action
    ](namespace)


def _init(namespace: Namespace) -> int:
    from importer.mapping.write import write_mapping
    from importer.masking import Mask
    from importer.sources.read import Table, read

    settings = settings_of(namespace, namespace.sources)
    stdin = sys.stdin.buffer if "-" in namespace.sources else None
    options = settings.read_options(settings.sources[0])
    tables = [item for item in read(namespace.sources, options, stdin=stdin) if isinstance(item, Table)]
    text = Mask(settings.secrets()).text(write_mapping(tables, settings.columns))
    if settings.out is None:
        show(text)
        return ExitCode.DONE
    write_new(settings.out, text, force=bool(getattr(namespace, "force", False)))
    tell(f"wrote {settings.out}; next: tag-importer validate {namespace.sources[0]} --mapping {settings.out}")
    return ExitCode.DONE


def _list(namespace: Namespace) -> int:
    from importer.mapping.load import presets

    show_listing(listings.presets(list(presets())), form_of(namespace))
    return ExitCode.DONE


def _show(namespace: Namespace) -> int:
    from importer.mapping.load import load_mapping, preset_text
    from importer.shipped import preset_path

    if preset_path(namespace.name) is not None:
        show(preset_text(namespace.name))
    else:
        load_mapping(namespace.name)  # raises for a file that is wrong
        show(Path(namespace.name).read_text("utf-8-sig"))
    return ExitCode.DONE


def _transforms(namespace: Namespace) -> int:
    from importer.mapping.transforms.catalogue import catalogue

    show_listing(listings.transforms(list(catalogue())), form_of(namespace))
    return ExitCode.DONE


def _schema(namespace: Namespace) -> int:
    from importer.mapping.language import mapping_schema
    from importer.text.json_schema import schema_text

    show(schema_text(mapping_schema()))
    return ExitCode.DONE


def sandbox(namespace: Namespace) -> int:
    """Serve the local API until Ctrl-C. What leads a client there is printed as shell commands."""
    import asyncio

    from importer.sandbox.server import serve
    from importer.sandbox.settings import read_options

    given = vars(namespace)
    database = Path(given.get("db", Path("tag-importer-runs") / "sandbox.sqlite3"))
    if given.get("sandbox_action") == "reset":
        from importer.pipeline.account import reset_sandbox

        reset_sandbox(database)
        tell(f"the sandbox {database} is empty")
        return ExitCode.DONE
    flags = {name: given.get(name) for name in ("token", "account_id", "quota", "window", "block", "seed", "envelope")}
    latency = f"{given['latency']} ms" if "latency" in given else None
    settings = read_options(given.get("fault", ()), latency=latency, **flags)
    with os_errors(f"the folder {database.parent} cannot be made"):
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

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


_FOLDERS = ("DIR", "RUN")
_NO_PATHS = ("N", "TIME", "TEXT", "ID", "MS", "SECONDS", "P%|N", "P%", "PLAN", "URL", "CODE", "FIELD=COLUMN", "SHA256")


def completion(namespace: Namespace) -> int:
    """Print what a shell needs to complete this command line, made from its grammar by shtab."""
    import shtab

    parser = build_parser()
    for one in _parsers(parser):
        for action in one._actions:
            metavar = str(action.metavar or "")
            if action.nargs == 0 or action.choices is not None or metavar in _NO_PATHS:
                continue
            action.complete = shtab.DIRECTORY if metavar in _FOLDERS else shtab.FILE  # type: ignore[attr-defined]  # shtab looks for it
    show(shtab.complete(parser, namespace.shell))
    return ExitCode.DONE


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The parser and all below it."""
    found = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found += _parsers(below)
    return found
