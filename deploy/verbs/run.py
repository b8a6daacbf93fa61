"""`mlops run`: the whole loop on this machine, from the data to prod, the monitor and the report."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.context import Context, Done
from deploy.exit_codes import DONE, REFUSED, ROLLED_BACK, WAITING
from deploy.platforms.protocol import TrainingInputs
from deploy.release.release import Outcome
from deploy.release.state import ModelRef
from deploy.runs import Run
from deploy.verbs.gate import Gated, gate
from deploy.verbs.monitor import monitor_after_run
from deploy.verbs.promote import approved, gated_model, proposed_model, rejection
from deploy.verbs.release import CODES, release, summary
from deploy.verbs.train import steps_json, train, training_inputs

GATE_CODES = {"PASS": DONE, "FAIL": REFUSED, "INCONCLUSIVE": WAITING}


@dataclass
class Loop:
    """What the loop has reached so far."""

    inputs: TrainingInputs
    run: Run
    gated: Gated | None = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    monitored: dict[str, Any] | None = None
    report: Path | None = None

    @property
    def problem(self) -> str:
        """The problem's name."""
        return self.inputs.problem.name


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    began = time.monotonic()
    inputs = training_inputs(arguments, context)
    context.screen.stage("Train")
    loop = Loop(inputs, train(context, inputs))
    code, last = _after_training(loop, context, arguments.yes)
    return Done(code, _result(loop, context, time.monotonic() - began), (*_story(loop, context), last))


def _after_training(loop: Loop, context: Context, yes: bool) -> tuple[int, str]:
    """The stages in their order; each ends the loop where it is not passed."""
    context.screen.stage("Gate")
    loop.gated = gate(context, loop.inputs.problem, loop.run)
    _report(loop, context)
    if loop.gated.verdict["decision"] != "PASS":
        return GATE_CODES[loop.gated.verdict["decision"]], "the gate did not let it through; prod is as it was"
    for stack in ("dev", "prod"):
        context.screen.stage(f"Release to {stack}")
        code, word = _to_stack(loop, context, stack, yes)
        if code != DONE:
            _report(loop, context)
            return code, word
    context.screen.stage("Monitor")
    loop.monitored = monitor_after_run(context, loop.inputs.problem, send="prod" in loop.outcomes)
    _report(loop, context)
    return DONE, f"stop     {mlops_command()} down{context.here}"


def _to_stack(loop: Loop, context: Context, stack: str, yes: bool) -> tuple[int, str]:
    model = gated_model(context, loop.problem) if stack == "dev" else proposed_model(context, loop.problem)
    before, called = context.pins.read(stack, loop.problem), context.called(loop.problem)
    if model != before:
        if why := rejection(context, stack, loop.problem, model):
            # The pin stays with what the stack serves: a person who knows better promotes and retries by hand.
            again = f"mlops promote {called} --stack {stack}, then mlops release {called} --stack {stack} --retry"
            return ROLLED_BACK, f"{stack} has rejected {model} before: {why}; all the same: {again}"
        if stack == "prod" and not approved(context, yes, model, before):
            following = f"mlops promote {called} --stack prod, then mlops release {called} --stack prod"
            return WAITING, f"prod waits for an approval: {following}"
        context.pins.write(stack, loop.problem, model)
        context.screen.done(f"{stack} is pinned to {model}")
    outcome = release(context, stack, loop.problem)
    if outcome.events:
        loop.outcomes[stack] = outcome
        _keep(loop.run, context, stack, outcome)
    else:
        context.screen.done("nothing to do")
    return CODES[outcome.result], summary(stack, loop.problem, outcome)


def _keep(made: Run, context: Context, stack: str, outcome: Outcome) -> None:
    """The story of a release, for the report of a later run in which nothing was to do."""
    text = json.dumps(asdict(outcome), ensure_ascii=False)
    (context.runs / made.run_id / f"release-{stack}.json").write_text(text, encoding="utf-8")


def _report(loop: Loop, context: Context) -> None:
    from deploy.report.report import write_report

    assert loop.gated is not None
    folder = context.runs / loop.run.run_id
    releases = {
        p.stem.removeprefix("release-"): json.loads(p.read_text("utf-8")) for p in folder.glob("release-*.json")
    }
    loop.report = folder / "report.html"
    version = loop.gated.model.version if loop.gated.model else None
    write_report(loop.report, loop.inputs.problem, loop.run, loop.gated.verdict, releases, loop.monitored, version)


def _result(loop: Loop, context: Context, seconds: float) -> dict[str, Any]:
    assert loop.gated is not None
    model: ModelRef | None = loop.gated.model
    return {
        "problem": loop.problem,
        "run_id": loop.run.run_id,
        "seconds": round(seconds, 3),
        "steps": steps_json(loop.run),
        "model": None if model is None else vars(model),
        "verdict": {"decision": loop.gated.verdict["decision"], "reasons": loop.gated.verdict["reasons"]},
        "endpoints": {stack: {"url": _url(context, stack, loop.problem)} for stack in ("dev", "prod")},
        "monitor": None if loop.monitored is None else loop.monitored["decision"],
        "report": str(loop.report),
    }


def _url(context: Context, stack: str, problem: str) -> str | None:
    platform = context.platform(stack)
    return platform.address(problem).url if platform.observe(problem).running else None


def _story(loop: Loop, context: Context) -> tuple[str, ...]:
    """What to look at next."""
    assert loop.gated is not None
    lines = [f"verdict  {loop.gated.verdict['decision']}: {'; '.join(loop.gated.verdict['reasons'])}"]
    url = _url(context, "prod", loop.problem)
    if url:
        lines += [f"prod     {url}", f"try it   {curl(context, loop, url)}"]
    return (*lines, f"report   {_from_here(loop.report)}" if loop.report else "")


def mlops_command() -> str:
    """How this command is called from here: by its name where that is found, otherwise by its path."""
    own = Path(sys.executable).with_name("mlops")
    return "mlops" if shutil.which("mlops") == str(own) else str(_from_here(own))


def _from_here(path: Path) -> Path:
    """The path as a person would type it: relative where it lies below the present folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def curl(context: Context, loop: Loop, url: str) -> str:
    """A command that works as it is printed; the key is read when it runs, not shown."""
    example = _from_here(Path(loop.run.model) / "serving_input_example.json")
    key = context.platform("prod").address(loop.problem).key_command
    return f"curl -s {url} -H \"Authorization: Bearer $({key})\" -H 'Content-Type: application/json' -d @'{example}'"
