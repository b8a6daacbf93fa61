import datetime as dt
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from deploy.gate.judge import judge
from deploy.gate.scored import Levels
from deploy.gate.verdict import Check, overall
from ml.fault import Fault
from ml.problem import Slices, Success

BROKEN = [np.nan, np.inf, -np.inf]


def not_passed(verdict):
    return {check.name: check.decision for check in verdict.checks if check.decision != "PASS"}


def measured(scored, **changes):
    return replace(scored, measures=replace(scored.measures, **changes))


def test_a_better_candidate_passes(good_pair):
    candidate, champion, success = good_pair()

    verdict = judge(candidate, champion, success)

    assert verdict.decision == "PASS"
    assert [check.name for check in verdict.checks] == [
        "predictions", "champion's predictions", "measures", "floor r2", "dummy", "champion",
        "slice origin=north", "slice origin=south", "latency", "size", "parity",
    ]  # fmt: skip
    assert set(verdict.intervals) == {"dummy", "champion", "slice origin=north", "slice origin=south"}
    assert set(verdict.metrics) == {"candidate", "champion", "dummy"}
    assert [reason.split(":")[0] for reason in verdict.reasons] == ["champion", "dummy"]
    assert "not worse by more than 0.1" in verdict.reasons[0]


def test_without_a_champion_only_the_candidate_itself_decides(good_pair):
    candidate, _, success = good_pair()

    verdict = judge(candidate, None, success)

    assert verdict.decision == "PASS"
    assert not any("champion" in check.name or "slice" in check.name for check in verdict.checks)
    assert set(verdict.metrics) == {"candidate", "dummy"}


def test_grouped_rows_are_compared_group_by_group(good_pair):
    candidate, champion, success = good_pair(slices=Slices())
    groups = Levels.of([f"group {k % 40}" for k in range(600)])

    verdict = judge(replace(candidate, group=groups), champion, success)

    assert (verdict.decision, verdict.intervals["champion"].pieces) == ("PASS", 40)


def test_rows_with_a_time_and_a_group_count_as_what_is_less_certain(good_pair):
    candidate, champion, success = good_pair(slices=Slices())
    candidate = replace(candidate, time=np.arange(600).astype("datetime64[h]"))
    by_time = judge(candidate, champion, success).intervals["champion"]
    groups = Levels.of([f"group {k % 9}" for k in range(600)])  # too few to bound anything

    both = judge(replace(candidate, group=groups), champion, success)

    assert by_time.pieces == 20
    assert not_passed(both) == {"dummy": "INCONCLUSIVE", "champion": "INCONCLUSIVE"}
    assert both.intervals["champion"].pieces == 9


def test_a_level_that_lives_in_a_few_groups_is_pooled_however_many_rows_it_has(good_pair):
    candidate, champion, success = good_pair()
    groups = Levels.of([f"group {k // 15}" for k in range(600)])
    origin = Levels.of(["north" if k < 120 else "south" for k in range(600)])  # north: 120 rows of 8 groups
    pair = [replace(model, group=groups, slices={"origin": origin}) for model in (candidate, champion)]

    verdict = judge(*pair, success)

    assert verdict.decision == "PASS"
    assert {name: found.rows for name, found in verdict.intervals.items() if "slice" in name} == {
        "slice origin=south": 480,
        "slice origin=(others)": 600,
    }


def test_no_row_later_than_the_champions_training_is_inconclusive(good_pair):
    candidate, champion, success = good_pair(slices=Slices())
    moments = np.arange("2013-05-01", "2013-05-26", dtype="datetime64[h]")
    pair = [replace(model, time=moments) for model in (candidate, champion)]

    verdict = judge(*pair, success, after=dt.datetime(2013, 6, 1))

    assert not_passed(verdict) == {"champion": "INCONCLUSIVE"}


def test_rows_that_the_champion_was_trained_on_do_not_count(good_pair):
    candidate, champion, success = good_pair(slices=Slices())
    moments = np.arange("2013-05-01", "2013-05-26", dtype="datetime64[h]")
    candidate, champion = replace(candidate, time=moments), replace(champion, time=moments)
    champion.outputs[:300] = champion.target[:300]  # what it was taught it knows by heart

    assert judge(candidate, champion, success).decision != "PASS"
    verdict = judge(candidate, champion, success, after=dt.datetime(2013, 5, 13, 11))
    assert (verdict.decision, verdict.intervals["champion"].rows) == ("PASS", 300)


def test_a_row_without_a_time_fails(good_pair):
    candidate, champion, success = good_pair(slices=Slices())
    moments = np.arange(600).astype("datetime64[s]")
    moments[5] = np.datetime64("NaT")

    assert not_passed(judge(replace(candidate, time=moments), champion, success)) == {"predictions": "FAIL"}


def test_models_on_different_rows_are_an_error_and_no_verdict(good_pair):
    candidate, champion, success = good_pair()

    with pytest.raises(Fault, match="different rows"):
        judge(candidate, champion.take(np.arange(10)), success)


@pytest.mark.parametrize("metric", ["log_loss", "brier", "accuracy"])
def test_a_classifier_is_judged_by_each_metric(scored, metric):
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 900)
    sharp, blunt = (rng.dirichlet(np.ones(3), 900) + weight * np.eye(3)[target] for weight in (3.0, 0.3))
    sharp, blunt = (p / p.sum(axis=1, keepdims=True) for p in (sharp, blunt))
    success = Success(metric=metric, margin=0.01)

    assert judge(scored(target, sharp, "a"), scored(target, blunt, "b"), success).decision == "PASS"
    assert judge(scored(target, blunt, "a"), scored(target, sharp, "b"), success).decision == "FAIL"


