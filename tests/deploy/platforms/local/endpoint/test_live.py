"""What is seen of the answers, and what a release is judged on."""

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.platforms.local.endpoint import live
from deploy.platforms.local.endpoint.live import Observations

BODIES = {
    "numbers": ([1.0, 2.0, -3.5], (1.0, 2.0, -3.5)),
    "labels": (["late", "on time"], ("late", "on time")),
    "MLflow's form": ({"predictions": [1.0]}, (1.0,)),
    "probabilities": ([[0.2, 0.8], [0.9, 0.1]], ("1", "0")),
    "null": ([None, 1.0], (None, 1.0)),
    "classes that are whole numbers": ([1, 0], ("1", "0")),
    "classes that are true and false": ([True, False], ("True", "False")),
    "a number that is too large": ([10**400], (None,)),
    "a probability that is missing": ([[0.5, None]], (None,)),
    "a probability that is text": ([["0.5", 0.5]], (None,)),
    "no probabilities": ([[]], (None,)),
    "an object": ([{"a": 1}], (None,)),
    "no list": ("text", (None,)),
    "another object": ({"other": 1}, (None,)),
}


def answered(status, body, observations=None):
    observations = observations or Observations()
    with observations.asked("one") as seen:
        seen(status, body)
    return observations.since(0.0)["one"]


@pytest.mark.parametrize("what", BODIES)
def test_the_predictions_of_an_answer_are(what):
    body, expected = BODIES[what]
    text = json.dumps(body).encode()
    assert live._predictions(text) == expected
    assert answered(200, text).unsound == expected.count(None)


@pytest.mark.parametrize("body", [b"[NaN]", b"[Infinity]", b"[-Infinity]", b"", b"<html>", b"\xff"])
def test_an_answer_that_is_no_prediction_is_unsound(body):
    assert answered(200, body).unsound == 1


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=20))
def test_no_answer_of_a_deployment_breaks_the_endpoint(value):
    seen = answered(200, json.dumps(value).encode())
    assert seen.requests == 1
    assert 0 <= seen.unsound <= seen.predictions


@pytest.mark.parametrize(
    ("status", "failures", "refused"), [(200, 0, 0), (422, 0, 1), (404, 0, 1), (500, 1, 0), (503, 1, 0)]
)
def test_a_status_counts_as(status, failures, refused):
    seen = answered(status, b'{"title": "no"}')
    assert (seen.failures, seen.refused) == (failures, refused)
    assert seen.predictions == (1 if status == 200 else 0)


def test_the_mean_the_deviation_and_the_shares_are_those_of_the_predictions():
    observations = Observations()
    for values in ([1.0, 2.0], [3.0, 6.0]):
        seen = answered(200, json.dumps(values).encode(), observations)
    assert (seen.predictions, seen.mean, seen.std) == (4, 3.0, pytest.approx(math.sqrt(3.5)))
    assert answered(200, b'["a", "a", "a", "b"]').shares == {"a": 0.75, "b": 0.25}


def test_who_is_waited_for_too_long_has_failed_and_is_not_counted_before(monkeypatch):
    observations = Observations()
    with observations.asked("one"):
        assert observations.since(0.0)["one"].requests == 0
        monkeypatch.setattr(live, "OVERDUE_SECONDS", 0.0)
        seen = observations.since(0.0)["one"]
        assert (seen.requests, seen.failures) == (1, 1)
    assert observations.since(0.0)["one"].requests == 0


def test_only_what_was_seen_since_counts():
    observations = Observations()
    answered(200, b"[1.0]", observations)
    moment = time.monotonic()
    answered(500, b"", observations)
    assert observations.since(moment)["one"].requests == 1


def test_what_is_kept_is_bounded_and_forgotten_with_the_deployment(monkeypatch):
    monkeypatch.setattr(live, "KEPT", 10)
    observations = Observations()
    for _ in range(20):
        seen = answered(200, b"[1.0]", observations)
    assert seen.requests == 10
    observations.forget("one")
    assert observations.since(0.0) == {}


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_the_95th_percentile_is_the_smallest_value_that_95_of_100_do_not_exceed(values):
    p95 = live._p95(values)
    assert p95 in values
    assert sum(value <= p95 for value in values) >= 0.95 * len(values)
    assert sum(value < p95 for value in values) < 0.95 * len(values)
