"""How unlike two rows of counts over the same bins are, and how unlike chance alone would make them.

The population stability index (PSI) is the sum over bins of (p − q) ln(p / q): Kullback and Leibler's
divergence in both directions. With no drift PSI / (1/n + 1/m) follows the chi-square distribution with
(bins − 1) degrees of freedom (Yurdakul and Naranjo 2020, "Statistical properties of the population
stability index", Journal of Risk Model Validation 14(4)); so its expectation, (bins − 1)(1/n + 1/m), is
subtracted here. Shares of rows have Bernstein's inequality instead, which holds at any number of rows.

Chance means independent rows, and `CHANCE` is how often it may be mistaken for drift, a column and
statistic. At 100 rows the chi-square distribution is an approximation and a few times too narrow.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ml.profile import Column, Levels

Counts = NDArray[np.float64]
GROUPS = 10
SMALLEST_SHARE = 0.01  # of the reference, for a bin of its own
SMALLEST_EXPECTED = 5.0  # rows a bin; below, the chi-square approximation is poor (Cochran 1954)
CHANCE = 1e-5
CHANCE_Z = 4.265  # the standard normal quantile of 1 − CHANCE


def stability(old: Column, new: Column) -> tuple[float, float]:
    """The PSI of two columns with values, and what it reaches by chance; both without its expectation."""
    before, after = grouped(old, new)
    freedom, noise = len(before) - 1, 1.0 / old.present + 1.0 / new.present
    return max(0.0, psi(before, after) - freedom * noise), (chi_square_quantile(freedom) - freedom) * noise


def psi(before: Counts, after: Counts) -> float:
    """The population stability index of two rows of counts over the same bins.

    Half a row is added to each bin (Jeffreys' prior), so that an empty one is not infinitely far away.
    """
    p, q = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (before, after))
    return float(np.sum((p - q) * np.log(p / q)))


def ks_distance(before: Counts, after: Counts) -> float:
    """Kolmogorov and Smirnov's distance at the edges of the bins: the largest share that moved across one."""
    gaps = np.cumsum(before) / before.sum() - np.cumsum(after) / after.sum()
    return float(np.abs(gaps).max())


def chi_square_quantile(freedom: int) -> float:
    """The quantile at 1 − `CHANCE`, after Wilson and Hilferty (1931); 0 with no degree of freedom.

    So far out it is too large rather than too small: by 11 % with one degree of freedom, 2 % with nine.
    """
    if not freedom:
        return 0.0
    spread = 2.0 / (9.0 * freedom)
    return float(freedom * (1.0 - spread + CHANCE_Z * math.sqrt(spread)) ** 3)


def chance_share(variance: float, rows: int) -> float:
    """How far a share of so many rows strays from its expectation by chance (Bernstein's inequality).

    Args:
        variance: of the difference between the share and what is expected of it.
        rows: the current ones; each moves the share by 1 / rows.
    """
    noise = math.log(1.0 / CHANCE)
    step = noise / (3.0 * max(rows, 1))
    return step + math.sqrt(step**2 + 2.0 * noise * variance)


def share_variance(share: float, before: int, after: int) -> float:
    """The variance of the difference between the shares of two samples with the same expected share."""
    return share * (1.0 - share) * (1.0 / max(before, 1) + 1.0 / max(after, 1))


def chance_beyond(before: int, after: int) -> float:
    """The share of `after` rows that lies outside the range of `before` rows by chance.

    All orders of the n + m values are as likely, so that the k largest are all new with a probability
    below (n / (n + m))^k.
    """
    return math.log(2.0 / CHANCE) / math.log1p(before / after) / after


def grouped(old: Column, new: Column) -> tuple[Counts, Counts]:
    """Both columns' counts in the groups of the PSI; none is empty on both sides."""
    home = groups(old, new)
    ours, theirs = (np.bincount(home, weights=_counts(column)).astype(np.float64) for column in (old, new))
    filled = ours + theirs > 0
    return ours[filled], theirs[filled]


def groups(old: Column, new: Column) -> NDArray[np.int64]:
    """The group of each of the column's counts (of levels, `other` is the last), from 0 without gaps.

    There are at most ten for numbers. A group needs a share of the reference that is worth it, and
    enough expected rows on both sides: twice as many in the reference, whose large levels are in
    part large by luck. Small bins of numbers join their neighbours, small levels the rest.
    """
    smallest = max(SMALLEST_SHARE, SMALLEST_EXPECTED / new.present, 2 * SMALLEST_EXPECTED / old.present)
    share = _counts(old) / old.present
    return _level_groups(share, smallest) if isinstance(old, Levels) else _number_groups(share, smallest)


def _level_groups(share: Counts, smallest: float) -> NDArray[np.int64]:
    alone = share >= smallest
    alone[-1] = False
    return np.where(alone, np.cumsum(alone) - 1, alone.sum())


def _number_groups(share: Counts, smallest: float) -> NDArray[np.int64]:
    """Tenths of the reference; a bin belongs to the tenth that its middle row lies in."""
    number = max(1, min(GROUPS, int(0.5 / smallest)))
    tenth = np.minimum((number * (np.cumsum(share) - share / 2.0)).astype(np.int64), number - 1)
    wide = np.flatnonzero(np.bincount(tenth, weights=share, minlength=number) >= smallest)
    # Each narrow tenth goes to the last wide one before it, the first of them to the first wide one.
    return np.maximum(np.searchsorted(wide, tenth, side="right") - 1, 0)


def _counts(column: Column) -> Counts:
    counts = (*column.counts, column.other) if isinstance(column, Levels) else column.counts
    return np.asarray(counts, dtype=np.float64)
