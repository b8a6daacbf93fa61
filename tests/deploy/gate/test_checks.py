"""Each check alone decides: everything else about the candidate passes."""

from dataclasses import replace

import numpy as np
import pytest

from deploy.gate.judge import judge
from deploy.gate.scored import Levels
from ml.problem import Slices, Success

BROKEN = [np.nan, np.inf, -np.inf]


def not_passed(verdict):
    return {check.name: check.decision for check in verdict.checks if check.decision != "PASS"}


def measured(scored, **changes):
    return replace(scored, measures=replace(scored.measures, **changes))


def answering(model, outputs, scored):
    """The same rows with other answers and the measures that belong to them."""
    return scored(model.target, outputs, model.measures.model_digest, slices=model.slices)


@pytest.mark.parametrize("broken", BROKEN)
def test_one_answer_that_is_no_number_fails(good_pair, broken):
    candidate, champion, success = good_pair()
    candidate.outputs[17] = broken

    verdict = judge(candidate, champion, success)

    assert not_passed(verdict) == {"predictions": "FAIL"}
    assert verdict.reasons == ("predictions: 1 of 600 rows have NaN or infinity for an answer",)


def test_a_candidate_that_always_says_the_same_fails(good_pair, scored):
    candidate, champion, success = good_pair()

    verdict = judge(answering(candidate, np.zeros(600), scored), champion, success)

    assert not_passed(verdict) == {"predictions": "FAIL"}


def test_a_champion_that_answered_no_number_is_no_champion_that_was_beaten(good_pair):
    candidate, champion, success = good_pair()
    champion.outputs[3] = np.nan

    assert not_passed(judge(candidate, champion, success)) == {"champion's predictions": "FAIL"}


@pytest.mark.parametrize(
    ("metrics", "sentence"),
    [
        ({"r2": 0.99}, "metric mae is missing"),
        ({"r2": 0.99, "mae": None}, "metric mae is missing"),
        ({"r2": 0.99, "mae": 0.5}, "but the predictions give 0.7736"),
    ],
)
def test_a_metric_that_is_missing_or_not_what_the_predictions_say_fails(good_pair, metrics, sentence):
    candidate, champion, success = good_pair()
    metrics = {**metrics, "r2": candidate.measures.metrics["r2"]}

    verdict = judge(measured(candidate, metrics=metrics), champion, success)

    assert not_passed(verdict) == {"measures": "FAIL"}
    assert sentence in verdict.reasons[0]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_metric_that_nobody_named_but_is_no_number_fails(good_pair, broken):
    candidate, champion, success = good_pair()
    metrics = {**candidate.measures.metrics, "made_up": broken}

    assert not_passed(judge(measured(candidate, metrics=metrics), champion, success)) == {"measures": "FAIL"}


def test_a_metric_below_its_floor_fails(good_pair):
    candidate, champion, success = good_pair(floors={"r2": 0.999})

    verdict = judge(candidate, champion, success)

    assert not_passed(verdict) == {"floor r2": "FAIL"}
    assert "and must be at least 0.999" in verdict.reasons[0]


def test_a_metric_above_its_ceiling_fails_where_lower_is_better(good_pair):
    candidate, champion, success = good_pair(floors={"mae": 0.7})

    assert not_passed(judge(candidate, champion, success)) == {"floor mae": "FAIL"}


@pytest.mark.parametrize("value", [None, *BROKEN])
def test_a_floor_without_a_number_fails(good_pair, value):
    candidate, champion, success = good_pair()
    metrics = {**candidate.measures.metrics, "r2": value}

    assert not_passed(judge(measured(candidate, metrics=metrics), champion, success))["floor r2"] == "FAIL"


def test_a_candidate_no_better_than_a_constant_fails_beside_a_champion_as_bad(good_pair, scored):
    candidate, champion, success = good_pair(floors={}, margin=1.0)
    noise = np.random.default_rng(0).normal(0.0, 3.0, 600)
    bad = answering(candidate, noise, scored), answering(champion, noise[::-1], scored)
    success = success.model_copy(update={"slices": Slices(columns=["origin"], margin=2.0, smallest=100)})

    verdict = judge(*bad, success)

    assert not_passed(verdict) == {"dummy": "FAIL"}


def test_a_candidate_that_may_be_no_better_than_a_constant_is_inconclusive(good_pair, scored):
    candidate, _, success = good_pair(floors={})
    hint = np.sign(candidate.target) * 0.09 + np.random.default_rng(4).normal(0.0, 0.5, 600)
    candidate = answering(candidate, hint, scored)

    verdict = judge(candidate, None, success)

    assert verdict.intervals["dummy"].lower < 0.0 < verdict.intervals["dummy"].point
    assert not_passed(verdict) == {"dummy": "INCONCLUSIVE"}


def test_a_dummy_that_was_not_measured_fails(good_pair):
    candidate, champion, success = good_pair()

    assert not_passed(judge(measured(candidate, dummy_metrics={}), champion, success)) == {"dummy": "FAIL"}


