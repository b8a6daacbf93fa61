"""Runs made from arrays, judged by the real gate, and their reports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deploy.gate.judge import judge
from deploy.gate.scored import read_scored
from deploy.monitor.drift import Thresholds, compare
from deploy.monitor.periods import Period
from deploy.monitor.verdict import Volume, decide
from deploy.release.analysis import Live
from deploy.release.release import Event, Outcome
from deploy.report.report import write_report
from deploy.runs import Run, StepTime
from ml.metrics import measure
from ml.problem import Problem
from ml.profile import count, profile
from tests.deploy.report.page import Page

DIGEST = "5f221de55f4f" + "0" * 52
OURS, STABLE = "v2-5f221de5", "v1-9c502893"


@dataclass(frozen=True)
class Case:
    """What a report is written from."""

    folder: Path
    problem: Problem
    run: Run
    verdict: dict[str, Any]

    def report(
        self,
        releases: Mapping[str, Any] | None = None,
        monitored: Mapping[str, Any] | None = None,
        version: str | None = None,
    ) -> Page:
        path = self.folder / "report.html"
        write_report(path, self.problem, self.run, self.verdict, dict(releases or {}), monitored, version)
        return Page(path.read_text(encoding="utf-8"))


def case_of(folder: Path, target: Any, outputs: Any, champion: Any = None, **more: Any) -> Case:
    """A run of some targets and outputs; with a champion's outputs that is what it is held against."""
    target, outputs = np.asarray(target, dtype=np.float64), np.asarray(outputs, dtype=np.float64)
    problem = problem_of(outputs, **more)
    classes = more.get("classes", ())
    run = _run(folder, more.get("steps", (StepTime("ingest", 0.0, True), StepTime("train", 7.25, False))))
    _model(folder, problem, target, outputs, classes)
    _evaluated(Path(run.evaluation), target, outputs, DIGEST, **more)
    theirs = None
    if champion is not None:
        _evaluated(folder / "champion", target, np.asarray(champion, dtype=np.float64), "c" * 64, **more)
        theirs = read_scored(folder / "champion")
    verdict = judge(read_scored(Path(run.evaluation)), theirs, problem.success)
    return Case(folder, problem, run, json.loads(json.dumps(verdict.to_json())))


def problem_of(outputs: Any, **more: Any) -> Problem:
    task = "regression" if outputs.ndim == 1 else "classification"
    slices = {"columns": list(more.get("slices", {})), "smallest": 20}
    success = {"metric": "mae" if task == "regression" else "log_loss", "margin": 0.5, "slices": slices}
    timed = "time" in more
    fields = {
        "name": "a-problem",
        "expected_output": more.get("expected_output", "What will come."),
        "task": task,
        "data": {"path": "rows.csv"},
        "columns": {
            "target": more.get("named", "target"),
            "time": "moment" if timed else None,
            "features": {"x": "number", **dict.fromkeys(more.get("slices", {}), "category")},
        },
        "split": {"evaluation_days": 30} if timed else {"evaluation_share": 0.3},
        "success": success | more.get("success", {}),
    }
    return Problem.model_validate(fields)


def _run(folder: Path, steps: Sequence[StepTime]) -> Run:
    for name, rows in (("rows", 3000), ("live", 500)):
        (folder / name).mkdir(exist_ok=True)
        window = {"rows": rows, "from": None, "until": None}
        (folder / name / "window.json").write_text(json.dumps(window), encoding="utf-8")
    return Run(
        run_id="6a62b0f7f5e8", problem="a-problem", problem_file="a-problem.yaml", created="2026-11-21T09:22:10+00:00",
        seconds=7.4, until="default", git_commit="5b9a2caa7467" + "0" * 28 + "+", data_digest="3f77fa66ca2f" + "0" * 52,
        model=str(folder / "model"), evaluation=str(folder / "evaluation"), evaluation_rows=str(folder / "rows"),
        live=str(folder / "live"), model_digest=DIGEST, steps=tuple(steps),
    )  # fmt: skip


def _model(folder: Path, problem: Problem, target: Any, outputs: Any, classes: Sequence[str]) -> None:
    files = folder / "model" / "data" / "model"
    files.mkdir(parents=True)
    (folder / "model" / "MLmodel").touch()
    card = {"rows": 1234, "trained_from": None, "trained_until": None, "dummy": _dummy(target, outputs).tolist()}
    (files / "card.json").write_text(json.dumps({**card, "classes": list(classes)}), encoding="utf-8")


