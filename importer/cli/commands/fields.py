"""`tag-importer fields`: the table of tag fields."""

from __future__ import annotations

from argparse import Namespace

from importer.cli.console import form_of, show_listing
from importer.errors import ExitCode
from importer.fields.table import FIELDS
from importer.reports import listings


def run(namespace: Namespace) -> int:
    """Print the fields of all generations of the API, or with --current those that it has now."""
    wanted = [field for field in FIELDS if field.current or not getattr(namespace, "current", False)]
    show_listing(listings.fields(wanted), form_of(namespace))
    return ExitCode.DONE
