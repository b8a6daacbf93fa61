"""The statistics of drift, against SciPy, published values and simulation."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from deploy.monitor.stability import (
    CHANCE,
    GROUPS,
    chance_beyond,
    chance_share,
    chi_square_quantile,
    grouped,
    ks_distance,
    psi,
    share_variance,
    stability,
)
from ml.profile import Column, count, profile

counts = st.lists(st.integers(0, 10_000), min_size=2, max_size=30).filter(any)


def pair(before, after, kind: str = "number") -> tuple[Column, Column]:
    """A column as training saw it, and as it is now."""
    reference = profile(pa.table({"x": before}), {"x": kind}, np.zeros(1))
    return reference.columns[0], count(reference, pa.table({"x": after})).columns[0]


def test_psi_is_the_published_value_of_another_implementation():
    # The test of strappy 0.0.3: 6 and 5 of 11 against 5 and 4 of 9 give 0.00041.
    before, after = np.array([6.0, 5.0]) * 1e6, np.array([5.0, 4.0]) * 1e6
    assert round(psi(before, after), 5) == 0.00041


def test_psi_is_kullback_and_leiblers_divergence_in_both_directions():
    draw = np.random.default_rng(0)
    before, after = draw.integers(1, 10**6, 10) * 1e3, draw.integers(1, 10**6, 10) * 1e3
    both = stats.entropy(before, after) + stats.entropy(after, before)
    assert psi(before, after) == pytest.approx(both, rel=1e-5)


@given(counts)
def test_psi_is_symmetric_not_negative_finite_and_zero_without_difference(before):
    before, after = np.array(before, dtype=float), np.array(before[::-1], dtype=float)
    assert psi(before, before) == 0.0
    assert 0.0 <= psi(before, after) < math.inf
    assert psi(before, after) == pytest.approx(psi(after, before))


@pytest.mark.parametrize("shift", [0.2, 0.45, 1.0])
def test_a_normal_column_that_moves_by_so_many_deviations_has_its_square_as_psi(shift):
    # Jeffreys' divergence between two normals of the same deviation is the squared shift; ten bins
    # lose a few per cent of it.
    draw = np.random.default_rng(0)
    value, _ = stability(*pair(draw.normal(size=200_000), draw.normal(shift, size=200_000)))
    assert 0.88 * shift**2 < value < 1.02 * shift**2


def test_with_no_drift_psi_follows_the_chi_square_distribution_that_is_subtracted():
    draw, before, after, bins = np.random.default_rng(0), 20_000, 2_000, 10
    p = np.full(bins, 1 / bins)
    pairs = zip(draw.multinomial(before, p, 2_000), draw.multinomial(after, p, 2_000), strict=True)
    scaled = [psi(old.astype(float), new.astype(float)) / (1 / before + 1 / after) for old, new in pairs]
    assert stats.kstest(scaled, stats.chi2(bins - 1).cdf).pvalue > 0.01
    assert np.mean(scaled) == pytest.approx(bins - 1, rel=0.03)


@pytest.mark.parametrize("freedom", [1, 2, 5, 9, 50, 99])
def test_the_chi_square_quantile_is_scipys_or_a_little_larger(freedom):
    exact = stats.chi2.isf(CHANCE, freedom)
    assert 0.999 * exact < chi_square_quantile(freedom) < (1.12 if freedom < 9 else 1.025) * exact


@pytest.mark.parametrize("values", [7, 40])
def test_the_distance_of_columns_of_few_values_is_scipys_exactly_in_spite_of_ties(values):
    draw = np.random.default_rng(values)
    before, after = draw.integers(0, values, 3_000) * 1.0, draw.binomial(values - 1, 0.6, 900) * 1.0
    old, new = pair(before, after)
    distance = ks_distance(np.array(old.counts), np.array(new.counts))
    assert distance == pytest.approx(stats.ks_2samp(before, after).statistic)


@pytest.mark.parametrize("shift", [0.0, 0.1, 3.0])
def test_the_distance_of_continuous_columns_is_scipys_to_a_bin(shift):
    draw = np.random.default_rng(0)
    before, after = draw.normal(size=5_000), draw.normal(shift, size=5_000)
    old, new = pair(before, after)
    exact = stats.ks_2samp(before, after).statistic
    assert exact - 0.02 <= ks_distance(np.array(old.counts), np.array(new.counts)) <= exact + 1e-12


@pytest.mark.parametrize(("rows", "share"), [(100, 0.001), (100, 0.3), (5_000, 0.01), (30_000, 0.5)])
def test_bernsteins_bound_is_exceeded_no_more_often_than_said(rows, share):
    bound = share + chance_share(share_variance(share, 10**9, rows), rows)
    assert stats.binom.sf(math.floor(bound * rows), rows, share) <= CHANCE


@pytest.mark.parametrize(("before", "after"), [(300, 100), (300, 5_000), (100_000, 1_000)])
def test_the_bound_of_new_extremes_is_exceeded_no_more_often_than_said(before, after):
    most = math.ceil(chance_beyond(before, after) * after)
    # Of all orders, those in which the `most` largest are new.
    log = stats.hypergeom.logpmf(most, before + after, after, most)
    assert 2 * math.exp(log) <= CHANCE


def test_numbers_are_compared_in_tenths_of_the_reference():
    draw = np.random.default_rng(0)
    before, _ = grouped(*pair(draw.normal(size=10_000), draw.normal(size=500)))
    assert len(before) == GROUPS
    assert before.min() > 950


def test_a_value_that_most_rows_have_is_a_bin_of_its_own():
    before = np.where(np.arange(1_000) < 930, 0.0, np.arange(1_000))
    old, _ = grouped(*pair(before, before))
    assert 930 in old
    assert old.sum() == 1_000


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 5.0]), min_size=1, max_size=300),
    st.lists(st.sampled_from([-1.0, 0.0, 1.0, 2.0, 3.0, 9.0]), min_size=1, max_size=300),
)
def test_no_row_is_lost_when_bins_are_grouped_and_no_bin_is_empty_on_both_sides(before, after):
    ours, theirs = grouped(*pair(before, after))
    assert (ours.sum(), theirs.sum()) == (len(before), len(after))
    assert ((ours + theirs) > 0).all()
    assert np.isfinite(stability(*pair(before, after))).all()


def test_rare_levels_are_pooled_so_that_they_do_not_make_noise():
    draw = np.random.default_rng(0)
    names = np.array([f"{k}" for k in range(400)])
    before, after = draw.choice(names, 50_000), draw.choice(names, 500)
    value, _ = stability(*pair(before, after, "category"))
    assert value < 0.02
