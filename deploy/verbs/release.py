"""`mlops release`: brings the endpoint to what the pin names, or back to what it served."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict
from functools import partial
from typing import Any

from deploy.context import Context, Done
from deploy.exit_codes import DONE, ROLLED_BACK, WAITING
from deploy.gitops.binding import Bound, bound_from, check_place, still_holds
from deploy.gitops.git import commit_here
from deploy.gitops.kept import read_kept
from deploy.release.patience import patiently
from deploy.release.release import Event, Outcome
from deploy.release.release import release as release_by_plan
from deploy.verbs.plan import wanted
from ml.problem import find, load_problem

CODES = {
    "released": DONE,
    "unchanged": DONE,
    "rolled_back": ROLLED_BACK,
    "refused": ROLLED_BACK,
    "waiting": WAITING,
}


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    problem, bound = load_problem(find(arguments.problem)).name, None
    if arguments.plan is not None:
        bound = bound_from(read_kept(arguments.plan, "plan").result, str(arguments.plan))
        check_bound(context, bound, arguments.stack, problem)
    retry = arguments.retry if bound is None else bound.retry
    outcome = patiently(lambda: release(context, arguments.stack, problem, retry, bound), arguments.wait)
    result = {"stack": arguments.stack, "problem": problem, **outcome_json(outcome)}
    return Done(CODES[outcome.result], result, (summary(arguments.stack, problem, outcome),))


def release(context: Context, stack: str, problem: str, retry: bool = False, bound: Bound | None = None) -> Outcome:
    """Releases what the stack's pin names; in a rollback the pin is set back too.

    With `bound`, the plan that was approved, nothing else is carried out.

    Raises:
        Fault: the pin names what may not be served there, the plan holds no more, or the platform fails.
    """
    want = wanted(context, stack, problem)
    repin = partial(context.pins.write, stack, problem)
    approved = None if bound is None else partial(still_holds, bound, want)
    told = partial(show, context)
    return release_by_plan(context.platform(stack), problem, want, retry, told, repin, approved=approved)


def check_bound(context: Context, bound: Bound, stack: str, problem: str) -> None:
    """Refuses a plan that was made elsewhere, for another commit, or for another state of the infrastructure.

    Raises:
        Fault: it was.
    """
    state = context.platform(stack).state()
    check_place(bound, stack, problem, context.platform_name, commit_here(), state)


def show(context: Context, event: Event) -> None:
    """One event of a release on the screen."""
    asked = {name: live for name, live in event.live.items() if live.requests}
    numbers = (f"{name} {live.requests} requests p95 {live.latency_p95_ms:.0f} ms" for name, live in asked.items())
    context.screen.done(event.what, ", ".join(numbers))


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome in JSON's own types: a number that there was none for is null."""
    return {**asdict(outcome), "events": [{**asdict(e), "live": _numbers(e)} for e in outcome.events]}


def _numbers(event: Event) -> dict[str, dict[str, Any]]:
    return {name: {key: _or_null(value) for key, value in asdict(live).items()} for name, live in event.live.items()}


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def summary(stack: str, problem: str, outcome: Outcome) -> str:
    """How a release ended, for people."""
    endings = {
        "released": "serves what its pin names",
        "unchanged": "serves what its pin names; nothing to do",
        "rolled_back": f"went back to what it served: {outcome.reason}",
        "refused": f"does not take what its pin names: {outcome.reason}; `--retry` releases it all the same",
        "waiting": f"waits for a person: {outcome.reason}; `mlops release` goes on, `mlops rollback` goes back",
    }
    return f"{stack} {problem} {endings[outcome.result]}"
