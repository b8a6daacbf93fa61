"""What is said of a candidate from the numbers of both sides."""

import math
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.release.analysis import FEWEST_PREDICTIONS, Live, examine
from deploy.release.policy import Limits

LIMITS = Limits(errors=0.01, refusals=0.1, latency_ratio=2.0, latency_slack_ms=20, latency_ms=200, prediction_shift=0.5)
WELL = Live(requests=100, latency_p95_ms=50.0, predictions=100, mean=10.0, std=2.0, distinct=True)
LABELS = replace(WELL, mean=math.nan, std=math.nan, shares={"late": 0.3, "on time": 0.7})


def state(candidate, stable=WELL, requests=100):
    return examine(candidate, stable, requests, LIMITS).state


def test_two_sides_that_do_alike_are_well():
    assert examine(WELL, WELL, 100, LIMITS).state == "well"
    assert examine(LABELS, LABELS, 100, LIMITS).state == "well"


WORSE = {
    "it fails": (replace(WELL, failures=2), "2 of 100 requests failed"),
    "it refuses what the other side takes": (replace(WELL, refused=11), "11 of 100 requests were refused"),
    "it says NaN": (replace(WELL, unsound=1), "no finite number"),
    "it says the same to everyone": (replace(WELL, distinct=False), "the same"),
    "its predictions moved": (replace(WELL, mean=11.1), "moved by 0.55"),
    "it answers labels": (LABELS, "moved by inf"),
}


@pytest.mark.parametrize("how", WORSE)
def test_a_candidate_is_worse_when(how):
    candidate, reason = WORSE[how]
    found = examine(candidate, WELL, 100, LIMITS)
    assert found.state == "worse"
    assert reason in found.reason


SLOW = {
    "above the limit": (201.0, "above 200 ms"),
    "beside the other side": (101.0, "the stable side's 50 ms"),
}


@pytest.mark.parametrize("how", SLOW)
def test_latency_alone_is_looked_at_twice_and_with_failures_is_worse(how):
    latency, reason = SLOW[how]
    found = examine(replace(WELL, latency_p95_ms=latency), WELL, 100, LIMITS)
    assert (found.state, reason in found.reason) == ("slow", True)
    found = examine(replace(WELL, latency_p95_ms=latency, failures=9), WELL, 100, LIMITS)
    assert (found.state, reason in found.reason, "failed" in found.reason) == ("worse", True, True)


def test_labels_that_are_said_in_other_shares_are_worse():
    other = replace(LABELS, shares={"late": 0.9, "on time": 0.1})
    assert examine(other, LABELS, 100, LIMITS).reason == "predictions moved by 0.60 (at most 0.50)"


def test_a_limit_that_is_just_reached_is_kept():
    assert state(replace(WELL, failures=1, refused=10, latency_p95_ms=100.0, mean=11.0)) == "well"


def test_failures_that_the_other_side_has_too_are_not_the_candidates():
    assert state(replace(WELL, failures=10), replace(WELL, failures=10)) == "well"


def test_a_few_failures_are_enough_before_all_requests_are_in():
    assert state(replace(WELL, requests=2, failures=2)) == "worse"
    assert state(replace(WELL, requests=2, failures=1)) == "unknown"  # 1 of 100 is within the limit


def test_a_first_release_is_held_against_the_absolute_limits():
    assert state(WELL, None) == "well"
    assert state(replace(WELL, latency_p95_ms=201.0), None) == "slow"
    assert state(replace(WELL, failures=2), None) == "worse"


def test_a_side_that_serves_and_shows_no_numbers_leaves_it_open():
    assert examine(WELL, Live(), 100, LIMITS).reason == "the stable side was asked nothing"


def test_a_candidate_that_only_refuses_is_never_well():
    refusing = replace(WELL, refused=100, predictions=0, mean=math.nan, std=math.nan, distinct=False)
    assert state(refusing) == "worse"
    assert state(refusing, None) == "unknown"


MISSING = {
    "requests": (0, 99),
    "latency_p95_ms": (math.nan,),
    "predictions": (0, FEWEST_PREDICTIONS - 1),
    "mean": (math.nan, math.inf),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in MISSING.items() for value in values])
@pytest.mark.parametrize("stable", [WELL, None])
def test_a_number_that_is_missing_is_never_a_pass(name, value, stable):
    assert state(replace(WELL, **{name: value}), stable) != "well"


@pytest.mark.parametrize("change", [{"latency_p95_ms": math.nan}, {"mean": math.nan}, {"std": math.nan}])
def test_a_number_of_the_other_side_that_is_missing_is_never_a_pass(change):
    assert state(WELL, replace(WELL, **change)) == "unknown"


NUMBERS = st.one_of(st.just(math.nan), st.just(math.inf), st.floats(0, 1e6), st.just(0.0))
LIVES = st.builds(
    Live, requests=st.integers(0, 200), failures=st.integers(0, 200), refused=st.integers(0, 200),
    latency_p95_ms=NUMBERS, predictions=st.integers(0, 200), mean=NUMBERS, std=NUMBERS, distinct=st.booleans(),
    unsound=st.integers(0, 2), shares=st.dictionaries(st.sampled_from("abc"), st.floats(0, 1), max_size=3),
)  # fmt: skip


@given(st.none() | LIVES, st.none() | LIVES, st.integers(1, 150))
def test_well_is_said_only_where_every_number_is_there_and_within_its_limit(candidate, stable, requests):
    if state(candidate, stable, requests) != "well":
        return
    assert candidate.requests >= requests
    assert candidate.predictions >= min(requests, FEWEST_PREDICTIONS)
    assert candidate.latency_p95_ms <= LIMITS.latency_ms
    assert candidate.unsound == 0
    assert candidate.shares or math.isfinite(candidate.mean)
    usual = stable.failures / stable.requests if stable else 0.0
    assert candidate.failures <= (usual + LIMITS.errors) * candidate.requests + 1e-9
    assert stable is None or stable.requests > 0


@given(LIVES, st.sampled_from([field.name for field in fields(Live)]))
def test_a_side_without_requests_is_unknown_whatever_else_it_shows(live, name):
    assert state(replace(live, requests=0)) == "unknown"
    assert state(None) == "unknown"
