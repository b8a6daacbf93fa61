"""How the rows are parted into those that teach and those that judge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.fault import invalid
from ml.metrics import Task
from ml.problem import Columns, Split
from ml.split import held_out, row_keys

FEWEST_ROWS = 10  # of either part; the prepare step refuses fewer
ROOM = 2  # rows more than that, for a hash that does not hit exactly
SHARE_BY_TIME = 0.2
MANY_ROWS = 1000
ALIKE = 0.01
MOST_HASHES = 1_000_000  # about a second of searching
MOST_SALTS = 500
MICROSECONDS_A_DAY = 86_400_000_000

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Parts:
    """A split, and which rows judge by it."""

    split: Split
    judges: Mask


def parts_of(rows: pa.Table, columns: Columns, task: Task) -> Parts:
    """By time where there is a time column, otherwise by the salt that keeps the target alike on both sides.

    Raises:
        Fault: no split leaves enough rows on both sides.
    """
    return _by_time(rows, columns.time) if columns.time else _by_hash(rows, columns, task)


def _by_time(rows: pa.Table, time: str) -> Parts:
    moments = np.asarray(rows.column(time).cast(pa.int64()))
    age = moments.max() - moments
    days = np.arange(1, age.max() // MICROSECONDS_A_DAY + 2)
    shares = np.searchsorted(np.sort(age), days * MICROSECONDS_A_DAY) / len(age)
    fitting = np.abs(shares - 0.5) <= 0.5 - FEWEST_ROWS / len(age)
    if not fitting.any():
        message = f"no number of days leaves {FEWEST_ROWS} rows before and after"
        raise invalid(message, f"--time {time}", "leave --time out; the rows are then split by a hash")
    best = int(days[np.argmin(np.where(fitting, np.abs(shares - SHARE_BY_TIME), np.inf))])
    return Parts(Split(evaluation_days=best), age < best * MICROSECONDS_A_DAY)


def _by_hash(rows: pa.Table, columns: Columns, task: Task) -> Parts:
    """Tries salts until the shares of the target's classes, or quarters, differ by less than `ALIKE`."""
    keys = rows.column(columns.group).to_pylist() if columns.group else row_keys(rows, columns)
    share = _share(len(keys))
    classes = _classes(rows.column(columns.target), task)
    best, best_salt, best_score = None, 0, np.inf
    for salt in range(min(MOST_SALTS, max(3, MOST_HASHES // len(set(keys))))):
        judges = held_out(keys, share, salt)
        score = _difference(judges, classes, share)
        if score < best_score:
            best, best_salt, best_score = judges, salt, score
        if score < ALIKE:
            break
    if best is None:
        message = f"no hash leaves {FEWEST_ROWS} rows on both sides"
        raise invalid(message, f"--group {columns.group}", "name a column with more values, or bring more rows")
    return Parts(Split(evaluation_share=share, salt=best_salt), best)


def _share(rows: int) -> float:
    """A fifth; more of few rows, so that the gate can tell anything."""
    usual = 0.2 if rows >= MANY_ROWS else 0.3
    needed = np.ceil((FEWEST_ROWS + ROOM) / rows * 20) / 20
    return float(min(0.5, max(usual, needed)))


def _classes(target: pa.ChunkedArray, task: Task) -> NDArray[np.int64]:
    """Each row's class, or the quarter in which its amount is."""
    if task == "classification":
        return np.asarray(target.combine_chunks().dictionary_encode().indices, dtype=np.int64)
    values = np.asarray(target)
    return np.asarray(np.searchsorted(np.quantile(values, (0.25, 0.5, 0.75)), values), dtype=np.int64)


def _difference(judges: Mask, classes: NDArray[np.int64], share: float) -> float:
    """How far the two sides are apart: the largest difference of a class's share, or of the sides' sizes.

    Infinite where a side has too few rows; a class that is missing from a side counts as a whole.
    """
    few, many = int(judges.sum()), int((~judges).sum())
    if min(few, many) < FEWEST_ROWS:
        return float(np.inf)
    width = int(classes.max()) + 1
    here, there = (np.bincount(classes[side], minlength=width) for side in (judges, ~judges))
    one_sided = np.count_nonzero((np.minimum(here, there) == 0) & (here + there > 1))
    apart = np.abs(here / few - there / many).max()
    return float(one_sided + max(apart, abs(few / len(classes) - share)))
