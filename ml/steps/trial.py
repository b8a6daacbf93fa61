"""One trial of a sweep: learns from most of the training rows, judged on the others."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ml.fault import entry, invalid
from ml.lean import without_pandas
from ml.metrics import METRICS
from ml.model.model import Model
from ml.problem import Problem, load_problem
from ml.steps.prepare import FEWEST_ROWS
from ml.steps.train import TRIAL, targets, train
from ml.sweep import trial, with_parameters
from ml.tracking import log_metrics

if TYPE_CHECKING:
    import pyarrow as pa

LOSS = "validation_loss"


def parts(rows: pa.Table, problem: Problem, share: float) -> tuple[pa.Table, pa.Table]:
    """The training rows that teach a trial, and those that judge it.

    With a time column the last `share` judges, so that a trial too is judged on rows that came later.

    Raises:
        Fault: a part would be too small to mean anything.
    """
    import pyarrow as pa

    from ml.split import held_out, row_keys

    if problem.columns.time is not None:  # `prepare` has sorted them
        teaching = rows.num_rows - round(share * rows.num_rows)
        teach, judge = rows.slice(0, teaching), rows.slice(teaching)
    else:
        group = problem.columns.group
        keys = rows.column(group).to_pylist() if group else row_keys(rows, problem.columns)
        # Another salt than the split's: with the same one, no training row has a hash as small as `share`.
        judges = held_out(keys, share, problem.split.salt + 1)
        teach, judge = rows.filter(pa.array(~judges)), rows.filter(pa.array(judges))
    for name, part in (("teach", teach), ("judge", judge)):
        if part.num_rows < FEWEST_ROWS:
            message = f"only {part.num_rows} training rows would {name} a trial of the sweep"
            raise invalid(message, f"problem {problem.name}, model.sweep.share", "change it, or bring more rows")
    return teach, judge


def attempt(rows: pa.Table, problem: Problem, number: int) -> dict[str, object]:
    """Learns with the trial's parameters.

    Returns:
        The parameters, the problem's metric on the rows that judge the trial, and the loss: the same
        number, its sign turned where higher is better.
    """
    assert problem.model.sweep is not None
    parameters = trial(problem, number)
    teach, judge = parts(rows, problem, problem.model.sweep.share)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        train(teach, {"from": None, "until": None}, with_parameters(problem, parameters), folder)
        model = Model.load(folder)
        target = targets(judge, problem.columns.target, model.card.classes)
        metric = METRICS[problem.success.metric]
        value = metric.whole(target, model.outputs(judge))
    loss = -value if metric.higher_is_better else value
    return {"trial": number, "parameters": parameters, "metric": metric.name, "value": value, LOSS: loss}


@entry
def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", type=Path, required=True)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--trial", type=int, required=True, help="its number; 0 tries the problem's own parameters")
    parser.add_argument("--tried", type=Path, required=True)
    arguments = parser.parse_args()
    without_pandas()
    import pyarrow.parquet as pq

    problem = load_problem(arguments.problem)
    if problem.model.sweep is None:
        raise invalid("the problem has no sweep", str(arguments.problem), "add `sweep` below `model`")
    tried = attempt(pq.read_table(arguments.train / "rows.parquet"), problem, arguments.trial)
    arguments.tried.mkdir(parents=True, exist_ok=True)
    (arguments.tried / TRIAL).write_text(json.dumps(tried, ensure_ascii=False, indent=1), encoding="utf-8")
    log_metrics({LOSS: float(str(tried[LOSS]))})
    print(f"trial {arguments.trial}: {tried['metric']} {tried['value']} with {tried['parameters']}")


if __name__ == "__main__":
    main()
