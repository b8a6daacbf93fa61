"""A plan bound to what it was made on: the commit, the infrastructure's state, the endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from deploy.exit_codes import WAITING
from deploy.gitops.kept import read_back
from deploy.gitops.progress import differences, reached, writes
from deploy.release.actions import to_json
from deploy.release.plan import Plan, Wanted, plan
from deploy.release.state import Deployment, ModelRef, Observed, Tags
from ml.fault import Fault

NEW_PLAN = "make a new plan, and have it approved"


@dataclass(frozen=True)
class Bound:
    """A plan as it was shown to whoever approved it.

    Attributes:
        commit: the repository's, whose pin and policy the plan goes by.
        state: hash of the infrastructure that it was made on (see `Platform.state`); None on this machine.
        observed: the endpoint that the plan starts from.
        retry: whether it releases what was rejected here.
    """

    stack: str
    problem: str
    platform: str
    commit: str
    state: str | None
    model: ModelRef
    observed: Observed
    retry: bool


def bound_json(bound: Bound) -> dict[str, Any]:
    """As `mlops plan --out` keeps it."""
    return asdict(bound)


def bound_from(document: Mapping[str, Any], where: str) -> Bound:
    """The binding in what `bound_json` made.

    Raises:
        Fault: it is not of that form.
    """
    return read_back(Bound, "plan", document, where, model=lambda one: ModelRef(**one), observed=observed_from)


def observed_from(document: Mapping[str, Any]) -> Observed:
    """The endpoint in what `asdict` made of it."""
    tags = Tags(tuple(ModelRef(**model) for model in document["tags"]["good"]), dict(document["tags"]["rejected"]))
    deployments = tuple(Deployment(d["name"], ModelRef(**d["model"]), d["state"]) for d in document["deployments"])
    return Observed(
        document["exists"], document["running"], deployments, dict(document["traffic"]), dict(document["mirror"]), tags
    )


def check_place(bound: Bound, stack: str, problem: str, platform: str, commit: str, state: str | None) -> None:
    """Refuses a plan of another stack, problem, commit or state of the infrastructure.

    Raises:
        Fault: it is one.
    """
    asked = {"stack": stack, "problem": problem, "platform": platform, "commit": commit, "state": state}
    for name, value in asked.items():
        was = getattr(bound, name)
        if was != value:
            message = f"the plan was made for {name} {_short(was)}, and this is {_short(value)}"
            raise Fault(message, f"{stack} {problem}", NEW_PLAN, WAITING)


def still_holds(bound: Bound, wanted: Wanted, now: Observed) -> None:
    """Refuses where the endpoint is not where the plan began, nor on the way that it goes.

    What is then carried out is the rest of the same plan: its writes are compared once more. A release that
    was given up meanwhile may finish going back, which approves nothing new.

    Raises:
        Fault: the endpoint has become another, or the rest is not the plan's.
    """
    digest = wanted.model.digest
    if wanted.model != bound.model:
        raise _stale(bound, f"it releases {bound.model}, and the pin names {wanted.model}")
    if digest in now.tags.rejected and digest not in bound.observed.tags.rejected:
        return
    shown = plan(wanted, bound.observed, bound.retry).actions
    rest = writes(plan(wanted, now, bound.retry).actions)
    if not any(rest == writes(shown[place:]) for place in reached(bound.observed, shown, now)):
        raise _stale(bound, "; ".join(differences(bound.observed, now)) or "a deployment is not what it was")


def plan_json(the_plan: Plan) -> dict[str, Any]:
    """The actions as `mlops plan --json` shows them."""
    return {"actions": [to_json(action) for action in the_plan.actions], "refused": the_plan.refused}


def _stale(bound: Bound, why: str) -> Fault:
    return Fault(f"the plan does not hold any more: {why}", f"{bound.stack} {bound.problem}", NEW_PLAN, WAITING)


def _short(value: str | None) -> str:
    return "none" if value is None else value[:12]
