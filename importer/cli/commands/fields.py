"""`tag-importer fields`: the table of tag fields."""

from __future__ import annotations

from argparse import Namespace

from importer.cli.console import show, show_json, wants
from importer.fields.table import FIELDS
from importer.reports.json_text import fields_json
from importer.reports.tables import fields_lines


def run(namespace: Namespace) -> int:
    """Print the fields of all generations of the API, or with --current those that it has now."""
    wanted = [field for field in FIELDS if field.current or not getattr(namespace, "current", False)]
    if wants(namespace, "json"):
        show_json(fields_json(wanted))
    else:
        show(fields_lines(wanted))
    return 0
