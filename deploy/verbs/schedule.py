"""`mlops schedule`: lets a stack train on new rows and watch what it serves by the clock."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.platforms.protocol import Schedule
from ml.fault import invalid
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    file = find(arguments.problem)
    problem, platform = load_problem(file), context.platform(arguments.stack)
    if arguments.email and arguments.stack != "prod":
        raise invalid("only prod has a model monitor, which tells somebody", "--email", "--stack prod")
    if arguments.remove:
        known = platform.unschedule(problem, context.screen)
    else:
        known = platform.schedule(problem, file, context.screen, tuple(arguments.email), arguments.update)
    result = {"stack": arguments.stack, "problem": problem.name, "schedules": [asdict(one) for one in known]}
    return Done(DONE, result, tuple(_line(one) for one in known))


def _line(one: Schedule) -> str:
    off = "" if one.enabled or not one.when else ", switched off"
    begun = f", began {one.job}" if one.job else ""
    return f"{one.name}  {one.state}{off}{begun}" + (f"  {one.when}" if one.when else "")
