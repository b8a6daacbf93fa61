"""The answers beside the offline outputs, and no body that makes the server fail."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.model.model import Model
from ml.serving.request import Limits
from ml.serving.scorer import Scorer

Records = list[dict[str, Any]]
MODELS = ("regression", "binary", "three", "three-labels", "sklearn")


def answered(scorer: Scorer, body: Any) -> Any:
    answer = scorer.score(json.dumps(body).encode())
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def predictions(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else answer["predictions"]


@pytest.mark.parametrize("name", MODELS)
def test_many_rows_are_answered_as_offline_in_every_format(
    scorers: dict[str, Scorer],
    name: str,
    table: pa.Table,
    records: Records,
    body_of: Callable[[Records], Any],
) -> None:
    model = scorers[name].model
    offline = model.answers(model.estimator.predict(model.encoder.encode(table)))
    assert predictions(answered(scorers[name], body_of(records))) == offline


@pytest.mark.parametrize("name", MODELS)
def test_a_row_alone_is_answered_as_among_others(
    scorers: dict[str, Scorer],
    name: str,
    table: pa.Table,
    records: Records,
    body_of: Callable[[Records], Any],
) -> None:
    # A matrix product of BLAS rounds by the number of rows; LightGBM adds its trees alike for one and many.
    within = 1e-12 if name == "sklearn" else 0.0
    offline = scorers[name].model.outputs(table.slice(0, 40))
    many = predictions(answered(scorers[name], body_of(records[:40])))
    for place in range(0, 40, 3):
        body = body_of(records[place : place + 1])
        alone = scorers[name].outputs(json.dumps(body).encode())
        np.testing.assert_allclose(alone, offline[place : place + 1], rtol=within, atol=0)
        ((said,), told) = predictions(answered(scorers[name], body)), many[place]
        assert said == told if isinstance(said, str) else np.allclose(said, told, rtol=within, atol=0)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (("0", "1"), {0, 1}),
        (("-3", "12"), {-3, 12}),
        (("false", "true"), {False, True}),
        (("007", "1"), {"007", "1"}),
        (("no", "1"), {"no", "1"}),
        (("1.5", "2"), {"1.5", "2"}),
        (("True", "False"), {"True", "False"}),
    ],
)
def test_classes_are_answered_as_they_were_in_the_data(
    scorers: dict[str, Scorer], records: Records, classes: tuple[str, ...], said: set[object]
) -> None:
    model = scorers["binary"].model
    scorer = Scorer(replace(model, card=replace(model.card, classes=classes)))
    many = predictions(answered(scorer, {"inputs": records}))
    assert {(type(one), one) for one in many} == {(type(one), one) for one in said}
    assert predictions(answered(scorer, {"inputs": records[:1]})) == many[:1]


def test_the_outputs_are_lightgbms_own(
    folders: dict[str, Path], scorer: Scorer, table: pa.Table, records: Records
) -> None:
    package = lightgbm.Booster(model_file=str(folders["regression"] / "booster.txt"))
    expected = package.predict(scorer.model.encoder.encode(table))
    assert answered(
        scorer, {"input_data": {"columns": list(records[0]), "data": [list(r.values()) for r in records]}}
    ) == (expected.tolist())
    assert [answered(scorer, {"dataframe_records": [r]})["predictions"][0] for r in records[:20]] == list(expected[:20])


@pytest.mark.parametrize("member", ["input_data", "dataframe_split"])
def test_azure_gets_a_bare_list_and_mlflow_an_object(scorer: Scorer, records: Records, member: str) -> None:
    answer = answered(scorer, {member: {"columns": list(records[0]), "data": [list(records[0].values())]}})
    assert isinstance(answer, list if member == "input_data" else dict)


def test_an_unseen_category_is_answered_as_a_missing_one(scorer: Scorer, records: Records) -> None:
    unseen, missing = ({**records[0], "Flughafen Zürich": value} for value in ("Łódź", None))
    assert answered(scorer, {"inputs": [unseen]}) == answered(scorer, {"inputs": [missing]})


def test_carried_columns_change_nothing(scorer: Scorer, records: Records) -> None:
    carried = [{"crew": [1.5, "x", None, True][i % 4], **row, "flight_id": i} for i, row in enumerate(records)]
    assert answered(scorer, {"inputs": carried}) == answered(scorer, {"inputs": records})


def test_an_offset_is_brought_to_utc_before_the_hour_is_taken(scorer: Scorer, records: Records) -> None:
    here, there = ({**records[0], "departure": text} for text in ("2013-05-31T22:30:00", "2013-06-01T00:30:00+02:00"))
    assert answered(scorer, {"inputs": [here]}) == answered(scorer, {"inputs": [there]})


class _Broken:
    """An estimator whose numbers are no use."""

    def __init__(self, number: float) -> None:
        self.number = number

    def predict(self, matrix: Any) -> Any:
        return np.where(np.arange(len(matrix)) == 1, self.number, 0.0)

    def predict_row(self, row: Any) -> Any:
        return np.array([self.number])


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("count", [1, 3])
def test_an_output_that_is_not_finite_is_a_problem_document(
    scorer: Scorer, records: Records, number: float, count: int
) -> None:
    broken = Scorer(Model(scorer.model.card, scorer.model.encoder, _Broken(number)))
    answer = broken.score(json.dumps({"inputs": records[:count]}).encode())
    assert (answer.status, answer.media) == (500, b"application/problem+json")
    assert "finite" in json.loads(answer.body)["detail"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (b"application/json", 200),
        (b"application/json; charset=utf-8", 200),
        (b'Application/JSON;charset="UTF-8"', 200),
        (b"", 415),
        (b"text/json", 415),
        (b"application/json; charset=latin-1", 415),
        (b"application/jsonp", 415),
        (b"application/x-www-form-urlencoded", 415),
        (b"application/problem+json", 415),
        (b"\xff;;==", 415),
    ],
)
def test_only_json_in_utf_8_is_taken(scorer: Scorer, records: Records, content_type: bytes, status: int) -> None:
    assert scorer.score(json.dumps({"inputs": records[:1]}).encode(), content_type).status == status


def test_a_body_beyond_the_limit_is_413_and_not_parsed(scorer: Scorer) -> None:
    small = Scorer(scorer.model, Limits(body=10))
    assert small.score(b"{" * 11).status == 413
    assert small.score(b"{" * 10).status == 400


def test_a_value_is_never_repeated(scorer: Scorer, records: Records) -> None:
    secret = "AC32-private"
    bad = dict.fromkeys(records[0], secret)
    for body in ({"inputs": [bad]}, {"inputs": [{**bad, "distance": [secret]}]}, {"input_data": secret}):
        answer = scorer.score(json.dumps(body).encode())
        assert answer.status == 422
        assert secret.encode() not in answer.body
    assert secret.encode() not in scorer.score(f'{{"inputs": "{secret}'.encode()).body


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
VALUES = st.sampled_from([1, 1.5, "C1", "2013-06-01", True, None]) | ANY_JSON
QUIET = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def require_sound(scorer: Scorer, body: bytes) -> None:
    """An answer in JSON, with a finite number a row or a refusal, whatever was asked."""
    answer = scorer.score(body)
    assert answer.status in (200, 400, 413, 422), answer
    content = json.loads(answer.body, parse_constant=lambda text: pytest.fail(text))
    if answer.status == 200:
        assert predictions(content)
        assert all(math.isfinite(value) for value in predictions(content))
    else:
        assert len(content.get("errors", [])) <= 20
        assert content["status"] == answer.status


@given(st.binary(max_size=200))
@QUIET
def test_no_bytes_make_the_server_fail(scorer: Scorer, body: bytes) -> None:
    require_sound(scorer, body)


@given(ANY_JSON, st.sampled_from(["input_data", "dataframe_split", "dataframe_records", "inputs", "x"]))
@QUIET
def test_no_json_makes_the_server_fail(scorer: Scorer, content: Any, member: str) -> None:
    require_sound(scorer, json.dumps({member: content}).encode())


@given(st.data())
@settings(QUIET, max_examples=40)  # in each format
def test_no_value_or_column_makes_the_server_fail(
    scorer: Scorer, records: Records, body_of: Callable[[Records], Any], data: st.DataObject
) -> None:
    names = [*records[0], "flight_id", "more"]
    changes = data.draw(st.lists(st.dictionaries(st.sampled_from(names), VALUES, max_size=3), min_size=1, max_size=3))
    rows = [{**row, **changed} for row, changed in zip(records, changes, strict=False)]
    for row in rows:
        row.pop(data.draw(st.sampled_from(["more", "distance"])), None)
    try:
        body = body_of(rows)
    except KeyError:  # the column formats need the same columns in every row
        return
    require_sound(scorer, json.dumps(body).encode())
