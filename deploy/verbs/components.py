"""`mlops components`: registers the pipelines' steps for those who build pipelines in the studio."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from deploy.context import Context, Done
from deploy.exit_codes import DONE


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    known = context.platform(arguments.stack).components(context.screen)
    lines = tuple(f"{one.name}:{one.version}  {'registered' if one.registered else 'is there'}" for one in known)
    return Done(DONE, {"stack": arguments.stack, "components": [asdict(one) for one in known]}, lines)
