"""Whether the hour, the weekday or the month tells the target."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deploy.new.leaks import Codes, Floats, codes_of, explained
from ml.metrics import Task

WORTH_IT = 0.05  # of the target's variance
TWO_YEARS = np.timedelta64(730, "D")  # below that, a month that judges was hardly learnt from


def season(time: pa.ChunkedArray, target: pa.ChunkedArray, task: Task) -> str:
    """Which part of the time tells how much of the target; empty where none tells enough.

    Args:
        time: timestamp[us] without missing values.
        target: float64 for regression, string for classification.
        task: what the target is.
    """
    moments = np.asarray(time)
    parts = {"hour": pc.hour(time), "weekday": pc.day_of_week(time)}
    if np.ptp(moments) >= TWO_YEARS:
        parts["month"] = pc.month(time)
    truths = _amounts(target, task)
    told = {name: max(_told(codes_of(part), truth) for truth in truths) for name, part in parts.items()}
    best = max(told, key=told.__getitem__)
    return f"its {best} tells {told[best]:.0%} of the target" if told[best] >= WORTH_IT else ""


def _amounts(target: pa.ChunkedArray, task: Task) -> list[Floats]:
    """The target, or for each class whether a row is of it."""
    if task == "regression":
        return [np.asarray(target, dtype=np.float64)]
    classes = codes_of(target)
    return [(classes == number).astype(np.float64) for number in np.unique(classes)]


def _told(codes: Codes, truth: Floats) -> float:
    """The explained variance without what as many levels explain by chance (adjusted R squared).

    0 where four standard deviations of chance reach as far: of the explained variance they are about
    the square root of twice the levels a row.
    """
    rows, levels = len(codes), int(np.count_nonzero(np.bincount(codes)))
    told = 1.0 - (1.0 - explained(codes, truth)) * (rows - 1) / max(1, rows - levels)
    return told if told > 4 * np.sqrt(2 * levels) / rows else 0.0
