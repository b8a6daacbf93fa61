"""`mlops compare`: holds the last run's metrics against those of the last run on main; decides nothing."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.gate.judge import judge
from deploy.gate.scored import read_scored
from deploy.gitops.github import Github
from deploy.gitops.kept import read_kept
from deploy.runs import newest_run
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    problem = load_problem(find(arguments.problem))
    scored = read_scored(Path(newest_run(context.runs, problem.name, context.called(problem.name)).evaluation))
    verdict = judge(scored, None, problem.success, None).to_json()
    on_main = metrics_in(arguments.evidence) if arguments.evidence else metrics_on_main(problem.name)
    here = verdict["metrics"]["candidate"]
    result = {
        "problem": problem.name,
        "primary": problem.success.metric,
        "verdict": verdict,
        "metrics": {"here": here, **({} if on_main is None else {"main": on_main})},
    }
    lines = [f"{name}: {value}" for name, value in here.items()]
    return Done(DONE, result, (f"{verdict['decision']} without a champion", *lines))


def metrics_in(path: Path) -> dict[str, Any]:
    """The metrics of what main delivered: the candidate's where it passed, or else the champion's."""
    result = read_kept(path, "gate").result
    side = "candidate" if result["decision"] == "PASS" else "champion"
    found: dict[str, Any] = result["metrics"].get(side, {})
    return found


def metrics_on_main(problem: str) -> dict[str, Any] | None:
    """The same from the last run on main; None where there was none."""
    with tempfile.TemporaryDirectory() as folder:
        found = Github().artifact(f"gate-{problem}", "main", Path(folder))
        return None if found is None else metrics_in(found / "gate.json")
