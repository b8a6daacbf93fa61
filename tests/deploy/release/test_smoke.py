"""The smoke test takes the model's own answers and nothing else."""

import json
import math

import pytest

from deploy.release.smoke import Expected, check_answer, load_expected
from ml.fault import Fault

NUMBERS = Expected(b"{}", (1.5, -2.0))


@pytest.mark.parametrize("answer", [b"[1.5, -2.0]", b"[1.5000000000001, -2]"])
def test_the_models_own_numbers_pass(answer):
    assert check_answer(NUMBERS, 200, answer) is None


WRONG = {
    "an error": (500, b"[1.5, -2.0]", "it answered 500"),
    "Azure's word for an error of the container": (424, b"", "it answered 424"),
    "no JSON": (200, b"<html>", "not JSON"),
    "NaN": (200, b"[NaN, -2.0]", "1 of 2 predictions"),
    "null": (200, b"[null, -2.0]", "1 of 2 predictions"),
    "the old model's answer": (200, b"[1.6, -2.1]", "2 of 2 predictions"),
    "too few": (200, b"[1.5]", "a list of 2"),
    "none": (200, b"[]", "a list of 2"),
    "no list": (200, b'{"predictions": [1.5, -2.0]}', "a list of 2"),
    "text": (200, b'["1.5", -2.0]', "1 of 2 predictions"),
    "lists": (200, b"[[1.5], -2.0]", "1 of 2 predictions"),
    "objects": (200, b'[{"a": 1.5}, -2.0]', "1 of 2 predictions"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_anything_else_is_refused(what):
    status, body, reason = WRONG[what]
    assert reason in check_answer(NUMBERS, status, body)


def test_true_is_not_one():
    assert check_answer(Expected(b"", (1.0,)), 200, b"[true]")


def test_labels_are_compared_as_they_are():
    labels = Expected(b"", ("late", "on time"))
    assert check_answer(labels, 200, b'["late", "on time"]') is None
    assert check_answer(labels, 200, b'["late", "late"]')
    assert check_answer(labels, 200, b"[1, 0]")


def test_probabilities_are_compared_one_by_one():
    probabilities = Expected(b"", ([0.25, 0.75],))
    assert check_answer(probabilities, 200, b"[[0.25, 0.75]]") is None
    assert check_answer(probabilities, 200, b"[[0.25]]")
    assert check_answer(probabilities, 200, b"[[0.25, 0.76]]")
    assert check_answer(probabilities, 200, b"[0.25]")


def test_what_is_asked_travels_with_the_model(tmp_path):
    (tmp_path / "smoke.json").write_text(
        json.dumps({"input_data": {"columns": ["a"], "data": [[1]]}, "answers": [2.0]})
    )
    expected = load_expected(tmp_path)
    assert json.loads(expected.body) == {"input_data": {"columns": ["a"], "data": [[1]]}}
    assert expected.answers == (2.0,)


@pytest.mark.parametrize("content", [None, "", "{}", '{"input_data": {}, "answers": []}', f"[{math.nan}]"])
def test_a_model_without_a_smoke_test_is_not_released(tmp_path, content):
    if content is not None:
        (tmp_path / "smoke.json").write_text(content)
    with pytest.raises(Fault) as fault:
        load_expected(tmp_path)
    assert fault.value.remedy == "train it again"
