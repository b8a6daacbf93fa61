"""`mlops train`: runs the training pipeline and logs the run."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from deploy.arguments import TRAINS
from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.platforms.protocol import TrainingInputs
from deploy.runs import Run
from ml.fault import invalid
from ml.learners.parameters import require_parameters
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    if arguments.stack != TRAINS:
        raise invalid(f"models are trained in {TRAINS}; {arguments.stack} takes its bytes", "--stack", "mlops promote")
    if arguments.resume is not None:
        file = find(arguments.problem)
        return _done(context.platform(TRAINS).wait(arguments.resume, context.screen, file), context)
    inputs = training_inputs(arguments, context)
    if arguments.no_wait:
        run_id = context.platform(TRAINS).submit(inputs, context.screen)
        following = f"next: mlops train {context.called(inputs.problem.name)} --resume {run_id}"
        return Done(DONE, {"run_id": run_id, "problem": inputs.problem.name}, (following,))
    return _done(train(context, inputs), context)


def _done(trained: Run, context: Context) -> Done:
    reused = [step.name for step in trained.steps if step.cached]
    lines = (
        f"run {trained.run_id} of {trained.problem}, {trained.seconds:.1f} s",
        *([f"reused   {', '.join(reused)}"] if reused else []),
        f"next: mlops gate {context.called(trained.problem)}",
    )
    return Done(DONE, {**trained.to_json(), "steps": steps_json(trained)}, lines)


def training_inputs(arguments: argparse.Namespace, context: Context) -> TrainingInputs:
    """What the arguments ask to train from.

    Raises:
        Fault: the problem or the day is not one, or the learner does not take the problem's parameters.
    """
    file = find(arguments.problem)
    problem = load_problem(file)
    require_parameters(problem, file)
    until = _day(arguments.until) if arguments.until else None
    if until and problem.columns.time is None:
        raise invalid(f"{problem.name} has no time column", "--until", "leave it out, or name `columns.time`")
    collected = _labelled(context, problem.name) if arguments.from_monitor else None
    if collected is not None and until is None and problem.columns.time is not None:
        until = _day_after_newest(collected, problem.columns.time)
    return TrainingInputs(problem, file, until, collected)


def train(context: Context, inputs: TrainingInputs) -> Run:
    """Runs the pipeline to its end."""
    platform = context.platform(TRAINS)
    return platform.wait(platform.submit(inputs, context.screen), context.screen)


def steps_json(made: Run) -> list[dict[str, object]]:
    """The steps as `--json` shows them."""
    return [{"name": step.name, "seconds": step.seconds, "cached": step.cached} for step in made.steps]


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise invalid(f"`{text}` is no day", "--until", "write it as 2013-09-01") from None


def _labelled(context: Context, problem: str) -> Path:
    folder = context.platform(TRAINS).labelled(problem)
    if not any(folder.glob("*.parquet")):
        remedy = f"mlops monitor {context.called(problem)} --labels FILE"
        raise invalid("no labels have come for what was collected", str(folder), remedy)
    return folder


def _day_after_newest(folder: Path, time: str) -> dt.date:
    """Windows are relative to the newest labelled row."""
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    newest: dt.datetime = pc.max(ds.dataset(folder).to_table(columns=[time]).column(time)).as_py()
    return newest.date() + dt.timedelta(days=1)
