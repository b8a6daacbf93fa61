"""Learns a model from the training rows, of either kind, as an MLflow model directory."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml.fault import entry, invalid
from ml.lean import without_pandas
from ml.learners.nodes import rank
from ml.model.encoder import Encoder
from ml.model.model import CARD, ENCODER, PROFILE, SMOKE, Card, Model
from ml.problem import Problem, load_problem
from ml.sweep import with_parameters

if TYPE_CHECKING:
    import pyarrow as pa

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
TRIAL = "trial.json"
EXAMPLE_ROWS = 1
SMOKE_ROWS = 20


def train(rows: pa.Table, window: dict[str, str | None], problem: Problem, folder: Path) -> None:
    """Writes encoder, card and estimator of a model into `folder`.

    Args:
        rows: the training rows, typed.
        window: `from` and `until` of their time, ISO 8601, or None.
        problem: says what learns what.
        folder: exists and is empty.

    Raises:
        Fault: the target has a single value, or the learner refuses its parameters.
    """
    encoder = Encoder.fit(rows, problem.columns.features)
    classes = _classes(rows, problem)
    target = targets(rows, problem.columns.target, classes)
    encoder.save(folder / ENCODER)
    _card(problem, classes, target, window).save(folder / CARD)
    _learn(problem, encoder, encoder.encode(rows), target, len(classes), folder)


def targets(rows: pa.Table, column: str, classes: tuple[str, ...]) -> Floats:
    """The target as float64: the value itself, or the number of the class (NaN for an unknown one)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = rows.column(column)
    if classes:
        values = pc.index_in(values, value_set=pa.array(classes, pa.string()))
    return np.asarray(values.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _classes(rows: pa.Table, problem: Problem) -> tuple[str, ...]:
    distinct = rows.column(problem.columns.target).unique().drop_null().to_pylist()
    if len(distinct) < 2:
        remedy = "choose another target, or rows in which it varies"
        raise invalid(f"the target has {len(distinct)} distinct value(s)", problem.columns.target, remedy)
    return tuple(sorted(distinct)) if problem.task == "classification" else ()


def _card(problem: Problem, classes: tuple[str, ...], target: Floats, window: dict[str, str | None]) -> Card:
    columns = problem.columns
    return Card(
        problem=problem.name, task=problem.task, answer=problem.answer, target=columns.target, classes=classes,
        carried=columns.carried, identifier=columns.id, time=columns.time, group=columns.group,
        trained_from=window["from"], trained_until=window["until"], rows=len(target),
        dummy=_dummy(problem, target, len(classes)),
    )  # fmt: skip


def _dummy(problem: Problem, target: Floats, classes: int) -> tuple[float, ...]:
    """The constant that is best for the problem's metric (what scikit-learn's dummy estimators answer)."""
    if problem.task == "classification":
        return tuple((np.bincount(target.astype(np.int64), minlength=classes) / len(target)).tolist())
    return (float(np.median(target) if problem.success.metric == "mae" else np.mean(target)),)


def smoke_test(model: Model, rows: pa.Table) -> str:
    """A request of a few rows in Azure ML's form with the model's answers, as JSON."""
    rows = rows.select([feature.name for feature in model.encoder.features])
    answers = model.answers(model.estimator.predict(model.encoder.encode(rows)))
    data = [list(row.values()) for row in rows.to_pylist()]
    request = {"columns": rows.column_names, "index": list(range(rows.num_rows)), "data": data}
    return json.dumps({"input_data": request, "answers": answers}, default=_iso, ensure_ascii=False)


def _iso(value: dt.datetime) -> str:
    return value.isoformat()


def _learn(problem: Problem, encoder: Encoder, matrix: Floats, target: Floats, classes: int, folder: Path) -> None:
    # Only the learner that is used is imported: each costs a second or more.
    if problem.model.kind == "lightgbm":
        from ml.learners.lightgbm_learner import learn as learn_lightgbm

        learn_lightgbm(problem, encoder, matrix, target, classes, folder)
    else:
        from ml.learners.sklearn_learner import learn as learn_sklearn

        learn_sklearn(problem, encoder, matrix, target, folder)


def _write(inner: Path, rows: pa.Table, problem: Problem, folder: Path) -> None:
    """The learnt files with what describes them, as an MLflow model directory."""
    from ml.model.mlflow_format import wrap
    from ml.profile import profile

    model = Model.load(inner)
    profile(rows, problem.columns.features, model.outputs(rows), model.card.classes).save(inner / PROFILE)
    (inner / SMOKE).write_text(smoke_test(model, rows.slice(0, SMOKE_ROWS)), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    wrap(inner, rows.select(list(problem.columns.features)).slice(0, EXAMPLE_ROWS), folder)


@entry
def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", type=Path, required=True)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--tried", type=Path, help="the best trial of a sweep, whose parameters are taken")
    parser.add_argument("--model", type=Path, required=True)
    arguments = parser.parse_args()
    without_pandas()
    import pyarrow.parquet as pq

    problem = load_problem(arguments.problem)
    if arguments.tried is not None:
        problem = with_parameters(
            problem, json.loads((arguments.tried / TRIAL).read_text(encoding="utf-8"))["parameters"]
        )
    rows = pq.read_table(arguments.train / "rows.parquet")
    window = json.loads((arguments.train / "window.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as temporary:
        inner = Path(temporary)
        train(rows, window, problem, inner)
        if rank(os.environ) == 0:  # all nodes have the same model, and share the folder that it goes to
            _write(inner, rows, problem, arguments.model)
    print(f"learnt from {rows.num_rows:,} rows")


if __name__ == "__main__":
    main()
