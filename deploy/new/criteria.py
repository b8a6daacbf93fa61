"""Success criteria that a modest model meets: a little better than a constant on the judging rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, log10

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deploy.new.parts import Mask
from deploy.new.profile import Column
from ml.metrics import METRICS, Task

MARGIN = 0.02  # of what the dummy reaches
BETTER = 0.98  # of what the dummy reaches is the least that is asked
SLICE_MARGIN = 5  # times the margin: slices are small
SMALLEST_SLICE = 200
MOST_SLICES = 3
MOST_LEVELS = 12


@dataclass(frozen=True)
class Criteria:
    """What the problem's `success` says.

    Attributes:
        dummy: the metric of the best constant on the judging rows.
        margin, floor, slice_margin: in the metric's unit; floor is None where the dummy is never wrong.
        slices: columns of few levels, each of them with enough judging rows.
    """

    metric: str
    dummy: float
    margin: float
    floor: float | None
    slices: tuple[str, ...]
    slice_margin: float


def criteria_of(rows: pa.Table, judges: Mask, target: str, task: Task, features: Iterable[Column]) -> Criteria:
    """The criteria for a table that is parted into rows that teach and rows that judge."""
    metric = "mae" if task == "regression" else "log_loss"
    dummy = _dummy(rows.column(target), judges, task, metric)
    margin = rounded(MARGIN * dummy, 2)
    least = rounded(BETTER * dummy, 3) if dummy > 0 else None
    slices = _slices(rows.filter(pa.array(judges)), features)
    return Criteria(metric, dummy, margin, least, slices, rounded(SLICE_MARGIN * margin, 2))


def _dummy(target: pa.ChunkedArray, judges: Mask, task: Task, metric: str) -> float:
    """The metric of the training rows' median, or of their classes' shares."""
    if task == "regression":
        values = np.asarray(target, dtype=np.float64)
        constant = np.full(int(judges.sum()), np.median(values[~judges]))
        return METRICS[metric].whole(values[judges], constant)
    classes = np.asarray(target.combine_chunks().dictionary_encode().indices, dtype=np.int64)
    shares = np.bincount(classes[~judges], minlength=int(classes.max()) + 1) / int((~judges).sum())
    return METRICS[metric].whole(classes[judges], np.tile(shares, (int(judges.sum()), 1)))


def rounded(value: float, digits: int) -> float:
    """The value with so many significant digits."""
    return round(value, digits - 1 - floor(log10(abs(value)))) if value else 0.0


def _slices(rows: pa.Table, features: Iterable[Column]) -> tuple[str, ...]:
    found = []
    for column in features:
        if column.kind in ("category", "boolean"):
            counts = pc.value_counts(rows.column(column.name)).field("counts")
            if 2 <= len(counts) <= MOST_LEVELS and pc.min(counts).as_py() >= SMALLEST_SLICE:
                found.append(column.name)
    return tuple(found[:MOST_SLICES])
