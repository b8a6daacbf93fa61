"""`mlops rollback`: brings back what the endpoint served before, and sets the pin back."""

from __future__ import annotations

import argparse
from functools import partial

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.release.patience import patiently
from deploy.release.policy import load_policy
from deploy.release.release import roll_back
from deploy.verbs.release import outcome_json, show
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    stack, problem = arguments.stack, load_problem(find(arguments.problem)).name
    platform, pinned = context.platform(stack), context.pins.read(stack, problem)
    policy = load_policy(context.platform_name, stack)
    repin = partial(context.pins.write, stack, problem)
    told, to = partial(show, context), arguments.to or None
    outcome = patiently(
        lambda: roll_back(platform, problem, policy, pinned, arguments.reason, told, repin, to=to),
        arguments.wait,
    )
    served = platform.observe(problem).tags.last_good
    model = None if served is None else vars(served)
    result = {"stack": stack, "problem": problem, "model": model, **outcome_json(outcome)}
    end = f"serves {served} again; its pin says so too" if served else "serves nothing: nothing was good there before"
    return Done(DONE, result, (f"{stack} {problem} {end}",))
