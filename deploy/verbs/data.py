"""`mlops data`: brings a problem's raw rows to where training reads them, or from there."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from ml.fault import invalid
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    file = find(arguments.problem)
    problem, platform = load_problem(file), context.platform(arguments.stack)
    if arguments.action == "push":
        if arguments.version is not None:
            raise invalid("the version is made of the rows", "--version", "leave it out")
        asset = platform.push(problem, file, context.screen)
        word = "was sent to" if asset.uploaded else "is at"
    else:
        asset = platform.pull(problem, file, arguments.version or None, context.screen)
        word = "is at"
    lines = (f"{asset.name}:{asset.version} {word} {asset.place}", f"digest   {asset.digest}")
    return Done(DONE, {"stack": arguments.stack, **asdict(asset)}, lines)
