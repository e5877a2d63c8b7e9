"""`tag-importer plan`: what apply would do. It is `apply --dry-run`."""

from __future__ import annotations

from argparse import Namespace

from importer.cli.commands.apply import carry_out


def run(namespace: Namespace) -> int:
    """Print the plan; write it to --out where that is given."""
    return carry_out(namespace, dry=True)
