"""Whether a plan on main is the one that its pull request showed."""

from __future__ import annotations

import json
from typing import Any, Literal

from deploy.gitops.binding import Bound
from deploy.gitops.github import Github
from deploy.gitops.progress import writes
from deploy.release.actions import to_json
from deploy.release.plan import Plan
from ml import digest
from ml.fault import Fault

Announced = Literal["same", "another", "unknown"]


def marker(result: dict[str, Any]) -> str:
    """The hidden line by which a comment names the plan that it shows, from the result of `mlops plan`."""
    return f"<!-- plan {result['stack']} {result['problem']} sha256:{result['announces']} -->"


def announces(the_plan: Plan) -> str:
    """What two plans with the same writes have in common."""
    return digest.of_bytes(
        json.dumps([to_json(action) for action in writes(the_plan.actions)], sort_keys=True).encode()
    )


def announced(bound: Bound, the_plan: Plan, github: Github | None = None) -> Announced:
    """How the plan stands to what was shown before the merge; `unknown` where nothing was, or GitHub does not tell."""
    try:
        comments = (github or Github()).announced(bound.commit)
    except Fault:
        return "unknown"
    begins = f"<!-- plan {bound.stack} {bound.problem} sha256:"
    shown = [body for body in comments if begins in body]
    if not shown:
        return "unknown"
    return "same" if f"{begins}{announces(the_plan)} -->" in shown[-1] else "another"
