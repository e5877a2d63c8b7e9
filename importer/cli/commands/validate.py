"""`tag-importer validate`: every issue of every row, offline."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from importer.cli.console import show
from importer.errors import UsageError
from importer.model import Action
from importer.pipeline.drafting import collect
from importer.planning.build import build_plan
from importer.planning.options import Account, PlanOptions
from importer.reports.annotated_workbook import hand_back
from importer.reports.formats import Validation, report
from importer.reports.run_record import issues_of
from importer.settings.merge import merge
from importer.settings.settings import Settings

LEFT_OUT = "left-out"


def run(namespace: Namespace) -> int:
    """Check the sources without an account; 1 when a row is invalid.

    What is checked is the plan against an account that holds nothing: there is no second way to look at a list.
    """
    settings = merge(vars(namespace), os.environ, namespace.sources)
    target = _target(namespace, settings)
    inputs = collect(settings)
    options = PlanOptions(collisions=settings.plan_options().collisions)
    plan = build_plan(inputs.drafts, Account(""), options, inputs.sources, inputs.mappings, inputs.notes)
    bad = (Action.INVALID, Action.CONFLICT)
    validation = Validation(
        sources=plan.sources,
        mappings=plan.mappings,
        rows=len(plan.changes),
        invalid=sum(change.action in bad for change in plan.changes),
        left_out=sum(change.code == LEFT_OUT for change in plan.changes),
        issues=tuple(issues_of(plan)),
    )
    if target is not None:
        hand_back(settings.sources[0].path, target, inputs.drafts, validation.issues)
    show(report(settings.format).validation(validation))
    return 1 if validation.errors else 0


def _target(namespace: Namespace, settings: Settings) -> Path | None:
    """Where the annotated list is to be written; UsageError where it cannot be, before anything is read."""
    if not getattr(namespace, "annotate", None):
        return None
    path = Path(namespace.annotate)
    if len(settings.sources) != 1:
        raise UsageError("--annotate hands one list back, and several were named", hint="Annotate them one by one.")
    ending = ".xlsm" if settings.sources[0].path.lower().endswith(".xlsm") else ".xlsx"
    if path.suffix.lower() != ending:
        raise UsageError(f"{path} does not end in {ending}: the annotated list is such a workbook")
    if path.exists() and Path(settings.sources[0].path).exists() and path.samefile(settings.sources[0].path):
        raise UsageError(f"{path} is the list itself, which stays as it is", hint="choose another name")
    if path.exists() and not getattr(namespace, "force", False):
        raise UsageError(f"{path} is there already", hint="choose another name, or add --force")
    return path
