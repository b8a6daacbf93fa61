"""`mlops down`: stops the endpoints; what they served is remembered, and `mlops release` starts them again."""

from __future__ import annotations

import argparse

from deploy.context import Context, Done
from deploy.exit_codes import DONE


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    by_stack = context.of_stacks(arguments.stack, lambda stack: _stop(context, stack))
    stopped = [name for names in by_stack.values() for name in names]
    return Done(DONE, {"stopped": stopped}, (f"stopped {len(stopped)} endpoint(s)",))


def _stop(context: Context, stack: str) -> list[str]:
    """Stops what the stack serves; returns what was running."""
    platform, stopped = context.platform(stack), []
    for name in platform.endpoints():
        if platform.stop(name):
            stopped.append(f"{stack}/{name}")
            context.screen.done(f"stopped {stack}/{name}")
    return stopped
