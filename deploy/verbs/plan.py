"""`mlops plan`: shows what a release or a rollback would do, and does nothing."""

from __future__ import annotations

import argparse
from dataclasses import replace

from deploy.context import Context, Done
from deploy.exit_codes import DONE, REFUSED, ROLLED_BACK
from deploy.gate.evidence import verify
from deploy.gitops.announced import announced, announces
from deploy.gitops.binding import Bound, bound_json
from deploy.gitops.git import commit_here
from deploy.gitops.progress import writes
from deploy.release.actions import sentence, to_json
from deploy.release.plan import Wanted, plan, restore, step_back
from deploy.release.policy import load_policy
from deploy.release.state import ModelRef
from ml.fault import Fault, invalid
from ml.problem import find, load_problem

REPIN = "`mlops promote` writes the pin"


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    problem = load_problem(find(arguments.problem)).name
    if arguments.back:
        return _back(context, arguments.stack, problem, arguments.to or None)
    want = wanted(context, arguments.stack, problem)
    bound = bind(context, arguments.stack, problem, want.model, arguments.retry)
    the_plan = plan(want, bound.observed, arguments.retry)
    result = {
        **bound_json(bound),
        "actions": [to_json(action) for action in the_plan.actions],
        "sentences": [sentence(action) for action in the_plan.actions],
        "writes": bool(writes(the_plan.actions)),
        "announces": announces(the_plan),
        "refused": the_plan.refused,
    }
    if arguments.ci:
        result["announced"] = announced(bound, the_plan)
    lines = tuple(f"{place}. {sentence(action)}" for place, action in enumerate(the_plan.actions, 1))
    if the_plan.refused is not None:
        return Done(
            ROLLED_BACK,
            result,
            (f"rejected here: {the_plan.refused}", *lines, "`--retry` releases it all the same"),
        )
    return Done(DONE, result, lines or ("nothing to do",))


def _back(context: Context, stack: str, problem: str, version: str | None) -> Done:
    """What a rollback would do, and to which version: `mlops rollback --to` it may be said as often as one likes."""
    observed, pinned = context.platform(stack).observe(problem), context.pins.read(stack, problem)
    tags = step_back(observed, pinned, "", version, f"{stack} {problem}")
    good, actions = tags.last_good, restore(replace(observed, tags=tags))
    gone = [digest for digest in tags.rejected if digest not in observed.tags.rejected]
    known = {model.digest: model for model in (*observed.tags.good, *(d.model for d in observed.deployments))}
    result = {
        "stack": stack,
        "problem": problem,
        "back": True,
        "to": "" if good is None else good.version,
        "model": None if good is None else vars(good),
        "gives_up": [vars(known[digest]) for digest in gone if digest in known],
        "actions": [to_json(action) for action in actions],
        "sentences": [sentence(action) for action in actions],
        "writes": tags != observed.tags or bool(writes(actions)),
    }
    lines = tuple(f"{place}. {sentence(action)}" for place, action in enumerate(actions, 1))
    return Done(DONE, result, (f"back to {good or 'nothing: nothing was good here before'}", *lines))


def bind(context: Context, stack: str, problem: str, model: ModelRef, retry: bool) -> Bound:
    """What a plan made now is bound to."""
    platform = context.platform(stack)
    state, observed = platform.state(), platform.observe(problem)
    return Bound(stack, problem, context.platform_name, commit_here(), state, model, observed, retry)


def wanted(context: Context, stack: str, problem: str) -> Wanted:
    """The pin and the policy of a stack.

    Raises:
        Fault: there is no pin, or it names what may not be served there.
    """
    model = context.pins.read(stack, problem)
    place = str(context.pins.path(stack))
    if model is None:
        raise Fault(
            f"{stack} has no pin for {problem}", place, f"mlops promote {context.called(problem)} --stack {stack}"
        )
    check_gated(context, stack, problem, model, place)
    if stack == "prod":
        check_released_in_dev(context, problem, model, place)
    return Wanted(model, load_policy(context.platform_name, stack))


def check_gated(context: Context, stack: str, problem: str, model: ModelRef, place: str) -> None:
    """Refuses bytes that did not pass the problem's gate.

    Raises:
        Fault: they are not registered, as this version or at all, or their evidence is not the gate's,
            is of other bytes, of another problem, or no PASS.
    """
    registry = context.platform(stack)
    known = registry.find(model.name, model.digest)
    if known is None:
        raise Fault(f"{model} has not passed the gate", place, f"mlops gate {context.called(problem)}", REFUSED)
    if known != model:
        raise invalid(f"the pin says version {model.version}, and its bytes are version {known.version}", place, REPIN)
    evidence = verify(*registry.evidence(model), model.digest)
    if evidence.problem != problem:
        raise Fault(f"{model} was gated for {evidence.problem}, not for {problem}", place, REPIN, REFUSED)


def check_released_in_dev(context: Context, problem: str, model: ModelRef, place: str) -> None:
    """Refuses for prod what dev has not served, or has found bad; what prod itself has served may come back.

    Raises:
        Fault: neither has.
    """
    prod = context.platform("prod")
    if not prod.observe(problem).tags.has_released(model.digest) and not prod.is_shared(model):
        raise Fault(
            f"dev has not released {model}", place, f"mlops release {context.called(problem)} --stack dev", REFUSED
        )