@pytest.mark.parametrize("learner", [DecisionTreeRegressor, DecisionTreeClassifier])
def test_a_model_trained_on_shuffled_labels_fails_even_without_floors_and_champion(scored, learner):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(2000, 4))
    target = inputs[:, 0] * 3 + rng.normal(size=2000)
    target = (target > 0).astype(np.float64) if learner is DecisionTreeClassifier else target
    success = Success(metric="mae" if learner is DecisionTreeRegressor else "brier", margin=0.1)
    verdicts = {}
    for labels, taught in {"true": target[:1000], "shuffled": rng.permutation(target[:1000])}.items():
        model = learner(max_depth=4, random_state=0).fit(inputs[:1000], taught)
        answer = model.predict if learner is DecisionTreeRegressor else model.predict_proba
        verdicts[labels] = judge(scored(target[1000:], answer(inputs[1000:]), labels), None, success).decision

    assert verdicts == {"true": "PASS", "shuffled": "FAIL"}


NUMBERS = ["latency_ms", "size_mb", "parity"]
PLACES = ["outputs", "target", "champion's outputs", "metrics", "dummy_metrics", *NUMBERS]


@given(st.sampled_from(PLACES), st.sampled_from(BROKEN), st.integers(0, 199), st.booleans())
@example("dummy_metrics", np.nan, 1, True)
@settings(max_examples=60, deadline=None)
def test_nothing_with_a_nan_or_infinity_anywhere_passes(good_pair, place, broken, row, with_champion):
    candidate, champion, success = good_pair(200, slices=Slices())
    assert judge(candidate, champion, success).decision == "PASS"
    if place == "outputs":
        candidate.outputs[row] = broken
    elif place == "target":
        candidate.target[row] = champion.target[row] = broken
    elif place == "champion's outputs":
        champion.outputs[row] = broken
    elif place in ("metrics", "dummy_metrics"):
        name = ("mae", "rmse")[row % 2]  # the one that decides, and one that nobody asked for
        candidate = measured(candidate, **{place: {**getattr(candidate.measures, place), name: broken}})
    else:
        candidate = measured(candidate, **{place: broken})

    whether = champion if with_champion or place == "champion's outputs" else None
    assert judge(candidate, whether, success).decision == "FAIL"


ANY = st.floats(width=64, allow_nan=True, allow_infinity=True)


@given(st.data(), st.integers(1, 30))
@settings(max_examples=80, deadline=None)
def test_any_numbers_at_all_give_a_verdict_and_none_but_finite_ones_a_pass(scored, data, rows):
    target, ours, theirs = (data.draw(arrays(np.float64, rows, elements=ANY)) for _ in range(3))
    with np.errstate(all="ignore"):
        pair = scored(target, ours, "a"), scored(target, theirs, "b")

    verdict = judge(*pair, Success(metric="rmse", margin=0.1))

    assert verdict.decision in ("FAIL", "INCONCLUSIVE") or np.isfinite([target, ours, theirs]).all()
    json.dumps(verdict.to_json(), allow_nan=False)


def test_the_same_digests_give_the_same_verdict_and_the_seed_is_theirs(good_pair):
    candidate, champion, success = good_pair()

    first, again = judge(candidate, champion, success), judge(candidate, champion, success)
    other = judge(measured(candidate, model_digest="another"), champion, success)

    assert first == again
    assert other.seed != first.seed
    assert other.intervals["champion"] != first.intervals["champion"]


def test_no_check_at_all_is_no_pass():
    assert overall([]) == "INCONCLUSIVE"


@given(st.lists(st.sampled_from(["PASS", "FAIL", "INCONCLUSIVE"]), min_size=1, max_size=6))
def test_any_fail_fails_and_only_all_passes_pass(decisions):
    found = overall(Check("c", decision, None, None, "") for decision in decisions)

    assert (found == "FAIL") == ("FAIL" in decisions)
    assert (found == "PASS") == (set(decisions) == {"PASS"})


def test_the_verdict_as_json_has_what_scripts_rely_on(good_pair):
    candidate, champion, success = good_pair(floors={"r2": 0.999})

    document = json.loads(json.dumps(judge(candidate, champion, success).to_json(), allow_nan=False))

    assert document["decision"] == "FAIL"
    mae = np.abs(champion.outputs - champion.target).mean()
    assert document["metrics"]["champion"]["mae"] == pytest.approx(mae)
    assert set(document["intervals"]["champion"]) == {
        "point", "lower", "upper", "standard_error", "detectable", "rows", "pieces",
    }  # fmt: skip
    assert document["reasons"][0].startswith("floor r2")
    assert document["checks"][3] == {
        "name": "floor r2",
        "decision": "FAIL",
        "value": pytest.approx(0.99, abs=0.01),
        "threshold": 0.999,
        "sentence": document["reasons"][0],
    }


def test_the_gate_imports_numpy_and_nothing_heavier():
    code = "import sys, deploy.gate.judge, deploy.gate.evidence; print(*sys.modules)"

    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(process.stdout.split())
    heavy = {"pandas", "pyarrow", "pydantic", "sklearn", "scipy", "mlflow", "lightgbm", "azure"}
    assert "numpy" in loaded
    assert not heavy & loaded
