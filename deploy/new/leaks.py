"""Columns that tell the target: copies, monotone copies, categories and gaps that determine it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.metrics import Task

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

MOST_ROWS = 50_000  # enough to tell; a longer table is looked at in even steps
FEWEST_PAIRS = 20  # below that, agreement may be chance
SAME = 0.999  # a correlation, or a share of the variance
DETERMINED = 0.99  # of the errors that the most frequent class makes are gone
ROWS_A_LEVEL = 10  # a category with fewer rows a level knows the target by heart


def leak(feature: pa.ChunkedArray, target: pa.ChunkedArray, task: Task) -> str:
    """Why a typed column is suspected to tell the target; empty where it is not.

    Args:
        feature: typed as in rows.parquet.
        target: float64 for regression, string for classification, without missing values.
        task: what the target is.
    """
    step = -(-len(target) // MOST_ROWS)
    places = pa.array(np.arange(0, len(target), step))
    feature, target = feature.take(places), target.take(places)
    present = np.asarray(feature.is_valid())
    gaps = present.astype(np.int64)
    if task == "regression":
        truth = np.asarray(target, dtype=np.float64)
        if explained(gaps, truth) > SAME:
            return "whether it has a value tells the target"
        return _leak_of_amount(feature.drop_null(), truth[present])
    classes = codes_of(target)
    if _determined(gaps, classes) > DETERMINED:
        return "whether it has a value tells the class"
    return _leak_of_class(feature.drop_null(), classes[present])


def _leak_of_amount(feature: pa.ChunkedArray, truth: Floats) -> str:
    if len(truth) < FEWEST_PAIRS or np.ptp(truth) == 0:
        return ""
    if pa.types.is_string(feature.type):
        return "its categories tell the target" if explained(codes_of(feature), truth) > SAME else ""
    values = _amounts(feature)
    if np.ptp(values) == 0:
        return ""
    if abs(np.corrcoef(values, truth)[0, 1]) > SAME:
        return "it moves with the target in a straight line"
    if abs(np.corrcoef(_ranks(values), _ranks(truth))[0, 1]) > SAME:
        return "it is in the same order as the target"
    return ""


def _leak_of_class(feature: pa.ChunkedArray, classes: Codes) -> str:
    if _errors(classes) < FEWEST_PAIRS:
        return ""
    codes = codes_of(feature)
    if _has_few_levels(codes):
        return "its values tell the class" if _determined(codes, classes) > DETERMINED else ""
    if not pa.types.is_string(feature.type) and _has_intervals(_amounts(feature), classes):
        return "each class has an interval of its values to itself"
    return ""


def _has_few_levels(codes: Codes) -> bool:
    return len(codes) >= ROWS_A_LEVEL * int(np.count_nonzero(np.bincount(codes)))


def _errors(classes: Codes) -> int:
    """How many rows are not of the most frequent class."""
    return len(classes) - int(np.bincount(classes).max(initial=0))


def explained(codes: Codes, truth: Floats) -> float:
    """The share of the target's variance between the levels (eta squared); 0 for too many levels."""
    spread = float(np.sum((truth - truth.mean()) ** 2))
    if spread == 0 or not _has_few_levels(codes):
        return 0.0
    means = np.bincount(codes, weights=truth) / np.maximum(np.bincount(codes), 1)
    return 1.0 - float(np.sum((truth - means[codes]) ** 2)) / spread


def _determined(codes: Codes, classes: Codes) -> float:
    """The share of errors that the level takes away (Goodman and Kruskal's lambda); 0 for few errors."""
    table = np.zeros((codes.max(initial=0) + 1, classes.max(initial=0) + 1), dtype=np.int64)
    np.add.at(table, (codes, classes), 1)
    errors, left = _errors(classes), len(codes) - int(table.max(axis=1).sum())
    return 1.0 - left / errors if errors >= FEWEST_PAIRS else 0.0


def _has_intervals(values: Floats, classes: Codes) -> bool:
    """Whether, in the order of the values, the class changes hardly more often than there are classes."""
    ordered = classes[np.lexsort((classes, values))]
    changes = int(np.count_nonzero(np.diff(ordered)))
    needed = np.count_nonzero(np.bincount(classes)) - 1
    return bool(changes <= needed + (1 - DETERMINED) * _errors(classes))


def codes_of(column: pa.ChunkedArray) -> Codes:
    """The column's levels as numbers, in the order in which they come."""
    return np.asarray(column.combine_chunks().dictionary_encode().indices, dtype=np.int64)


def _amounts(column: pa.ChunkedArray) -> Floats:
    exact = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    return np.asarray(pc.cast(exact, pa.float64()), dtype=np.float64)


def _ranks(values: Floats) -> Floats:
    """Ranks, the mean one where values are equal (Spearman)."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - (count - 1) / 2.0
    return np.asarray(middle[place], dtype=np.float64)
