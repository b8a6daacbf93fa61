"""`mlops down`: stops the endpoints; what they served is remembered, and `mlops release` starts them again."""

from __future__ import annotations

import argparse

from deploy.arguments import STACKS
from deploy.context import Context, Done
from deploy.exit_codes import DONE


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    stopped = []
    for stack in [arguments.stack] if arguments.stack else STACKS:
        platform = context.platform(stack)
        for name in platform.endpoints():
            if platform.stop(name):
                stopped.append(f"{stack}/{name}")
                context.screen.done(f"stopped {stack}/{name}")
    return Done(DONE, {"stopped": stopped}, (f"stopped {len(stopped)} endpoint(s)",))
