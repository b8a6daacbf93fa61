"""`mlops logs`: the last lines of the deployments' logs."""

from __future__ import annotations

import argparse

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    problem = load_problem(find(arguments.problem)).name
    logs = context.platform(arguments.stack).logs(problem, arguments.lines)
    lines = [line for name, tail in logs.items() for line in (f"== {name}", *tail)]
    lines = lines or [f"{arguments.stack} runs no deployment for {problem}"]
    return Done(DONE, {"stack": arguments.stack, "problem": problem, "logs": logs}, tuple(lines))
