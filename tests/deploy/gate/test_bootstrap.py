import math
import time
import tracemalloc

import numpy as np
import pytest
import scipy.stats
from arch.bootstrap import CircularBlockBootstrap, MovingBlockBootstrap
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.gate.bootstrap import ALL, Interval, Losses, _student, intervals, seed_of
from deploy.gate.units import Units, clusters, runs, singles, strata_of
from ml.metrics import METRICS

MAE, RMSE, ACCURACY = METRICS["mae"], METRICS["rmse"], METRICS["accuracy"]


def interval_of(losses, units, seed=1):
    return intervals(losses, [units], [ALL], seed)[0]


def one_stratum(rows):
    return singles(np.zeros(rows, dtype=np.int64), 1)


def skewed(rows, seed=0):
    """Losses of a candidate and of a champion; the candidate's have rare large values."""
    rng = np.random.default_rng(seed)
    champion = rng.gamma(2.0, 1.0, rows)
    return 0.7 * champion + 0.3 * rng.lognormal(0.0, 1.0, rows), champion


def mean_bounds(losses, units):
    """The bounds without the chance of 2,000 draws."""
    found = [interval_of(losses, units, seed) for seed in range(20)]
    return np.mean([interval.lower for interval in found]), np.mean([interval.upper for interval in found])


def agree(bounds, theirs):
    interval = theirs.confidence_interval
    return bounds == pytest.approx((interval.low, interval.high), abs=0.08 * theirs.standard_error)


def test_the_bounds_are_those_of_scipy():
    candidate, champion = skewed(400)

    losses, units = Losses(MAE, candidate, champion), one_stratum(400)

    theirs = scipy.stats.bootstrap(
        (champion - candidate,), np.mean, confidence_level=0.9, n_resamples=20_000, rng=0, method="BCa"
    )
    found = interval_of(losses, units)
    assert found.point == pytest.approx(np.mean(champion - candidate))
    assert found.standard_error == pytest.approx(theirs.standard_error, rel=0.05)
    assert agree(mean_bounds(losses, units), theirs)


def test_the_bounds_of_a_root_mean_squared_error_are_those_of_scipy():
    candidate, champion = skewed(400)

    def difference(ours, theirs, axis):
        return np.sqrt(theirs.mean(axis=axis)) - np.sqrt(ours.mean(axis=axis))

    bounds = mean_bounds(Losses(RMSE, candidate, champion), one_stratum(400))

    theirs = scipy.stats.bootstrap(
        (candidate, champion), difference, paired=True, confidence_level=0.9, n_resamples=20_000, rng=0
    )
    assert agree(bounds, theirs)


def test_strata_are_drawn_apart_as_scipy_draws_several_samples():
    rng = np.random.default_rng(3)
    stratum = np.repeat([0, 1], [300, 100])
    difference = np.where(stratum == 0, rng.normal(2.0, 1.0, 400), rng.normal(-3.0, 0.5, 400))

    losses, units = Losses(MAE, -difference, np.zeros(400)), singles(stratum, 1)

    theirs = scipy.stats.bootstrap(
        (difference[:300], difference[300:]),
        lambda a, b, axis: 0.75 * a.mean(axis=axis) + 0.25 * b.mean(axis=axis),
        confidence_level=0.9,
        n_resamples=20_000,
        rng=0,
        method="percentile",
    )
    found = interval_of(losses, units)
    unstratified = difference.std() / 20
    assert found.standard_error == pytest.approx(theirs.standard_error, rel=0.05)
    assert found.standard_error < 0.5 * unstratified
    assert agree(mean_bounds(losses, units), theirs)


@pytest.mark.parametrize("theirs", [MovingBlockBootstrap, CircularBlockBootstrap])
def test_blocks_give_the_standard_error_of_the_package_arch(theirs):
    rng = np.random.default_rng(0)
    difference = np.convolve(rng.normal(size=1007), np.ones(8) / 8, "valid")

    found = interval_of(Losses(MAE, -difference, np.zeros(1000)), Units(np.arange(1000), (1000,), block=25))

    means = theirs(25, difference, seed=0).apply(np.mean, 4000)
    one_block_fewer = math.sqrt(40 / 39)
    assert found.standard_error == pytest.approx(means.std() * one_block_fewer, rel=0.06)


def test_clusters_give_the_standard_error_of_drawing_whole_groups():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(60), rng.integers(1, 20, 60))
    difference = rng.normal(size=60)[group] + rng.normal(size=len(group))

    found = interval_of(Losses(MAE, -difference, np.zeros(len(group))), clusters(group, 1))

    sums, counts = np.bincount(group, difference), np.bincount(group)
    theirs = scipy.stats.bootstrap(
        (sums, counts),
        lambda s, c, axis: s.sum(axis=axis) / c.sum(axis=axis),
        paired=True,
        n_resamples=20_000,
        rng=0,
        method="percentile",
    )
    assert found.standard_error == pytest.approx(theirs.standard_error * math.sqrt(60 / 59), rel=0.06)


