from __future__ import annotations

import pyarrow as pa
import pytest

from deploy.new.guess import guess
from deploy.new.target import task_of
from ml.fault import INVALID_INPUT, Fault


def of(values: list[object]) -> tuple[str, str]:
    column = pa.chunked_array([pa.array(values)])
    return task_of(guess(column, "row {}".format), column, "a.csv, column `t`")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([n / 7 for n in range(50)], "regression"),
        ([f"{n}.5" for n in range(50)], "regression"),
        (list(range(50)), "regression"),
        (list(range(11)) * 9, "regression"),
        ([0, 1] * 25, "classification"),
        ([0.0, 1.0, None] * 25, "classification"),
        (["0", "1", "NA"] * 25, "classification"),
        ([True, False] * 25, "classification"),
        (["yes", "no"] * 25, "classification"),
        (["a", "b", "c"] * 25, "classification"),
        ([3, 4, 5, 6, 7, 8] * 25, "classification"),
        ([1, 2, 3, 4], "regression"),
    ],
)
def test_the_task_follows_from_the_target(values: list[object], task: str) -> None:
    assert of(values)[0] == task


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0] * 30, "the target does not vary: it has one value"),
        ([1.0, None] * 30, "the target does not vary: it has one value"),
        (["", "NA"] * 30, "the target does not vary"),
        ([[1], [2]], "the target does not vary: the column is list"),
        ([f"text {n}" for n in range(60)], "60 different texts in 60 rows"),
        ([f"text {n}" for n in range(60)] * 10, "60 different texts in 600 rows"),
        (["a", "b", "c", "d"], "4 different texts in 4 rows"),
        (["2024-01-01", "2024-01-02"] * 20, "the target is a date"),
        ([f"{n},5" for n in range(40)], "decimal commas"),
        ([*(f"{n}.5" for n in range(40)), "?"], "1 of its 41 values is no number (row 40: "),
    ],
)
def test_a_target_that_cannot_be_predicted_is_refused(values: list[object], message: str) -> None:
    with pytest.raises(Fault) as caught:
        of(values)
    assert message in caught.value.message
    assert caught.value.code == INVALID_INPUT
    assert caught.value.where == "a.csv, column `t`"
    assert caught.value.remedy


def test_a_rare_class_and_whole_amounts_are_doubtful() -> None:
    assert of(["a"] * 40 + ["b"] * 3)[1] == "the rarest of 2 classes has 3 rows"
    assert "`regression`" in of([3, 4, 5] * 25)[1]
