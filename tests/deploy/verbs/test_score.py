"""`mlops score` against a real endpoint with two deployments."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from deploy.context import Context
from deploy.platforms.protocol import Reply
from deploy.screen import Screen
from deploy.verbs import score
from deploy.verbs.score import answers, refusal, requests_in
from ml.fault import Fault

Stack = Any  # of conftest.py
DEV = ("--stack", "dev", "--data")


def fault_of(stack: Stack, *words: object) -> Fault:
    with pytest.raises(Fault) as caught:
        stack.run("score", *words)
    return caught.value


@pytest.fixture
def rows(stack: Stack, tmp_path: Path) -> Path:
    csv.write_csv(stack.rows, tmp_path / "rows.csv")
    return tmp_path / "rows.csv"


def with_text(rows: Path, row: int, column: int, text: str) -> None:
    """Changes a field; the header is row 1."""
    lines = rows.read_text(encoding="utf-8").splitlines()
    fields = lines[row - 1].split(",")
    fields[column] = text
    lines[row - 1] = ",".join(fields)
    rows.write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_rows_of_a_file_are_answered_by_the_named_deployment(
    served: Stack, expected: Callable[[int], list[float]], rows: Path, place: int, suffix: str
) -> None:
    pq.write_table(served.rows, rows.with_suffix(".parquet"))
    name = ("one", "two")[place]
    done = served.run("score", *DEV, rows.with_suffix(suffix), "--deployment", name)
    assert done.result["predictions"] == expected(place)
    assert {key: done.result[key] for key in ("requests", "rows", "deployments")} == {
        "requests": 3,
        "rows": 250,
        "deployments": {name: 250},
    }
    assert done.result["seconds"] > 0


def test_without_a_name_the_traffic_decides(
    served: Stack, expected: Callable[[int], list[float]], rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score, "ROWS_A_REQUEST", 5)
    result = served.run("score", *DEV, rows).result
    assert (result["requests"], sum(result["deployments"].values())) == (50, 250)
    assert result["deployments"]["two"] == pytest.approx(75, abs=10)
    for prediction, either in zip(result["predictions"], zip(expected(0), expected(1), strict=True), strict=True):
        assert prediction in either


def test_the_columns_are_those_of_the_model_that_is_asked(served: Stack) -> None:
    context = Context("local", Screen(), served.home)
    asked = [score.asked_model(context, "dev", "small-problem", name) for name in (None, "one", "two")]
    assert asked == [served.refs[0], served.refs[0], served.refs[1]]


def test_only_so_many_rows_are_sent(served: Stack, expected: Callable[[int], list[float]], rows: Path) -> None:
    done = served.run("score", *DEV, rows, "--rows", "103", "--deployment", "one")
    assert (done.result["predictions"], done.result["requests"]) == (expected(0)[:103], 2)
    assert done.lines[:2] == (str(expected(0)[0]), str(expected(0)[1]))
    assert done.lines[10].startswith("… and 93 more; ")
    assert done.lines[-1] == "103 rows in 2 requests, answered by one 103"


def test_of_very_many_rows_the_first_predictions_are_returned_and_all_are_counted(
    served: Stack, expected: Callable[[int], list[float]], rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score, "MOST_PREDICTIONS", 120)
    result = served.run("score", *DEV, rows, "--deployment", "one").result
    assert (result["predictions"], result["rows"]) == (expected(0)[:120], 250)


def test_a_request_has_the_features_and_what_the_file_has_of_the_columns_that_are_carried(
    stack: Stack, tmp_path: Path
) -> None:
    model = stack.platform.fetch(stack.refs[0])
    for dropped, columns in (([], ["amount", "kind of", "day", "key"]), (["key"], ["amount", "kind of", "day"])):
        pq.write_table(stack.rows.drop(["result", *dropped]), tmp_path / "rows.parquet")
        (request,) = requests_in(tmp_path / "rows.parquet", model, 2)
        split = json.loads(request.body)["input_data"]
        first = stack.rows.select(columns).slice(0, 1).to_pylist()[0]
        assert (split["columns"], split["index"]) == (columns, [0, 1])
        assert split["data"][0] == [v.isoformat() if hasattr(v, "isoformat") else v for v in first.values()]


@pytest.mark.parametrize("form", ["input_data", "dataframe_split"])
def test_a_json_file_is_sent_as_it_is(
    served: Stack, expected: Callable[[int], list[float]], tmp_path: Path, form: str
) -> None:
    (request,) = requests_in(write_parquet(served, tmp_path), served.platform.fetch(served.refs[0]), 7)
    split = json.loads(request.body)["input_data"]
    (tmp_path / "request.json").write_text(json.dumps({form: {"columns": split["columns"], "data": split["data"]}}))
    result = served.run("score", *DEV, tmp_path / "request.json", "--deployment", "two").result
    assert (result["predictions"], result["requests"], result["rows"]) == (expected(1)[:7], 1, 7)


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"{}", b"7", b""])
def test_an_answer_that_holds_no_predictions_is_told_with_its_beginning(body: bytes) -> None:
    with pytest.raises(Fault, match="no predictions") as told:
        answers(Reply(200, {}, body), lambda row, column: "rows.csv, row 1", "mlops status")
    assert body.decode() in told.value.message
    assert str(told.value).startswith("rows.csv, row 1: ")


@pytest.mark.parametrize("name", ["nope", "", "two lines\nof it"])
def test_a_json_file_is_sent_to_no_deployment_that_is_not_there(served: Stack, tmp_path: Path, name: str) -> None:
    (tmp_path / "request.json").write_text("{}")
    fault = fault_of(served, *DEV, tmp_path / "request.json", "--deployment", name)
    assert (fault.code, fault.where, fault.remedy) == (2, "--deployment", "there are: one, two")


def write_parquet(stack: Stack, folder: Path) -> Path:
    pq.write_table(stack.rows, folder / "rows.parquet")
    return folder / "rows.parquet"


def test_a_row_that_the_endpoint_refuses_is_told_with_its_place_in_the_file(served: Stack, rows: Path) -> None:
    with_text(rows, 152, 1, "")
    fault = fault_of(served, *DEV, rows)
    assert fault.where == f"{rows}, row 152, column `amount`"
    assert fault.message.startswith("the endpoint answers 422 Unprocessable")
    assert "/input_data/data/50/0: must be a number, not null" in fault.message
    assert fault.code == 2


def test_a_json_file_that_the_endpoint_refuses_is_told_with_all_its_errors(served: Stack, tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text('{"input_data": {"columns": ["amount"], "data": [[1]]}}')
    fault = fault_of(served, *DEV, path)
    assert fault.where == str(path)
    assert "/input_data/columns: the column `kind of` is missing" in fault.message
    assert "/input_data/columns: the column `day` is missing" in fault.message
    path.write_text("{")
    assert fault_of(served, *DEV, path).message.startswith("the endpoint answers 400 Bad Request: ")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"upstream timed out", "the endpoint answers 504 upstream timed out"),
        (b"", "the endpoint answers 504"),
        (b'{"title": "late", "detail": "try again"}', "the endpoint answers 504 late: try again"),
        (b'{"errors": 3}', "the endpoint answers 504 {"),
        (b"[1]", "the endpoint answers 504 [1]"),
    ],
)
def test_an_answer_that_is_no_problem_document_is_shown_too(body: bytes, message: str) -> None:
    fault = refusal(Reply(504, {}, body), lambda row, column: "rows.csv", "mlops status --stack dev")
    assert fault.message.startswith(message)
    assert (fault.code, fault.remedy) == (1, "`mlops status --stack dev` shows how it is")


def test_a_value_that_does_not_fit_is_told_before_it_is_sent(served: Stack, rows: Path) -> None:
    with_text(rows, 152, 1, "much")
    fault = fault_of(served, *DEV, rows)
    assert (fault.where, fault.message) == (f"{rows}, row 152, column `amount`", "'much' is not a number")


def test_what_cannot_be_sent_is_told(served: Stack, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{}")
    csv.write_csv(served.rows.slice(0, 0), tmp_path / "empty.csv")
    assert fault_of(served, *DEV, rows, "--rows", "0").message == "0 is no number of rows"
    assert fault_of(served, *DEV, tmp_path / "request.json", "--rows", "3").where == "--rows"
    assert fault_of(served, *DEV, tmp_path / "none.json").message == "there is no such file"
    assert fault_of(served, *DEV, tmp_path / "empty.csv").message == "there is no row to send"
    fault = fault_of(served, *DEV, rows, "--deployment", "three")
    assert (fault.message, fault.remedy) == ("dev small-problem has no deployment `three`", "there are: one, two")


def test_an_endpoint_that_is_down_is_told_in_one_line(served: Stack, rows: Path, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{}")
    served.platform.client("small-problem").stop()
    try:
        for path in (rows, tmp_path / "request.json"):
            fault = fault_of(served, *DEV, path)
            assert (fault.message, fault.code) == ("the endpoint is down", 1)
            assert "mlops release" in fault.remedy
    finally:
        served.platform.create_endpoint("small-problem")


def test_where_nothing_is_released_it_is_told(stack: Stack, rows: Path) -> None:
    fault = fault_of(stack, "--stack", "prod", "--data", rows)
    assert (fault.message, fault.remedy) == ("prod serves nothing", "mlops release small-problem --stack prod")
