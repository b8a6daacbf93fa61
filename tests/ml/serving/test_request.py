"""What is refused in a well-formed body, and where it says the fault lies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ml.model.encoder import Encoder, Feature
from ml.serving.refusal import MOST_ERRORS, Refusal
from ml.serving.request import Limits, RowReader

ROWS = RowReader(
    Encoder(
        (
            Feature("size", "number", False),
            Feature("kind", "category", True),
            Feature("a/b~c", "boolean", False),
        )
    ),
    carried=("id", "time"),
    limits=Limits(rows=5),
)
GOOD = {"size": 1.5, "kind": "x", "a/b~c": True}


def split(columns: Any, data: Any, **more: Any) -> dict[str, Any]:
    return {"input_data": {"columns": columns, "data": data, **more}}


def flaws_of(document: Any, status: int = 422) -> dict[str, str]:
    """The faults by pointer."""
    with pytest.raises(Refusal) as refused:
        ROWS.read(json.dumps(document).encode())
    assert refused.value.status == status
    return {flaw.pointer: flaw.detail for flaw in refused.value.flaws}


def test_columns_stand_in_the_models_order_whatever_order_they_come_in() -> None:
    for _ in range(2):  # the second time from what was remembered
        for names in (("size", "kind", "a/b~c"), ("a/b~c", "kind", "size")):
            body = split(names, [[GOOD[name] for name in names]])
            assert ROWS.read(json.dumps(body).encode()).values == [[1.5, "x", True]]


def test_records_may_each_have_an_order_and_carried_columns_of_their_own() -> None:
    records = [GOOD, {"id": 7, **dict(reversed(GOOD.items()))}, {**GOOD, "time": None, "id": "x"}]
    rows = ROWS.read(json.dumps({"dataframe_records": records}).encode()).values
    assert [row[:3] for row in rows] == [[1.5, "x", True]] * 3


@pytest.mark.parametrize(
    ("document", "pointer", "word"),
    [
        ([], "", "input_data"),
        (None, "", "input_data"),
        ({}, "", "input_data"),
        ({"instances": [GOOD]}, "", "input_data"),
        ({"dataframe_records": [GOOD], "inputs": [GOOD]}, "", "several"),
        ({"dataframe_records": [GOOD], "params": {}}, "/params", "not expected"),
        (split(None, [[1]]), "/input_data/columns", "array"),
        (split(["size"], None), "/input_data/data", "array"),
        ({"input_data": {"columns": ["size"]}}, "/input_data/data", "array"),
        ({"input_data": [[1]]}, "/input_data", "object"),
        (split(list(GOOD), []), "/input_data/data", "empty"),
        (split([], [[]]), "/input_data/columns", "missing"),
        (split(list(GOOD), [[1, "x", True]], extra=1), "/input_data/extra", "not expected"),
        (split(list(GOOD), [[1, "x", True]], index=[0, 1]), "/input_data/index", "one entry a row"),
        (split(list(GOOD), [[1, "x", True]], index="0"), "/input_data/index", "one entry a row"),
        (split(list(GOOD), [[1, "x", True], [1, "x"]]), "/input_data/data/1", "has 2 values"),
        (split(list(GOOD), [[1, "x", True], {"a": 1, "b": 1, "c": 1}]), "/input_data/data/1", "array"),
        (split(list(GOOD), ["abc"]), "/input_data/data/0", "array"),
        (split([*GOOD, "size"], [[1, "x", True, 1]]), "/input_data/columns/3", "twice"),
        (split([*GOOD, "more"], [[1, "x", True, 1]]), "/input_data/columns/3", "no such column"),
        (split([*GOOD, 7], [[1, "x", True, 1]]), "/input_data/columns/3", "name of a column"),
        (split([*GOOD, ["id"]], [[1, "x", True, 1]]), "/input_data/columns/3", "name of a column"),
        (split([*GOOD, {}], [[1, "x", True, 1]]), "/input_data/columns/3", "name of a column"),
        (split(["size", "kind"], [[1, "x"]]), "/input_data/columns", "`a/b~c` is missing"),
        (split(list(GOOD), [[True, "x", True]]), "/input_data/data/0/0", "a number, not a boolean"),
        (split(list(GOOD), [["1", "x", True]]), "/input_data/data/0/0", "a number, not a string"),
        (split(list(GOOD), [[1, 1.5, True]]), "/input_data/data/0/1", "a string, not a number"),
        (split(list(GOOD), [[1, "x", 1]]), "/input_data/data/0/2", "must be true or false, not a number"),
        (split(list(GOOD), [[None, "x", True]]), "/input_data/data/0/0", "null"),
        (split(list(GOOD), [[10**400, "x", True]]), "/input_data/data/0/0", "beyond float64"),
        (split([*GOOD, "id"], [[1, "x", True, []]]), "/input_data/data/0/3", "a single value"),
        ({"dataframe_split": {"columns": ["x"], "data": [[1]]}}, "/dataframe_split/columns/0", "no such"),
        ({"dataframe_records": {}}, "/dataframe_records", "array"),
        ({"dataframe_records": []}, "/dataframe_records", "empty"),
        ({"dataframe_records": [GOOD, 1]}, "/dataframe_records/1", "object"),
        ({"dataframe_records": [GOOD, {}]}, "/dataframe_records/1", "missing"),
        ({"dataframe_records": [GOOD, {**GOOD, "more": 1}]}, "/dataframe_records/1/more", "no such column"),
        ({"dataframe_records": [{**GOOD, "a/b~c": 1}]}, "/dataframe_records/0/a~1b~0c", "true or false"),
        ({"inputs": {}}, "/inputs", "empty"),
        ({"inputs": 3}, "/inputs", "object"),
        ({"inputs": []}, "/inputs", "empty"),
        ({"inputs": {"size": 1}}, "/inputs/size", "array"),
        ({"inputs": {"size": [], "kind": [], "a/b~c": []}}, "/inputs/size", "empty"),
        ({"inputs": {"size": [1], "kind": ["x"], "a/b~c": []}}, "/inputs/a~1b~0c", "has 0 values"),
        ({"inputs": {"size": [1, "2"], "kind": ["x"] * 2, "a/b~c": [True] * 2}}, "/inputs/size/1", "number"),
        ({"inputs": {"size": [1], "kind": ["x"]}}, "/inputs", "missing"),
        ({"inputs": {name: [value] for name, value in {**GOOD, "x": 1}.items()}}, "/inputs/x", "no such"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_pointer(document: Any, pointer: str, word: str) -> None:
    told = flaws_of(document)
    assert word in told[pointer]


def test_all_faults_of_a_row_and_of_all_rows_are_told_at_once() -> None:
    told = flaws_of(split(list(GOOD), [["1", 1.5, 0], [1, "x", True], [None, "x", None]]))
    assert list(told) == [f"/input_data/data/{place}" for place in ("0/0", "0/1", "0/2", "2/0", "2/2")]


@pytest.mark.parametrize(
    "document",
    [
        split(list(GOOD), [["1", 1.5, 0]] * 5),
        {"dataframe_records": [{**GOOD, **{f"more{i}": 1 for i in range(300)}}] * 3},
        split([f"more{i}" for i in range(300)], [[1] * 300] * 3),
    ],
)
def test_faults_are_told_up_to_a_bound(document: Any) -> None:
    with pytest.raises(Refusal) as refused:
        ROWS.read(json.dumps(document).encode())
    shown = json.loads(refused.value.document())["errors"]
    assert len(shown) <= MOST_ERRORS
    assert len({error["pointer"] for error in shown}) == len(shown)


def test_a_wrong_column_of_a_split_is_told_once_and_not_for_each_row() -> None:
    assert list(flaws_of(split([*GOOD, "more"], [[1, "x", True, 1]] * 4))) == ["/input_data/columns/3"]


def test_a_name_that_is_too_long_to_repeat_is_left_off_the_pointer() -> None:
    assert flaws_of({"dataframe_records": [{**GOOD, "x" * 5000: 1}]}) == {
        "/dataframe_records/0": "the model has no such column"
    }


def test_more_rows_than_the_limit_are_413() -> None:
    assert flaws_of(split(list(GOOD), [[1, "x", True]] * 6), status=413) == {}


def test_a_model_of_a_single_column_is_served_too(
    body_of: Callable[[list[dict[str, Any]]], dict[str, Any]],
) -> None:
    rows = RowReader(Encoder((Feature("size", "number", True),)), ("id",), Limits())
    for records in ([{"size": 1}, {"size": None}], [{"size": 1, "id": "é"}, {"size": None, "id": 2}]):
        assert [row[0] for row in rows.read(json.dumps(body_of(records)).encode()).values] == [1.0, None]


def test_what_is_remembered_of_column_orders_is_bounded() -> None:
    from itertools import permutations

    from ml.serving.request import MOST_LAYOUTS

    features = tuple(Feature(name, "number", False) for name in "abcdef")
    rows = RowReader(Encoder(features), (), Limits())
    for order in permutations("abcdef"):
        body = json.dumps(split(order, [["abcdef".index(name) for name in order]]))
        assert rows.read(body.encode()).values == [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]
    assert len(rows._layouts) == MOST_LAYOUTS
