"""What the model answered on the rows that judged, read from the folders of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deploy.gate.scored import MEASURES, MISSING, PREDICTIONS, SLICE, Levels
from ml.metrics import METRICS, Floats, Metric

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.problem import Problem

Times = NDArray[np.datetime64]
DRAWN = ("target", "time")
LARGEST = 1e100  # beyond it squares overflow


@dataclass(frozen=True, eq=False)
class Answers:
    """The rows that judged.

    Attributes:
        target: values, or the numbers of the classes, (rows,).
        outputs: values (rows,), or probabilities (rows, classes).
        slices: the slice columns by name.
        time: when each row was; None without a time column.
        classes: the labels; empty for regression.
        dummy: what a model that learnt nothing answers: a value, or a probability for each class; empty
            where the model's card is gone.
        metric: the one that decides.
    """

    target: Floats
    outputs: Floats
    slices: Mapping[str, Levels]
    time: Times | None
    classes: tuple[str, ...]
    dummy: tuple[float, ...]
    metric: Metric

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.target)

    @cached_property
    def said(self) -> NDArray[np.int64]:
        """The class that each row is answered with; the first of equal ones."""
        return np.asarray(self.outputs.argmax(axis=1), dtype=np.int64)

    @cached_property
    def sure(self) -> Floats:
        """The probability of that class."""
        return np.asarray(self.outputs[np.arange(len(self)), self.said])

    @cached_property
    def losses(self) -> Floats:
        """What each row costs by the metric that decides."""
        assert self.metric.row is not None  # ml.problem lets no other metric decide
        return self.metric.row(self.target, self.outputs)


def read_json(path: Path) -> dict[str, Any]:
    """An object of a JSON file; empty where the file is gone or holds something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_answers(evaluation: Path, problem: Problem, card: Mapping[str, Any]) -> Answers | None:
    """The answers in the folder of an evaluation; None where they are gone or cannot be drawn."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    classes = tuple(read_json(evaluation / MEASURES).get("classes") or ())
    if bool(classes) != (problem.task == "classification"):
        return None
    try:
        names = pq.read_schema(evaluation / PREDICTIONS).names
        sliced = [name for name in names if name.startswith(SLICE)]
        drawn = [name for name in names if name in DRAWN or name.startswith("output_")]
        table = pq.read_table(evaluation / PREDICTIONS, columns=[*drawn, *sliced], read_dictionary=sliced)
    except (OSError, pa.ArrowInvalid):
        return None
    outputs = [_numbers(table, f"output_{place}") for place in range(max(1, len(classes)))]
    answers = Answers(
        target=_numbers(table, "target"),
        outputs=np.column_stack(outputs) if classes else outputs[0],
        slices={name.removeprefix(SLICE): _levels(table.column(name)) for name in sliced},
        time=np.asarray(table.column("time").to_numpy(), "datetime64[us]") if "time" in drawn else None,
        classes=classes,
        dummy=tuple(card.get("dummy") or ()),
        metric=METRICS[problem.success.metric],
    )
    return answers if _sound(answers) else None


def _sound(answers: Answers) -> bool:
    """Whether there are rows, all numbers can be drawn, and each target is a class where there are classes."""
    numbers = (answers.target, answers.outputs)
    if not len(answers) or not all((np.abs(values) < LARGEST).all() for values in numbers):  # false for NaN
        return False
    return not answers.classes or bool(np.isin(answers.target, np.arange(len(answers.classes))).all())


def _numbers(table: pa.Table, name: str) -> Floats:
    return np.asarray(table.column(name).to_numpy(), dtype=np.float64)


def _levels(column: pa.ChunkedArray) -> Levels:
    import pyarrow as pa

    coded = column.combine_chunks()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    codes = coded.indices.fill_null(len(coded.dictionary)).to_numpy()
    names = (*("" if name is None else name for name in coded.dictionary.to_pylist()), MISSING)
    return Levels(names, codes.astype(np.int64))