@pytest.mark.parametrize(("share", "decision"), [(1.7, "FAIL"), (1.36, "INCONCLUSIVE"), (1.0, "PASS")])
def test_the_champion_decides(good_pair, scored, share, decision):
    candidate, champion, success = good_pair(margin=0.1, slices=Slices())
    error = candidate.outputs - candidate.target
    candidate = answering(candidate, candidate.target + error * share, scored)

    verdict = judge(candidate, champion, success)

    assert not_passed(verdict) == ({} if decision == "PASS" else {"champion": decision})
    assert verdict.decision == decision


def test_a_candidate_that_is_better_on_the_whole_but_worse_on_one_slice_fails(good_pair, scored):
    candidate, champion, success = good_pair()
    error = candidate.outputs - candidate.target
    north = candidate.slices["origin"].codes == candidate.slices["origin"].names.index("north")
    candidate = answering(candidate, candidate.target + error * np.where(north, 1.8, 0.2), scored)

    verdict = judge(candidate, champion, success)

    assert not_passed(verdict) == {"slice origin=north": "FAIL"}


def test_a_slice_column_that_is_absent_fails(good_pair):
    candidate, champion, success = good_pair()

    verdict = judge(replace(candidate, slices={}), champion, success)

    assert not_passed(verdict) == {"slice origin": "FAIL"}


def test_a_level_that_only_the_champion_has_fails(good_pair):
    candidate, champion, success = good_pair()
    origin = ["east", *("north" if k % 2 else "south" for k in range(1, 600))]
    champion = replace(champion, slices={"origin": Levels.of(origin)})

    assert not_passed(judge(candidate, champion, success)) == {"slice origin=east": "FAIL"}


def test_a_slice_column_with_too_few_rows_is_inconclusive(good_pair):
    candidate, champion, success = good_pair()
    slices = success.slices.model_copy(update={"smallest": 1000})

    verdict = judge(candidate, champion, success.model_copy(update={"slices": slices}))

    assert not_passed(verdict) == {"slice origin=(others)": "INCONCLUSIVE"}
    assert "600 rows are too few to judge, it takes 1,000" in verdict.reasons[0]


def test_levels_too_rare_to_judge_alone_do_not_hold_up_a_release(good_pair):
    candidate, champion, success = good_pair()
    rare = Levels.of([f"rare {k}" if k < 40 else ("north" if k % 2 else "south") for k in range(600)])
    pair = [replace(model, slices={"origin": rare}) for model in (candidate, champion)]

    verdict = judge(*pair, success)

    assert verdict.decision == "PASS"
    assert verdict.intervals["slice origin=(others)"].rows == 320


def test_twenty_harmless_slices_fail_as_rarely_as_one(scored):
    rng = np.random.default_rng(0)
    carrier = Levels.of([f"carrier {k % 20}" for k in range(400)])
    success = Success(metric="mae", margin=1.0, slices=Slices(columns=["carrier"], margin=0.0, smallest=20))
    failed = 0
    for _ in range(24):
        target = rng.normal(0.0, 10.0, 400)
        answers = [target + rng.normal(0.0, 1.0, 400) for _ in range(2)]
        candidate, champion = (scored(target, each, slices={"carrier": carrier}) for each in answers)
        failed += judge(candidate, champion, success).decision == "FAIL"

    assert failed <= 4  # uncorrected, 64 % of the verdicts would be wrong


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("latency", {"latency_ms": 50.1}),
        ("latency", {"latency_ms": None}),
        ("latency", {"latency_ms": -1.0}),
        ("size", {"size_mb": 200.1}),
        ("size", {"size_mb": None}),
        ("parity", {"parity": 1e-6}),
        ("parity", {"parity": None}),
    ],
)
def test_a_budget_that_is_exceeded_or_was_not_measured_fails(good_pair, name, changes):
    candidate, champion, success = good_pair()

    assert not_passed(judge(measured(candidate, **changes), champion, success)) == {name: "FAIL"}


def test_parity_is_relative_to_the_size_of_the_answers(good_pair, scored):
    candidate, champion, success = good_pair(metric="mae", margin=1e9, floors={}, slices=Slices())
    big = [scored(m.target * 1e6, m.outputs * 1e6, m.measures.model_digest) for m in (candidate, champion)]

    assert judge(measured(big[0], parity=1e-3), big[1], success).decision == "PASS"
    assert not_passed(judge(measured(big[0], parity=1.0), big[1], success)) == {"parity": "FAIL"}


@pytest.mark.parametrize("wrong", ["negative", "over one", "not one", "one column", "unknown class"])
def test_outputs_that_are_no_probabilities_fail(scored, wrong):
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 200)
    right = np.where(target == 1, 0.9, 0.2) + rng.uniform(-0.1, 0.1, 200)
    outputs = np.column_stack([1 - right, right])
    success = Success(metric="log_loss", margin=0.1)
    assert judge(scored(target, outputs), None, success).decision == "PASS"

    bad = {"negative": (-0.5, 1.5), "over one": (1.5, -0.5), "not one": (0.3, 0.3)}
    outputs[0] = bad.get(wrong, outputs[0])
    outputs = outputs[:, :1] if wrong == "one column" else outputs
    target = np.where(np.arange(200) == 0, 2, target) if wrong == "unknown class" else target
    assert not_passed(judge(scored(target, outputs), None, success)) == {"predictions": "FAIL"}
