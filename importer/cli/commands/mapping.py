"""`tag-importer mapping`: write, list, show and check mappings."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path

from importer.cli.console import form_of, show, show_listing, tell
from importer.errors import ExitCode, UsageError


def run(namespace: Namespace) -> int:
    """One of init, list, show, transforms, schema."""
    return {"init": _init, "list": _list, "show": _show, "transforms": _transforms, "schema": _schema}[
        namespace.mapping_action
    ](namespace)


def _init(namespace: Namespace) -> int:
    from importer.mapping.write import write_mapping
    from importer.settings.merge import merge
    from importer.sources.read import Table, read

    settings = merge(vars(namespace), os.environ, namespace.sources)
    stdin = sys.stdin.buffer if "-" in namespace.sources else None
    options = settings.read_options(settings.sources[0])
    tables = [item for item in read(namespace.sources, options, stdin=stdin) if isinstance(item, Table)]
    text = write_mapping(tables, settings.columns)
    if settings.out is None:
        show(text)
        return ExitCode.DONE
    write_new(settings.out, text, force=bool(getattr(namespace, "force", False)))
    tell(f"wrote {settings.out}; next: tag-importer validate {namespace.sources[0]} --mapping {settings.out}")
    return ExitCode.DONE


def _list(namespace: Namespace) -> int:
    from importer.mapping.load import presets
    from importer.reports import listings

    show_listing(listings.presets(list(presets())), form_of(namespace))
    return ExitCode.DONE


def _show(namespace: Namespace) -> int:
    from importer.mapping.load import load_mapping, preset_text
    from importer.mapping.shipped_presets import preset_path

    if preset_path(namespace.name) is not None:
        show(preset_text(namespace.name))
    else:
        load_mapping(namespace.name)  # tells what is wrong with a file of one's own
        show(Path(namespace.name).read_text("utf-8-sig"))
    return ExitCode.DONE


def _transforms(namespace: Namespace) -> int:
    from importer.mapping.transforms.catalogue import catalogue
    from importer.reports import listings

    show_listing(listings.transforms(list(catalogue())), form_of(namespace))
    return ExitCode.DONE


def _schema(namespace: Namespace) -> int:
    from importer.mapping.language import mapping_schema
    from importer.text.json_schema import schema_text

    show(schema_text(mapping_schema()))
    return ExitCode.DONE


def write_new(path: Path, text: str, *, force: bool) -> None:
    """Write a file for a person; UsageError where there is one already, or it cannot be written."""
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already", hint="choose another name, or add --force") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
