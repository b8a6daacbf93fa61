"""How far each column has moved from what the model learnt on, by effect size.

An effect size and no p-value, because among 300,000 rows everything is significant. Usual reading of the
population stability index (Lewis 1992, "An introduction to credit scoring"; Siddiqi 2006, "Credit risk
scorecards"): below 0.1 little, up to 0.25 some, above another population. A normal column crosses 0.2
when its mean moves by 0.45 standard deviations. No threshold is below what chance alone reaches at the
given number of rows (`deploy.monitor.stability`), so that a small sample does not shout.

What this does not do is tell a season from a fault. Rows of July are not like rows of January, and rows of
one week share one week's weather: that drift of the requests is real, and reported as such.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from deploy.monitor.stability import chance_beyond, chance_share, ks_distance, share_variance, stability
from ml.profile import Column, Levels, Numbers, Profile


@dataclass(frozen=True)
class Thresholds:
    """From where on it is drift.

    Attributes:
        psi: population stability index.
        missing: change of the share of rows without a value, up or down.
        unseen: share of rows with a level that training never saw, beyond what a fresh sample would hold;
            of columns with more than 500 levels, with one that was rare in it.
        out_of_range: share of rows below the smallest or above the largest value of training.
        fewest_rows: with fewer rows, or fewer labels, there is no decision.
        lost_skill: how much of its advantage over a model that learnt nothing a model may lose.
    """

    psi: float = 0.2
    missing: float = 0.05
    unseen: float = 0.02
    out_of_range: float = 0.02
    fewest_rows: int = 100
    lost_skill: float = 0.1


@dataclass(frozen=True)
class Check:
    """One statistic of a column, and what it may be at this number of rows."""

    statistic: str
    value: float
    threshold: float

    @property
    def failed(self) -> bool:
        """Whether the column has drifted by this statistic."""
        return self.value > self.threshold


@dataclass(frozen=True)
class ColumnDrift:
    """What became of one column.

    Attributes:
        role: feature or prediction.
        checks: psi (where both sides have values), missing, and unseen or out_of_range.
        distance: Kolmogorov and Smirnov's, the largest share of rows that moved across one value; None
            for categories.
        reference, current: the counts, for whoever draws them.
    """

    name: str
    role: str
    checks: tuple[Check, ...]
    distance: float | None
    reference: Column = field(repr=False)
    current: Column = field(repr=False)

    @property
    def headline(self) -> Check:
        """The first check that failed, otherwise the first."""
        return next((check for check in self.checks if check.failed), self.checks[0])

    @property
    def drifted(self) -> bool:
        """Whether any check failed."""
        return self.headline.failed


def compare(reference: Profile, current: Profile, thresholds: Thresholds) -> tuple[ColumnDrift, ...]:
    """The drift of every feature, then of every prediction that `current` has.

    Args:
        reference: of the training rows.
        current: what `ml.profile.count` made of other rows with this reference.
        thresholds: from where on it is drift.
    """
    features = zip(reference.columns, current.columns, strict=True)
    drifts = [_drift(old, new, "feature", thresholds) for old, new in features]
    if current.predictions:
        said = zip(reference.predictions, current.predictions, strict=True)
        drifts += [_drift(old, new, "prediction", thresholds) for old, new in said]
    return tuple(drifts)


def _drift(old: Column, new: Column, role: str, thresholds: Thresholds) -> ColumnDrift:
    checks, distance = [_missing(old, new, thresholds.missing)], None
    if old.present and new.present:
        value, chance = stability(old, new)
        checks.insert(0, Check("psi", value, max(thresholds.psi, chance)))
        if isinstance(old, Numbers) and isinstance(new, Numbers):
            checks.append(_out_of_range(old, new, thresholds.out_of_range))
            distance = ks_distance(np.asarray(old.counts, float), np.asarray(new.counts, float))
        if isinstance(old, Levels) and isinstance(new, Levels):
            checks.append(_unseen(old, new, thresholds.unseen))
    return ColumnDrift(old.name, role, tuple(checks), distance, old, new)


def _missing(old: Column, new: Column, setting: float) -> Check:
    before, after = old.present + old.missing, new.present + new.missing
    change = abs(new.missing / max(after, 1) - old.missing / max(before, 1))
    variance = share_variance((old.missing + 1) / (before + 2), before, after)
    return Check("missing", change, max(setting, chance_share(variance, after)))


def _out_of_range(old: Numbers, new: Numbers, setting: float) -> Check:
    share = (new.counts[0] + new.counts[-1]) / new.present
    return Check("out_of_range", share, max(setting, chance_beyond(old.present, new.present)))


def _unseen(old: Levels, new: Levels, setting: float) -> Check:
    """Levels that training did not list, beyond what a fresh sample holds of them.

    Training held levels seen once as often as a fresh sample holds levels never seen, and levels of
    exactly `fewest` rows as often as a fresh sample holds those of one row less (Good 1953, "The
    population frequencies of species"; the variance after Robbins 1968).
    """
    rows, fewest = old.present, old.fewest
    at, above = (old.counts.count(fewest + more) for more in (0, 1))
    expected = old.other + fewest * at
    share = max(0.0, new.other / new.present - expected / rows)
    variance = share_variance(min(1.0, (expected + 1) / (rows + 2)), rows, new.present)
    clumps = fewest * ((fewest - 1) * at + (fewest + 1) * above) / rows**2
    return Check("unseen", share, max(setting, chance_share(variance + clumps, new.present)))
