"""`mlops release`: brings the endpoint to what the pin names, or back to what it served."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict
from functools import partial
from typing import Any

from deploy.context import Context, Done
from deploy.exit_codes import DONE, ROLLED_BACK, WAITING
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
    problem = load_problem(find(arguments.problem)).name
    outcome = release(context, arguments.stack, problem, arguments.retry)
    result = {"stack": arguments.stack, "problem": problem, **outcome_json(outcome)}
    return Done(CODES[outcome.result], result, (summary(arguments.stack, problem, outcome),))


def release(context: Context, stack: str, problem: str, retry: bool = False) -> Outcome:
    """Releases what the stack's pin names; in a rollback the pin is set back too.

    Raises:
        Fault: the pin names what may not be served there, or the platform fails.
    """
    want = wanted(context, stack, problem)
    repin = partial(context.pins.write, stack, problem)
    return release_by_plan(context.platform(stack), problem, want, retry, partial(show, context), repin)


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