def _dummy(target: Any, outputs: Any) -> Any:
    if outputs.ndim == 1:
        return np.atleast_1d(np.median(target))
    return np.bincount(target.astype(int), minlength=outputs.shape[1]) / len(target)


def _evaluated(folder: Path, target: Any, outputs: Any, digest: str, **more: Any) -> None:
    folder.mkdir(parents=True)
    classes = more.get("classes", ())
    task = "classification" if classes else "regression"
    columns = {"key": [f"{k:08x}" for k in range(len(target))], "target": target}
    columns |= {f"output_{k}": output for k, output in enumerate(np.atleast_2d(outputs.T))}
    columns |= {f"slice:{name}": pa.array(values, pa.string()) for name, values in more.get("slices", {}).items()}
    columns |= {"time": pa.array(more["time"].astype("datetime64[us]"))} if "time" in more else {}
    pq.write_table(pa.table(columns), folder / "predictions.parquet")
    constant = np.broadcast_to(_dummy(target, outputs), (len(target), outputs.shape[1] if classes else 1))
    measures = {
        "metrics": measure(task, target, outputs),
        "dummy_metrics": measure(task, target, constant if classes else constant[:, 0]),
        "latency_ms": 0.0433, "size_mb": 0.6504, "parity": 0.0,
        "importance": more.get("importance", {"x": 0.75, "y": 0.25}),
        "classes": list(classes), "model_digest": digest, "data_digest": "d" * 64,
    }  # fmt: skip
    (folder / "measures.json").write_text(json.dumps(measures), encoding="utf-8")


def labels_and_probabilities(classes: int, rows: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(classes)
    target = rng.integers(0, classes, rows)
    scores = rng.normal(0.0, 1.0, (rows, classes))
    scores[np.arange(rows), target] += 2.5
    odds = np.exp(scores)
    return target, odds / odds.sum(axis=1, keepdims=True)


def outcome(result: str = "released", reason: str = "") -> dict[str, Any]:
    """A release in three steps, as the file of a run keeps it."""
    live = {
        OURS: Live(requests=60, failures=1, latency_p95_ms=31.4, predictions=300, mean=4.25, std=27.9, distinct=True),
        STABLE: Live(requests=540, latency_p95_ms=21.7, predictions=2700, mean=4.5, std=28.1, distinct=True),
    }
    shares = [(0.7, {STABLE: 100}, {}), (8.2, {OURS: 10, STABLE: 90}, {}), (13.7, {OURS: 10, STABLE: 90}, live)]
    ends = (
        [(14.1, {OURS: 50, STABLE: 50}, {}), (17.2, {OURS: 100}, {})]
        if result == "released"
        else [(14.0, {STABLE: 100}, {})]
    )
    events = tuple(Event(at, f"event at {at}", traffic, seen) for at, traffic, seen in [*shares, *ends])
    found: dict[str, Any] = json.loads(json.dumps(asdict(Outcome(result, reason, events))))
    return found


def monitored(name: str = "temperature", moved: float = 1.5) -> dict[str, Any]:
    """What the real monitor says of a normal column that moved, beside one that did not, in JSON's own types."""
    rng = np.random.default_rng(3)
    kinds = {name: "number", "carrier": "category"}

    def rows(amount: int, mean: float) -> pa.Table:
        values = [pa.array(rng.normal(mean, 1.0, amount)), pa.array(rng.choice(["UA", "AA"], amount))]
        return pa.table(values, names=list(kinds))

    reference = profile(rows(5_000, 0.0), kinds, rng.normal(0.0, 1.0, 5_000))
    current = count(reference, rows(3_000, moved), rng.normal(0.0, 1.0, 3_000))
    volume = Volume(3_000, 3_000, "2013-09-01T00:00:00", "2013-09-03T00:00:00", 2_000)
    periods = tuple(Period(f"2013-09-0{k}", 1_000, 700, 11.0 + k) for k in (1, 2, 3))
    limits = Thresholds()
    verdict = decide(volume, compare(reference, current, limits), None, periods, limits)
    found: dict[str, Any] = json.loads(json.dumps(verdict.to_json()))
    return found
