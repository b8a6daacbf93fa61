"""How was it made? Steps, windows, parameters, digests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deploy.report.answers import read_json
from deploy.report.axes import Scale
from deploy.report.numerals import count, day, given, seconds
from deploy.report.page import Block, Cell, Facts, Section, Table, number_cell
from deploy.report.rulers import bar, span
from deploy.report.svg import Markup

if TYPE_CHECKING:
    from deploy.runs import Run, StepTime
    from ml.problem import Problem

Window = Mapping[str, Any]


def origin(problem: Problem, run: Run, card: Mapping[str, Any], verdict: Mapping[str, Any]) -> Section:
    """The section on the run itself."""
    answer = f"In {seconds(run.seconds)}, by {len(run.steps)} steps{_reused(run)}."
    blocks: tuple[Block, ...] = (_steps(run), _learner(problem), *_windows(run, card), _identity(run, verdict))
    return Section("origin", "How was it made?", answer, blocks)


def _reused(run: Run) -> str:
    reused = sum(step.cached for step in run.steps)
    return "" if not reused else f", {'all' if reused == len(run.steps) else reused} of them reused"


def _steps(run: Run) -> Table:
    scale = Scale(0.0, max([step.seconds for step in run.steps], default=0.0) or 1.0)
    rows = tuple(
        (
            Cell(step.name),
            number_cell("reused" if step.cached else seconds(step.seconds)),
            Cell("", "picture", _time(step, scale)),
        )
        for step in run.steps
    )
    return Table("Steps", (Cell("step"), Cell("took", "number"), Cell("", "picture")), rows, wide=False)


def _time(step: StepTime, scale: Scale) -> Markup | None:
    return None if step.cached else bar(scale, step.seconds, f"{step.name}: {seconds(step.seconds)}")


def _windows(run: Run, card: Mapping[str, Any]) -> tuple[Table, ...]:
    """Which rows taught, judged, and are sent as requests; on one line of time where they have one."""
    taught = {"rows": card.get("rows"), "from": card.get("trained_from"), "until": card.get("trained_until")}
    judged, live = (read_json(Path(folder) / "window.json") for folder in (run.evaluation_rows, run.live))
    named: tuple[tuple[str, Window], ...] = (("taught", taught), ("judged", judged), ("are sent as requests", live))
    windows = [(name, window) for name, window in named if window.get("rows")]
    if not windows:
        return ()
    timed = all(window.get("from") for _, window in windows)
    most = max(int(window["rows"]) for _, window in windows)
    scale = _span([w for _, w in windows]) if timed else Scale(0.0, float(most))
    rows = tuple(
        (
            Cell(name),
            number_cell(count(w["rows"])),
            *_when(w, timed),
            Cell("", "picture", _window(name, w, scale, timed)),
        )
        for name, w in windows
    )
    heads = (
        Cell("rows that"),
        Cell("rows", "number"),
        *([Cell("from", "minor"), Cell("to", "minor")] if timed else []),
        Cell("", "picture"),
    )
    return (Table("Rows", heads, rows, wide=timed),)


def _when(window: Mapping[str, Any], timed: bool) -> tuple[Cell, ...]:
    return (Cell(day(window["from"]), "minor"), Cell(day(window["until"]), "minor")) if timed else ()


def _span(windows: list[Mapping[str, Any]]) -> Scale:
    ends = [_days(window[key]) for window in windows for key in ("from", "until")]
    return Scale(min(ends), max(max(ends), min(ends) + 1.0))


def _window(name: str, window: Mapping[str, Any], scale: Scale, timed: bool) -> Markup:
    if not timed:
        return bar(scale, float(window["rows"]), f"{name}: {count(window['rows'])} rows")
    words = f"{name}: {day(window['from'])} to {day(window['until'])}"
    return span(scale, _days(window["from"]), _days(window["until"]), words)


def _days(text: str) -> float:
    return float(np.datetime64(text, "s").astype(np.int64)) / 86_400


def _identity(run: Run, verdict: Mapping[str, Any]) -> Facts:
    rows = [
        ("run", run.run_id),
        ("code", run.git_commit or "outside of git"),
        ("data", run.data_digest),
        ("model", run.model_digest),
    ]
    if run.until != "default":
        rows.append(("labelled until", run.until))
    if run.tracking_id:
        rows.append(("MLflow run", run.tracking_id))
    return Facts("Identity", (*rows, ("seed of the verdict", str(verdict["seed"]))), wide=True)


def _learner(problem: Problem) -> Facts:
    learner = problem.model
    kind = "LightGBM" if learner.kind == "lightgbm" else f"scikit-learn, {learner.estimator}"
    written = [
        (name, given(value) if isinstance(value, float) else str(value)) for name, value in learner.parameters.items()
    ]
    return Facts("Learner", (("kind", kind), *written, ("seed", str(learner.seed))))
