"""How sure a difference between two models is: the paired bootstrap of a metric."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from deploy.gate.units import Units
from ml.metrics import Floats, Metric

REPLICATES = 2000
BATCH = 100
TAIL = 0.05
POWER = 0.80
FEWEST_PIECES = 10
NORMAL = NormalDist()
Rows = NDArray[np.intp] | slice
ALL = slice(None)


@dataclass(frozen=True)
class Interval:
    """A difference of a metric, oriented so that positive is better for the candidate.

    Attributes:
        point: the difference on the rows.
        lower, upper: the one-sided 5 % and 95 % bounds; infinite where the rows cannot bound it.
        standard_error: of the difference.
        detectable: the smallest distance to the threshold that is told apart with a power of 80 %:
            (z(0.95) + z(0.80)) · standard error (Cohen, Statistical Power Analysis, 1988).
        rows: how many rows were compared.
        pieces: how many independent pieces they amount to.
    """

    point: float
    lower: float
    upper: float
    standard_error: float
    detectable: float
    rows: int
    pieces: int


@dataclass(frozen=True, eq=False)
class Losses:
    """What each row costs with the candidate and with the champion, both (rows,)."""

    metric: Metric
    candidate: Floats
    champion: Floats

    @property
    def difference(self) -> Floats:
        """The champion's loss less the candidate's."""
        return self.champion - self.candidate

    def difference_of(self, candidate: Floats, champion: Floats) -> Floats:
        """The difference of the metric for mean losses; positive is better for the candidate."""
        better = self.metric.from_mean(candidate) - self.metric.from_mean(champion)
        return better if self.metric.higher_is_better else -better

    def resolution(self, rows: Rows) -> float:
        """What the rows cannot show, where a loss is only ever 0 or 1.

        The rule of three (Hanley and Lippman-Hand, JAMA 249, 1983): what none of n rows shows may still
        happen to 3 / n of them. The bootstrap alone takes what it has not seen for impossible.
        """
        both = (self.candidate[rows], self.champion[rows])
        only_hits = all(bool(np.all((loss == 0.0) | (loss == 1.0))) for loss in both)
        return 3.0 / max(len(both[0]), 1) if only_hits else 0.0


def seed_of(*digests: str) -> int:
    """The seed for these data and models, in whatever order, so that a verdict can be repeated."""
    return int(hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()[:16], 16)


def intervals(
    losses: Losses,
    partitions: Sequence[Units],
    parts: Sequence[Rows],
    seed: int,
    upper_tails: Sequence[float] | None = None,
) -> list[Interval]:
    """The difference on each of some parts of the rows; all parts share the same draws.

    Args:
        losses: of all rows.
        partitions: what may be drawn; where there are several, the widest interval counts.
        parts: which rows; `[ALL]` for all.
        seed: of the draws.
        upper_tails: for each part how often its upper bound may lie below the truth; 5 % by default.
    """
    tails = [TAIL] * len(parts) if upper_tails is None else upper_tails
    each = [_intervals(losses, units, parts, seed, tails) for units in partitions]
    return [max(found, key=lambda interval: interval.standard_error) for found in zip(*each, strict=True)]


def _intervals(
    losses: Losses, units: Units, parts: Sequence[Rows], seed: int, tails: Sequence[float]
) -> list[Interval]:
    totals = np.hstack([_totals(losses, units, rows) for rows in parts])
    across = np.ascontiguousarray(totals.T)
    # Not `@`: the threads of BLAS wait for each other on a busy machine, and their number shows in the last digit.
    drawn = np.vstack([np.einsum("ru,cu->rc", weights, across) for weights in _weights(units, seed)])
    columns = [slice(3 * place, 3 * place + 3) for place in range(len(parts))]
    return [
        _interval(losses, totals[:, column], drawn[:, column], rows, units.pieces(rows), tail)
        for column, rows, tail in zip(columns, parts, tails, strict=True)
    ]


def _totals(losses: Losses, units: Units, rows: Rows) -> Floats:
    """(units, 3): for each unit the candidate's losses, the champion's, and the number of rows."""
    of_row, count = units.of_row[rows], units.count
    weights = (losses.candidate[rows], losses.champion[rows], None)
    return np.column_stack([np.bincount(of_row, weight, count) for weight in weights])


def _weights(units: Units, seed: int) -> Iterator[Floats]:
    """How often each unit is drawn in each replicate, in batches of (replicates, units)."""
    rng = np.random.default_rng(seed)
    for _ in range(REPLICATES // BATCH):
        yield np.hstack([_drawn(rng, size, units.block) for size in units.strata])


def _drawn(rng: np.random.Generator, size: int, block: int) -> Floats:
    """Weights (BATCH, size) of the units of one stratum, which sum to `size`.

    Moving blocks (Künsch 1989; Liu and Singh 1992) on a circle, so that the first and the last unit
    are drawn as often as the others (Politis and Romano 1992); a block of one is the plain bootstrap.
    One block fewer is drawn than there are: with that the variance of a mean is right also when
    they are few (Rao and Wu, JASA 83, 1988).
    """
    blocks = max(size // block - 1, 1)
    starts = rng.integers(0, size, (BATCH, blocks), dtype=np.int32) + size * np.arange(BATCH)[:, None]
    counts = np.bincount(starts.ravel(), minlength=BATCH * size).reshape(BATCH, size).astype(np.float64)
    if block > 1:
        around = np.cumsum(np.hstack([counts[:, -block:], counts]), axis=1)
        counts = around[:, block:] - around[:, :-block]
    return counts * (size / (blocks * block))


def _interval(losses: Losses, total: Floats, drawn: Floats, part: Rows, pieces: int, upper_tail: float) -> Interval:
    candidate, champion, rows = total.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        point = float(losses.difference_of(candidate / rows, champion / rows))
        replicates = losses.difference_of(drawn[:, 0] / drawn[:, 2], drawn[:, 1] / drawn[:, 2])
    if pieces < FEWEST_PIECES or not np.isfinite(replicates).all():
        return Interval(point, -math.inf, math.inf, math.inf, math.inf, int(rows), pieces)
    error = float(replicates.std(ddof=1))
    unseen = losses.resolution(part)
    return Interval(
        point=point,
        lower=min(_bound(replicates, point, -_student(1 - TAIL, pieces - 1)), point - unseen),
        upper=max(_bound(replicates, point, _student(1 - upper_tail, pieces - 1)), point + unseen),
        standard_error=error,
        detectable=(NORMAL.inv_cdf(1 - TAIL) + NORMAL.inv_cdf(POWER)) * error,
        rows=int(rows),
        pieces=pieces,
    )


def _bound(replicates: Floats, point: float, z: float) -> float:
    """The BCa bound at z standard errors (Efron, JASA 82, 1987): corrected for bias and for skewness.

    Plain percentiles let a candidate with rare large errors pass twice as often as they say. The
    acceleration of a mean is a sixth of its own skewness, which the replicates have whatever was drawn.
    """
    spread = replicates - replicates.mean()
    if not spread.any():
        return point
    spread /= np.abs(spread).max()  # so that no power of it vanishes
    share = (np.mean(replicates < point) + np.mean(replicates <= point)) / 2.0
    bias = NORMAL.inv_cdf(min(max(float(share), 1.0 / REPLICATES), 1.0 - 1.0 / REPLICATES))
    acceleration = float(np.mean(spread**3) / np.mean(spread**2) ** 1.5) / 6.0
    shifted = bias + z
    level = NORMAL.cdf(bias + shifted / max(1.0 - acceleration * shifted, 0.1))
    return float(np.quantile(replicates, level))


def _student(probability: float, freedom: int) -> float:
    """A quantile of Student's t from the normal one (Abramowitz and Stegun, 26.7.5).

    Bootstrap bounds of few pieces are too narrow by just this much (Hesterberg, American
    Statistician 69, 2015).
    """
    z = NORMAL.inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, start=1))
