"""What a model answers on the rows that judge: predictions, metrics, latency, parity, importance."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml import digest
from ml.fault import entry
from ml.lean import without_pandas
from ml.metrics import METRICS, Floats, Targets, measure
from ml.model.model import Model
from ml.problem import Problem, load_problem
from ml.serving.scorer import Scorer
from ml.split import row_keys
from ml.steps.train import targets
from ml.tracking import log_metrics

if TYPE_CHECKING:
    import pyarrow as pa

ASKED_ROWS = 300
IMPORTANCE_ROWS = 3_000
SEED = 0


def predictions(rows: pa.Table, problem: Problem, target: Targets, outputs: Floats) -> pa.Table:
    """What the gate compares, one line a row."""
    import pyarrow as pa

    columns: dict[str, Any] = {"key": pa.array(row_keys(rows, problem.columns)), "target": pa.array(target)}
    for place, output in enumerate(np.atleast_2d(outputs.T)):
        columns[f"output_{place}"] = pa.array(output)
    for name in problem.success.slices.columns:
        columns[f"slice:{name}"] = rows.column(name).cast(pa.string())
    for name, column in (("time", problem.columns.time), ("group", problem.columns.group)):
        if column:
            columns[name] = rows.column(column)
    return pa.table(columns)


def answer_alone(scorer: Scorer, rows: pa.Table) -> tuple[Floats, Floats]:
    """Asks the scoring server's own code for row after row: its outputs, and the milliseconds of each."""
    names = [feature.name for feature in scorer.model.encoder.features]
    outputs, milliseconds = [], []
    for row in rows.select(names).to_pylist():
        body = json.dumps({"dataframe_split": {"columns": names, "data": [list(row.values())]}}, default=_iso).encode()
        began = time.perf_counter()
        scorer.score(body)
        milliseconds.append((time.perf_counter() - began) * 1000.0)
        outputs.append(scorer.outputs(body)[0])
    return np.asarray(outputs, dtype=np.float64), np.asarray(milliseconds, dtype=np.float64)


def importance(model: Model, rows: pa.Table, problem: Problem, target: Targets) -> dict[str, float]:
    """Permutation importance (Breiman 2001): how much the metric suffers when a feature is shuffled, as shares."""
    import pyarrow as pa

    rng = np.random.default_rng(SEED)
    sample = np.sort(rng.permutation(rows.num_rows)[:IMPORTANCE_ROWS])
    rows, target = rows.take(pa.array(sample)), target[sample]
    metric = METRICS[problem.success.metric]
    sign = -1.0 if metric.higher_is_better else 1.0
    whole = metric.whole(target, model.outputs(rows))
    harm = {}
    for place, name in enumerate(rows.column_names):
        if name not in problem.columns.features:
            continue
        shuffled = rows.set_column(place, name, rows.column(name).take(pa.array(rng.permutation(rows.num_rows))))
        harm[name] = max(0.0, sign * (metric.whole(target, model.outputs(shuffled)) - whole))
    total = sum(harm.values()) or 1.0
    return {name: value / total for name, value in sorted(harm.items(), key=lambda item: -item[1])}


def measures(
    model: Model, folder: Path, rows: pa.Table, problem: Problem, target: Targets, outputs: Floats
) -> dict[str, Any]:
    """What was measured beside the answers (see the gate)."""
    dummy = np.broadcast_to(np.asarray(model.card.dummy), (len(target), len(model.card.dummy)))
    asked = rows.take(np.random.default_rng(SEED).permutation(rows.num_rows)[:ASKED_ROWS])
    served, milliseconds = answer_alone(Scorer(model), asked)
    return {
        "metrics": _finite(measure(problem.task, target, outputs)),
        "dummy_metrics": _finite(
            measure(problem.task, target, dummy if problem.task == "classification" else dummy[:, 0])
        ),
        "latency_ms": float(np.percentile(milliseconds, 95)),
        "size_mb": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6,
        "parity": float(np.max(np.abs(served - model.outputs(asked)))),
        "importance": importance(model, rows, problem, target),
        "classes": list(model.card.classes),
        "model_digest": digest.of_path(folder),
    }


def _finite(values: dict[str, float]) -> dict[str, float | None]:
    """JSON has no NaN: a metric that cannot be computed is null, and the gate refuses it."""
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


def _iso(value: dt.datetime) -> str:
    return value.isoformat()


@entry
def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True)
    parser.add_argument("--evaluated", type=Path, required=True)
    arguments = parser.parse_args()
    import pyarrow.parquet as pq

    without_pandas()
    problem, model = load_problem(arguments.problem), Model.load(arguments.model)
    file = arguments.evaluation / "rows.parquet"
    rows = pq.read_table(file)
    target = targets(rows, problem.columns.target, model.card.classes)
    outputs = model.outputs(rows)
    arguments.evaluated.mkdir(parents=True, exist_ok=True)
    pq.write_table(predictions(rows, problem, target, outputs), arguments.evaluated / "predictions.parquet")
    measured = {
        **measures(model, arguments.model, rows, problem, target, outputs),
        "data_digest": digest.of_file(file),
    }
    text = json.dumps(measured, ensure_ascii=False, indent=1, allow_nan=False)
    (arguments.evaluated / "measures.json").write_text(text, encoding="utf-8")
    log_metrics(measured["metrics"])
    shown = measured["metrics"][problem.success.metric]
    print(f"{problem.success.metric} {shown} on {rows.num_rows:,} rows")


if __name__ == "__main__":
    main()
