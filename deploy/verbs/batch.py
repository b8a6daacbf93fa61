"""`mlops batch`: scores files with the model that a stack's pin names, without an endpoint."""

from __future__ import annotations

import argparse

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.verbs.plan import wanted
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    problem = load_problem(find(arguments.problem)).name
    model = wanted(context, arguments.stack, problem).model
    context.screen.working(f"score with {model}")
    scored = context.platform(arguments.stack).batch(
        model, arguments.data, arguments.out, context.screen, arguments.pipeline
    )
    result = {**scored, "model": vars(model)}
    line = f"{result['rows']:,} rows in {result['seconds']:.1f} s with {model}: {result['out']}"
    return Done(DONE, result, (line,))
