"""`mlops preview`: shows what applying a stack would change, what the rules say, what it costs."""

from __future__ import annotations

import argparse

from deploy.context import Context, Done
from deploy.exit_codes import DONE, REFUSED
from deploy.gitops.git import commit_here
from deploy.gitops.stack_preview import cost_difference, preview, preview_json


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    context.screen.working(f"preview of {arguments.stack}")
    found = preview(arguments.stack, commit_here(), tuple(arguments.approved.split()))
    result = preview_json(found)
    if arguments.since is not None and arguments.stack != "shared":
        result["cost"] = cost_difference(arguments.stack, arguments.since)
    lines = [f"{step.op:<8} {step.type}  {step.name}  {', '.join(step.diff)}" for step in found.steps]
    told = [*lines, *found.refused, *found.violations] or [f"{arguments.stack}: nothing would change"]
    return Done(REFUSED if found.refused else DONE, result, tuple(told))
