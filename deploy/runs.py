"""Runs: what was trained, from what, how long it took, and where its outputs are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ml.fault import invalid

FILE = "run.json"


@dataclass(frozen=True)
class StepTime:
    """One step of a run."""

    name: str
    seconds: float
    cached: bool


@dataclass(frozen=True)
class Run:
    """The record of one execution of the training pipeline.

    Attributes:
        run_id: from the steps' keys, so that the same code, inputs and parameters are the same run.
        created: UTC, ISO 8601.
        seconds: the pipeline's duration.
        until: the day at which its labelled rows end, or `default`.
        model, evaluation, evaluation_rows, live: the folders of its outputs; `evaluation` is what the
            model answered on `evaluation_rows`, `live` are the rows held back to be sent as requests.
        model_digest: of the model's files.
        tracking_id: MLflow's id of the run; empty until it was logged.
        parameters: of the learner; where there was a sweep, those of its best trial.
    """

    run_id: str
    problem: str
    problem_file: str
    created: str
    seconds: float
    until: str
    git_commit: str
    data_digest: str
    model: str
    evaluation: str
    evaluation_rows: str
    live: str
    model_digest: str
    steps: tuple[StepTime, ...]
    tracking_id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fresh(self) -> bool:
        """Whether any step was executed rather than reused."""
        return any(not step.cached for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        """As `run.json` holds it."""
        return asdict(self)


def save_run(folder: Path, run: Run) -> None:
    """Writes `<folder>/<run_id>/run.json` and remembers the run as its problem's newest."""
    own = folder / run.run_id
    own.mkdir(parents=True, exist_ok=True)
    new = own / f"{FILE}.new"
    new.write_text(json.dumps(run.to_json(), ensure_ascii=False, indent=1), encoding="utf-8")
    new.replace(own / FILE)
    newest = folder / f"{run.problem}.newest"
    newest.write_text(run.run_id, encoding="utf-8")


def load_run(folder: Path, run_id: str) -> Run:
    """The run of that id.

    Raises:
        Fault: there is none.
    """
    try:
        fields = json.loads((folder / run_id / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise invalid(f"there is no run `{run_id}`", str(folder), "`mlops train` makes one") from None
    return Run(**{**fields, "steps": tuple(StepTime(**step) for step in fields["steps"])})


def find_run(folder: Path, run_id: str) -> Run | None:
    """The run of that id, or None."""
    return load_run(folder, run_id) if (folder / run_id / FILE).exists() else None


def newest_run(folder: Path, problem: str, called: str = "") -> Run:
    """The run of the problem that was made or used last; `called` is the problem in a command.

    Raises:
        Fault: nothing was trained yet.
    """
    try:
        run_id = (folder / f"{problem}.newest").read_text(encoding="utf-8")
    except OSError:
        raise invalid(
            f"nothing was trained for `{problem}` yet", str(folder), f"mlops train {called or problem}"
        ) from None
    return load_run(folder, run_id)


def with_tracking(run: Run, tracking_id: str) -> Run:
    """The run with its id in the tracking server."""
    return replace(run, tracking_id=tracking_id)