@pytest.mark.parametrize("freedom", [9, 19, 200])
@pytest.mark.parametrize("probability", [0.95, 0.999])
def test_the_quantiles_of_students_t_are_those_of_scipy(freedom, probability):
    assert _student(probability, freedom) == pytest.approx(scipy.stats.t.ppf(probability, freedom), rel=2e-3)


def test_random_groups_of_many_rows_give_the_standard_error_of_single_rows():
    candidate, champion = skewed(50_000)
    difference = champion - candidate

    found = interval_of(Losses(MAE, candidate, champion), one_stratum(50_000))

    assert found.standard_error == pytest.approx(difference.std() / math.sqrt(50_000), rel=0.06)


@given(seed=st.integers(0, 2**32), rows=st.integers(10, 300), metric=st.sampled_from([MAE, RMSE, ACCURACY]))
@settings(max_examples=25, deadline=None)
def test_swapping_candidate_and_champion_mirrors_the_interval(seed, rows, metric):
    ours, theirs = skewed(rows, seed)
    if metric is ACCURACY:
        ours, theirs = np.floor(ours % 2), np.floor(theirs % 2)
    units = one_stratum(rows)

    one, other = (interval_of(Losses(metric, a, b), units, seed) for a, b in ((ours, theirs), (theirs, ours)))

    assert one.lower <= one.point <= one.upper
    assert (other.point, other.lower, other.upper) == pytest.approx((-one.point, -one.upper, -one.lower))


def test_the_same_digests_in_any_order_give_the_same_numbers_and_others_give_others():
    candidate, champion = skewed(300)
    losses, units = Losses(MAE, candidate, champion), one_stratum(300)

    first, again, other = (
        interval_of(losses, units, seed_of(*digests)) for digests in (("a", "b"), ("b", "a"), ("a", "c"))
    )

    assert first == again
    assert first != other


def test_the_wider_of_two_ways_to_draw_counts():
    rng = np.random.default_rng(0)
    group = np.tile(np.arange(40), 25)  # groups that come back all the time: only whole groups show it
    difference = rng.normal(size=40)[group] + rng.normal(size=1000)
    losses = Losses(MAE, -difference, np.zeros(1000))
    by_time = runs(np.arange(1000).astype("datetime64[s]"), difference)
    by_group = clusters(group, 1)

    both = intervals(losses, [by_time, by_group], [ALL], 1)[0]

    assert both == interval_of(losses, by_group)
    assert both.standard_error > 2 * interval_of(losses, by_time).standard_error


def test_rows_of_a_few_groups_bound_nothing():
    candidate, champion = skewed(900)

    found = interval_of(Losses(MAE, candidate, champion), clusters(np.arange(900) % 9, 1))

    assert (found.pieces, found.lower, found.upper) == (9, -math.inf, math.inf)


def test_part_of_the_rows_that_some_draws_do_not_contain_bounds_nothing():
    candidate, champion = skewed(1000)
    units = Units(np.arange(1000), (1000,), block=50)

    found = intervals(Losses(MAE, candidate, champion), [units], [np.arange(500), np.arange(10)], 1)

    assert math.isfinite(found[0].lower)
    assert (found[1].pieces, found[1].lower) == (1, -math.inf)


def test_hits_that_never_differ_leave_three_in_n_open():
    hits = np.ones(100)

    found = interval_of(Losses(ACCURACY, hits, hits), one_stratum(100))

    assert (found.point, found.lower, found.upper) == (0.0, -0.03, 0.03)


def test_a_class_of_one_row_is_drawn_with_the_commonest():
    units = singles(np.array([0] * 20 + [5] + [7] * 30), 1)

    assert units.strata == (20, 31)


def test_the_strata_of_a_regression_are_the_tenths_of_the_target():
    target = np.random.default_rng(0).normal(size=1000)

    assert np.bincount(strata_of(target, "regression")).tolist() == [100] * 10


@pytest.mark.parametrize("kind", ["singles", "runs", "clusters"])
def test_a_million_rows_take_less_than_a_second_and_little_memory(kind):
    rng = np.random.default_rng(0)
    losses = Losses(MAE, rng.random(1_000_000), rng.random(1_000_000))
    target, group = rng.normal(size=1_000_000), rng.integers(0, 50_000, 1_000_000)
    moments = np.arange(1_000_000).astype("datetime64[s]")

    def whole() -> Interval:
        partition = {
            "singles": lambda: singles(strata_of(target, "regression"), 1),
            "runs": lambda: runs(moments, losses.difference),
            "clusters": lambda: clusters(group, 1),
        }[kind]()
        return interval_of(losses, partition)

    began = time.process_time()  # of the processor: others use this machine too
    whole()
    seconds = time.process_time() - began
    tracemalloc.start()
    whole()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 1.0
    assert peak < 100e6  # the rows themselves are 16 MB; 2,000 draws of a million rows would be 16 GB
