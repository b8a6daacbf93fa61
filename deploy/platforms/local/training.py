"""A training run on this machine: the raw data, the pipeline, the record."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
import uuid
from pathlib import Path

from deploy.pipeline import load_pipeline
from deploy.platforms.local.executor import PipelineDone, StepDone, Told, run_pipeline
from deploy.platforms.local.home import REPOSITORY, Home
from deploy.platforms.local.tracking import Tracking
from deploy.platforms.protocol import TrainingInputs
from deploy.runs import Run, StepTime, find_run, save_run, with_tracking
from deploy.screen import Screen
from ml import digest
from ml.fault import Fault, from_json
from ml.problem import Problem, data_path

PIPELINES = REPOSITORY / "ml" / "pipelines"
ENVIRONMENTS = REPOSITORY / "environments"


def run_training(home: Home, inputs: TrainingInputs, tracking: Tracking, screen: Screen) -> Run:
    """Runs the pipeline, logs a run that is new, and keeps its record.

    Raises:
        Fault: of a step, or of the data.
    """

    def told(name: str, done: StepDone | None) -> None:
        if done is None:
            screen.working(name)
        else:
            screen.done(name, "cached" if done.cached else f"{done.seconds:.1f} s")
            if not done.cached:
                tracking.warm_up()

    made = train(home, inputs, told)
    if not made.tracking_id:
        screen.working("log the run")
        made = with_tracking(made, tracking.log_run(made, dict(inputs.problem.model.parameters)))
    save_run(home.runs, made)
    return made


def train(home: Home, inputs: TrainingInputs, told: Told) -> Run:
    """Runs the training pipeline; a run whose steps were all reused is the run that it was.

    Raises:
        Fault: of a step, or of the data.
    """
    started = time.monotonic()
    given: dict[str, Path | str] = {
        "problem": inputs.file,
        "raw": raw_data(home, inputs.problem, inputs.file),
        "until": inputs.until.isoformat() if inputs.until else "default",
    }
    if inputs.collected is not None:
        given["collected"] = inputs.collected
    done = run_pipeline(load_pipeline(PIPELINES / "training.yml"), given, home.steps, environments(), told)
    return _record(home, inputs, done, time.monotonic() - started, str(given["until"]))


def evaluate(home: Home, problem_file: Path, model: Path, evaluation: Path) -> Path:
    """A model on another run's evaluation rows, by the same step as in training."""
    given: dict[str, Path | str] = {"problem": problem_file, "model": model, "evaluation": evaluation}
    done = run_pipeline(load_pipeline(PIPELINES / "comparison.yml"), given, home.steps, environments())
    return Path(done.outputs["evaluation"].value)


def raw_data(home: Home, problem: Problem, file: Path) -> Path:
    """The problem's raw file or folder; what a source makes is made once for each state of its code.

    Raises:
        Fault: there is no such file, or the source fails.
    """
    path, source = data_path(problem, file), problem.data.source
    if source is None:
        assert path is not None
        return path
    code = REPOSITORY / "ml" / "sources" / f"{source}.py"
    if not code.exists():
        raise Fault(f"there is no source `{source}`", str(code), "name a module of ml/sources", code=2)
    folder = home.data / f"{source}-{digest.of_file(code)[:12]}"
    if not folder.exists():
        _make(source, folder)
    return folder


def _make(source: str, folder: Path) -> None:
    working = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    working.mkdir(parents=True)
    command = [sys.executable, "-m", f"ml.sources.{source}", "--out", str(working)]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        last = ended.stderr.strip().splitlines()[-1:] or ["no word"]
        raise from_json(last[0]) or Fault(f"the source `{source}` failed: {last[0]}", remedy="see its code")
    if folder.exists():
        return
    working.rename(folder)


def environments() -> dict[str, str]:
    """By the name that components use, the digest of each Azure ML environment's locked requirements."""
    locks = ENVIRONMENTS.glob("*/requirements.txt")
    return {f"azureml:{lock.parent.name}@latest": digest.of_file(lock) for lock in locks}


def _record(home: Home, inputs: TrainingInputs, done: PipelineDone, seconds: float, until: str) -> Run:
    run_id = digest.of_bytes(" ".join(step.key for step in done.steps).encode())[:12]
    known = find_run(home.runs, run_id)
    steps = {step.name: step for step in done.steps}
    return Run(
        run_id=run_id,
        problem=inputs.problem.name,
        problem_file=str(inputs.file),
        created=known.created if known else dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        until=until,
        git_commit=git_commit(),
        data_digest=steps["ingest"].outputs["rows"].digest,
        model=done.outputs["model"].value,
        evaluation=done.outputs["evaluation"].value,
        evaluation_rows=steps["prepare"].outputs["evaluation"].value,
        live=done.outputs["live"].value,
        model_digest=done.outputs["model"].digest,
        steps=tuple(StepTime(step.name, round(step.seconds, 3), step.cached) for step in done.steps),
        tracking_id=known.tracking_id if known else "",
    )


def git_commit() -> str:
    """The commit of the repository, with `+` where files were changed since; empty outside of git."""
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],
            cwd=REPOSITORY, capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return ""
    return commit.stdout.strip()
