"""`mlops logs`: the last lines of the deployments' logs."""

from __future__ import annotations

import argparse
from pathlib import Path

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    problem = load_problem(find(arguments.problem)).name
    folder = context.platform(arguments.stack).client(problem).folder
    logs = {
        path.stem: _tail(path, arguments.lines)
        for path in [*sorted((folder / "logs").glob("*.log")), folder / "endpoint.log"]
    }
    lines = [line for name, tail in logs.items() for line in (f"== {name}", *tail)]
    return Done(DONE, {"stack": arguments.stack, "problem": problem, "logs": logs}, tuple(lines))


def _tail(path: Path, lines: int) -> list[str]:
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
