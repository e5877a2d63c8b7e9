"""`tag-importer validate`: every issue of every row, offline."""

from __future__ import annotations

import os
from argparse import Namespace

from importer.cli.console import show
from importer.model import Action
from importer.pipeline.drafting import collect
from importer.planning.build import build_plan
from importer.planning.options import Account, PlanOptions
from importer.reports.formats import Validation, report
from importer.reports.run_record import issues_of
from importer.settings.merge import merge

LEFT_OUT = "left-out"


def run(namespace: Namespace) -> int:
    """Check the sources without an account; 1 when a row is invalid.

    What is checked is the plan against an account that holds nothing: there is no second way to look at a list.
    """
    settings = merge(vars(namespace), os.environ, namespace.sources)
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
    show(report(settings.format).validation(validation))
    return 1 if validation.errors else 0
