"""`mlops gate`: holds the last run against champion and floors, and registers it where it passes."""

from __future__ import annotations

import argparse
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.context import Context, Done
from deploy.exit_codes import DONE, REFUSED, WAITING
from deploy.gate.evidence import EVIDENCE, canonical, evidence_of, read
from deploy.gate.judge import judge
from deploy.gate.scored import Scored, read_scored
from deploy.release.state import ModelRef
from deploy.runs import Run, load_run, newest_run
from ml.fault import Fault
from ml.model.model import CARD, Card, inner
from ml.problem import Problem, find, load_problem

CODES = {"PASS": DONE, "FAIL": REFUSED, "INCONCLUSIVE": WAITING}


@dataclass(frozen=True)
class Gated:
    """A run after the gate.

    Attributes:
        verdict: in JSON's own types, as the evidence holds it.
        model: the version, where it passed.
        champion: what it was held against; the model itself where that is the champion already.
    """

    verdict: dict[str, Any]
    model: ModelRef | None
    champion: ModelRef | None


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    problem = load_problem(find(arguments.problem))
    called = context.called(problem.name)
    judged = load_run(context.runs, arguments.run) if arguments.run else newest_run(context.runs, problem.name, called)
    gated = gate(context, problem, judged)
    result = {
        **gated.verdict,
        "run_id": judged.run_id,
        "model": None if gated.model is None else vars(gated.model),
        "champion": None if gated.champion is None else vars(gated.champion),
        "digest": judged.model_digest,
    }
    lines = [f"{gated.verdict['decision']}: " + "; ".join(gated.verdict["reasons"])]
    if gated.model is not None:
        lines += [f"registered as {gated.model}", f"next: mlops promote {called} --stack dev"]
    return Done(CODES[gated.verdict["decision"]], result, tuple(lines))


def gate(context: Context, problem: Problem, judged: Run) -> Gated:
    """The verdict on a run; what passes is registered with its evidence.

    A digest equal to the champion's is no candidate: its evidence stands.

    Raises:
        Fault: the champion's bytes cannot be had, or the run's were changed.
    """
    platform = context.platform("dev")
    champion = champion_of(context, problem.name)
    if champion is not None and champion.digest == judged.model_digest:
        context.screen.done(f"{champion} is the champion already")
        return Gated(dict(read(platform.evidence(champion)[0]).verdict), champion, champion)
    if champion is not None and platform.find(champion.name, champion.digest) is None:
        remedy = "`mlops gate --run` of the run that made it registers it again; otherwise take the pin back (git)"
        raise Fault(f"the champion {champion} is registered nowhere in dev", str(context.pins.folder), remedy)
    context.screen.working("judge")
    verdict, evidence = _judge(context, problem, judged, champion)
    show = context.screen.done if verdict["decision"] == "PASS" else context.screen.fail
    show(verdict["decision"], "; ".join(verdict["reasons"]))
    (context.runs / judged.run_id / EVIDENCE).write_bytes(evidence)
    if verdict["decision"] != "PASS":
        return Gated(verdict, None, champion)
    model = platform.register(judged, evidence, verdict["decision"])
    context.screen.done(f"registered {model}")
    return Gated(verdict, model, champion)


def champion_of(context: Context, problem: str) -> ModelRef | None:
    """What prod's pin names, or dev's where prod has none; for a pin that its stack has rejected, what it serves."""
    for stack in ("prod", "dev"):
        pinned = context.pins.read(stack, problem)
        champion = None if pinned is None else _served_instead(context, stack, problem, pinned)
        if champion is not None:
            return champion
    return None


def _served_instead(context: Context, stack: str, problem: str, pinned: ModelRef) -> ModelRef | None:
    try:
        tags = context.platform(stack).observe(problem).tags
    except Fault:  # who trains may not be allowed to look at prod: then the pin's word is taken
        return pinned
    return tags.last_good if pinned.digest in tags.rejected else pinned


def _judge(context: Context, problem: Problem, judged: Run, champion: ModelRef | None) -> tuple[dict[str, Any], bytes]:
    candidate = read_scored(Path(judged.evaluation))
    theirs, after = (None, None) if champion is None else _champion(context, judged, champion)
    verdict = judge(candidate, theirs, problem.success, after)
    measured = None if theirs is None else theirs.measures
    evidence = evidence_of(verdict, problem, candidate.measures, measured, judged.git_commit or None)
    return verdict.to_json(), canonical(evidence)


def _champion(context: Context, judged: Run, champion: ModelRef) -> tuple[Scored, dt.datetime | None]:
    """The champion on the candidate's rows, and the end of its own training rows."""
    platform = context.platform("dev")
    context.screen.working(f"the champion {champion} on the same rows")
    scored = platform.evaluate(judged, champion, context.screen)
    until = Card.load(inner(platform.fetch(champion)) / CARD).trained_until
    return read_scored(scored), dt.datetime.fromisoformat(until) if until else None
