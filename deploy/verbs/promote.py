"""`mlops promote`: sets a stack's pin, dev's to what the gate registered, prod's to dev's after an approval."""

from __future__ import annotations

import argparse
import sys

from deploy.context import Context, Done
from deploy.exit_codes import DONE, WAITING
from deploy.gate.evidence import read
from deploy.gitops.git import Git
from deploy.pin import DIGEST
from deploy.release.state import ModelRef
from deploy.runs import newest_run
from deploy.verbs.plan import check_gated
from ml.fault import Fault, invalid
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    problem = load_problem(find(arguments.problem)).name
    model = chosen_model(context, arguments.stack, problem, arguments.digest)
    before = context.pins.read(arguments.stack, problem)
    result = {"stack": arguments.stack, "problem": problem, "model": vars(model), "changed": before != model}
    newer = delivered_later(context, problem) if arguments.stack == "dev" and arguments.ci else None
    result["superseded"] = newer is not None
    if newer is not None:
        return Done(DONE, {**result, "changed": False}, (f"dev serves a model of the later commit {newer[:12]}",))
    if before == model:
        return Done(DONE, result, (f"{arguments.stack} is pinned to {model} already",))
    if arguments.stack == "prod" and not approved(context, arguments.yes, model, before):
        return Done(WAITING, {**result, "changed": False}, ("not approved; the pin stays",))
    context.pins.write(arguments.stack, problem, model)
    why = rejection(context, arguments.stack, problem, model)
    retry = "" if why is None else " --retry"
    if why is not None:
        context.screen.warn(f"it was rejected in {arguments.stack} before: {why}")
    following = f"next: mlops release {context.called(problem)} --stack {arguments.stack}{retry}"
    return Done(DONE, result, (f"pinned {arguments.stack} to {model}", following))


def chosen_model(context: Context, stack: str, problem: str, digest: str | None) -> ModelRef:
    """The model of a digest, or else what the stack takes: dev the last run's, prod what dev serves.

    Raises:
        Fault: it is not registered, was not gated, or dev does not serve it.
    """
    if digest is None:
        return gated_model(context, problem) if stack == "dev" else proposed_model(context, problem)
    if not DIGEST.fullmatch(digest):  # its beginning, as the screen shows it, may be another's too
        raise invalid(
            f"`{digest}` is no digest, which has 64 hexadecimal digits", "--digest", "see `mlops status --json`"
        )
    model = context.platform("dev").find(problem, digest)
    if model is None:
        raise invalid(
            f"no version of {problem} has the digest {digest[:12]}", "--digest", f"mlops gate {context.called(problem)}"
        )
    check_gated(context, stack, problem, model, "--digest")
    return model


def delivered_later(context: Context, problem: str) -> str | None:
    """The commit of what dev serves, where that comes after the one that is checked out; None otherwise.

    Two merges in a row train side by side, and the slower one must not take dev back.
    """
    good = context.platform("dev").observe(problem).tags.last_good
    if good is None:
        return None
    git, served = Git(), read(context.platform("dev").evidence(good)[0]).git_commit
    return served if served and served != git.head and git.is_ancestor(git.head, served) else None


def gated_model(context: Context, problem: str) -> ModelRef:
    """What the gate registered of the last run.

    Raises:
        Fault: the last run was not gated, or did not pass.
    """
    last = newest_run(context.runs, problem, context.called(problem))
    model = context.platform("dev").find(problem, last.model_digest)
    if model is None:
        raise Fault(f"run {last.run_id} has not passed the gate", problem, f"mlops gate {context.called(problem)}")
    return model


def proposed_model(context: Context, problem: str) -> ModelRef:
    """What dev is pinned to and serves, its evidence checked again: prod takes nothing else.

    Raises:
        Fault: dev does not serve its pin, or the evidence does not belong to these bytes.
    """
    model = context.pins.read("dev", problem)
    if model is None:
        raise Fault(
            "dev has no pin to promote",
            problem,
            f"mlops promote {context.called(problem)} --stack dev, then release it",
        )
    dev = context.platform("dev")
    good = dev.observe(problem).tags.last_good
    if good is None or good.digest != model.digest:
        raise Fault(
            f"dev is pinned to {model}, but has not released it",
            problem,
            f"mlops release {context.called(problem)} --stack dev",
        )
    check_gated(context, "dev", problem, model, str(context.pins.path("dev")))
    dev.share(model)
    return model


def rejection(context: Context, stack: str, problem: str, model: ModelRef) -> str | None:
    """Why a release in the stack refuses these bytes, or None where it takes them."""
    return context.platform(stack).observe(problem).tags.rejected.get(model.digest)


def approved(context: Context, given: bool, model: ModelRef, before: ModelRef | None) -> bool:
    """Whether a person says yes, on the terminal or by `--yes`."""
    if given:
        return True
    if not sys.stdin.isatty():
        context.screen.warn("prod waits for an approval: run it on a terminal, or with --yes")
        return False
    sys.stderr.write(f"Release {model} to prod, in the place of {before or 'nothing'}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
