"""What is drawn when rows are resampled: single rows, runs of neighbours, whole groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deploy.gate.block_length import block_length
from deploy.gate.scored import Codes, Scored, Times
from ml.metrics import Floats, Task

MOST_UNITS = 2048
MOST_BINS = 10
ROWS_A_BIN = 10


@dataclass(frozen=True, eq=False)
class Units:
    """A partition of the rows into what is drawn together.

    Attributes:
        of_row: (rows,): the number of the unit that a row belongs to.
        strata: how many units each stratum has; the units of a stratum have neighbouring numbers.
        block: how many neighbouring units are drawn at once, the last being the first's neighbour.
    """

    of_row: NDArray[np.intp]
    strata: tuple[int, ...]
    block: int = 1

    @property
    def count(self) -> int:
        """The number of units."""
        return sum(self.strata)

    def pieces(self, rows: NDArray[np.intp] | slice) -> int:
        """How many independent pieces some rows amount to; one per stratum is spent on its mean."""
        touched = np.count_nonzero(np.bincount(self.of_row[rows] // self.block))
        return max(0, min(int(touched), self.count // self.block) - len(self.strata) + 1)


def units_of(scored: Scored, task: Task, difference: Floats, seed: int) -> tuple[Units, ...]:
    """Every partition under which the rows may be called exchangeable.

    Rows with a time are drawn in blocks, rows with a group as whole groups. Rows with both depend on
    each other in both ways: both partitions are returned, and the wider interval counts. Others
    are drawn one by one within strata of the target.

    Args:
        scored: the rows.
        task: what decides the strata.
        difference: (rows,) of the losses; its autocorrelation decides the length of the blocks.
        seed: of the random grouping.
    """
    partitions = []
    if scored.time is not None:
        partitions.append(runs(scored.time, difference))
    if scored.group is not None:
        partitions.append(clusters(scored.group.codes, seed))
    return tuple(partitions) or (singles(strata_of(scored.target, task), seed),)


def strata_of(target: Floats, task: Task) -> Codes:
    """The class of each row, or the tenth of the target's distribution in which it lies.

    The strata's shares count as given: the interval is about rows whose target is distributed as here.
    """
    if task == "classification":
        return target.astype(np.int64)
    bins = min(MOST_BINS, max(1, len(target) // ROWS_A_BIN))
    edges = np.quantile(target, np.arange(1, bins) / bins) if bins > 1 else np.empty(0)
    return np.searchsorted(edges, target, side="right").astype(np.int64)


def singles(stratum: Codes, seed: int) -> Units:
    """Rows drawn one by one within their stratum, or in small random groups where they are many.

    Random groups of exchangeable rows are exchangeable themselves, with the same mean and, for
    their number, the same variance of it; so drawing groups instead of rows is as valid. What it costs
    is precision of the standard error: 1 / sqrt(2 · units), 1.6 % with 2,048 of them.
    """
    stratum, rows = _without_loners(stratum), len(stratum)
    sizes = np.bincount(stratum)
    units = sizes if rows <= MOST_UNITS else np.clip(sizes * MOST_UNITS // rows, 2, sizes)
    order = np.random.default_rng(seed).permutation(rows)
    # numpy sorts small integers by radix: a million rows take milliseconds
    order = order[np.argsort(stratum[order].astype(np.int16), kind="stable")]
    within = np.arange(rows) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = np.repeat(np.cumsum(units) - units, sizes)
    of_row = np.empty(rows, dtype=np.intp)
    of_row[order] = first + within * np.repeat(units, sizes) // np.repeat(sizes, sizes)
    return Units(of_row, tuple(units.tolist()))


def _without_loners(stratum: Codes) -> Codes:
    """The strata numbered without gaps; a row alone in its stratum cannot vary and joins the largest."""
    sizes = np.bincount(stratum)
    stratum = np.where(sizes[stratum] == 1, sizes.argmax(), stratum)
    number = np.cumsum(np.bincount(stratum) > 0) - 1
    return np.asarray(number[stratum], dtype=np.int64)


def runs(time: Times, difference: Floats) -> Units:
    """Rows in order of time, cut into equal runs that are drawn in blocks."""
    rows = len(time)
    count = min(rows, MOST_UNITS)
    of_row = np.empty(rows, dtype=np.intp)
    of_row[np.argsort(time, kind="stable")] = np.arange(rows) * count // max(rows, 1)
    series = np.bincount(of_row, difference, count) / np.bincount(of_row, minlength=count)
    return Units(of_row, (count,), block_length(series) if count else 1)


def clusters(group: Codes, seed: int) -> Units:
    """Whole groups, or random sets of groups where they are many (see `singles`)."""
    _, number = np.unique(group, return_inverse=True)
    groups = int(number.max(initial=-1)) + 1
    count = min(groups, MOST_UNITS)
    shuffled = np.random.default_rng(seed).permutation(groups)
    return Units(shuffled[number] * count // max(groups, 1), (count,))
