"""`mlops report`: writes the report of the last run."""

from __future__ import annotations

import argparse
import json

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.gate.evidence import EVIDENCE, read
from deploy.runs import newest_run
from ml.fault import invalid
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    from deploy.report.report import write_report

    problem = load_problem(find(arguments.problem))
    last = newest_run(context.runs, problem.name, context.called(problem.name))
    folder = context.runs / last.run_id
    evidence = folder / EVIDENCE
    if not evidence.exists():
        raise invalid(f"run {last.run_id} was not gated", str(folder), f"mlops gate {context.called(problem.name)}")
    releases = {
        p.stem.removeprefix("release-"): json.loads(p.read_text("utf-8")) for p in folder.glob("release-*.json")
    }
    model = context.platform("dev").find(problem.name, last.model_digest)
    verdict = dict(read(evidence.read_bytes()).verdict)
    write_report(arguments.out, problem, last, verdict, releases, None, model.version if model else None)
    return Done(
        DONE, {"problem": problem.name, "run_id": last.run_id, "report": str(arguments.out)}, (str(arguments.out),)
    )
