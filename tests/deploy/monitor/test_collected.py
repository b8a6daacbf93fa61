"""Collected requests as typed rows: asked of the real scorer, kept by the real collector."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest

from deploy.monitor.asked import Asked, kinds, rows_schema
from deploy.monitor.collected import ROWS_A_BATCH, asked_of
from ml.fault import Fault
from ml.model.model import Model
from ml.serving.collection import Collected, read_collected
from ml.serving.collector import Collector
from ml.serving.scorer import Scorer
from ml.serving.served import Served


@pytest.fixture(scope="module")
def model(learnt) -> Model:
    return Model.load(learnt.model)


@pytest.fixture(scope="module")
def july(flights) -> pa.Table:
    return flights.between("2013-07-01", "2013-07-04").slice(0, 500)


@pytest.fixture(scope="module")
def collected(model, july, tmp_path_factory) -> Asked:
    """July's flights after requests of one row and of several have been answered and collected."""
    folder = tmp_path_factory.mktemp("collected")
    scorer, served = Scorer(model), Served("green", "flight-delay", "3", "sha256-abc")
    collector = Collector(folder, served)
    names, rows = list(kinds(model)), july.select(list(kinds(model))).to_pylist()
    for number, start in enumerate(range(0, len(rows), 3)):
        data = [list(row.values()) for row in rows[start : start + 3]]
        request = {"input_data": {"columns": names, "index": list(range(len(data))), "data": data}}
        body = json.dumps(request, default=lambda moment: moment.isoformat()).encode()
        answer = scorer.score(body)
        assert answer.status == 200, answer.body
        collector.offer(f"request-{number}", body, answer.body)
    collector.close()
    return asked_of(read_collected(folder), model)


def record(rows: list[dict], answers: list, **others) -> Collected:
    """A collected request."""
    named = {"request_id": "a", "time": dt.datetime(2013, 7, 1, tzinfo=dt.UTC), "deployment": "blue"}
    return Collected(**{**named, "model": "m:1", "digest": "d", "rows": rows, "answers": answers, **others})


def test_rows_that_were_answered_come_back_as_they_were_asked(collected, july, model):
    assert collected.rows.schema == rows_schema(model)
    assert collected.rows == july.select(list(kinds(model))).cast(rows_schema(model))


def test_what_is_known_of_each_row_stands_beside_it(collected):
    first, *_, last = collected.about.to_pylist()
    assert (first["request_id"], first["row"], first["deployment"], first["digest"]) == (
        "request-0", 0, "green", "sha256-abc",
    )  # fmt: skip
    assert (last["request_id"], last["row"]) == ("request-166", 1)
    assert abs(first["collected_at"] - dt.datetime.now(dt.UTC).replace(tzinfo=None)) < dt.timedelta(minutes=5)


def test_answers_are_what_the_model_says_offline(collected, model):
    np.testing.assert_allclose(collected.outputs(model), model.outputs(collected.rows))


def test_a_window_is_by_the_time_that_requests_carry(collected):
    day = collected.between("scheduled_departure", dt.datetime(2013, 7, 1), dt.datetime(2013, 7, 1, 8))
    times = day.times("scheduled_departure")
    assert 0 < len(times) < collected.rows.num_rows
    assert times.max() < np.datetime64("2013-07-01T08")
    assert len(day.answers) == day.about.num_rows == len(times)
    assert collected.between("scheduled_departure", None, dt.datetime(2013, 6, 30)).rows.num_rows == 0


def test_the_end_of_a_window_is_outside_and_its_start_inside(collected):
    first = collected.times("scheduled_departure").min().item()
    assert collected.between("scheduled_departure", first, None).rows.num_rows == collected.rows.num_rows
    assert collected.between("scheduled_departure", None, first).rows.num_rows == 0


def test_a_moment_with_an_offset_is_meant_in_utc(collected):
    bound = dt.datetime(2013, 7, 1, 10, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert (
        collected.between("scheduled_departure", None, bound).rows
        == collected.between("scheduled_departure", None, dt.datetime(2013, 7, 1, 8)).rows
    )


def test_a_row_that_does_not_carry_its_time_counts_by_its_collection(model, july):
    row = july.slice(0, 1).select([feature.name for feature in model.encoder.features]).to_pylist()[0]
    asked = asked_of([record([row], [1.0])], model)
    assert asked.rows.column("scheduled_departure").to_pylist() == [None]
    assert asked.times("scheduled_departure")[0] == np.datetime64("2013-07-01")


def test_the_answers_of_one_model_can_be_kept_apart(model):
    records = [record([{}], [1.0], digest="old"), record([{}, {}], [2.0, 3.0], digest="new")]
    assert asked_of(records, model, digest="new").answers == (2.0, 3.0)
    assert asked_of(records, model).rows.num_rows == 3


def test_values_of_another_kind_and_absent_columns_are_missing_and_not_an_error(model):
    row = {
        "departure_delay": "late",
        "carrier": 7,
        "distance": True,
        "weekday": 3,
        "scheduled_departure": "soon",
    }
    (typed,) = asked_of([record([row], [1.0])], model).rows.to_pylist()
    assert (typed["departure_delay"], typed["distance"], typed["scheduled_departure"]) == (None, None, None)
    assert (typed["carrier"], typed["weekday"], typed["pressure"]) == ("7", 3.0, None)


@pytest.mark.parametrize(("given", "text"), [(4711, "4711"), (4711.0, "4711"), ("a", "a"), (None, None)])
def test_an_id_is_text_as_a_file_of_labels_has_it(model, given, text):
    asked = asked_of([record([{"flight_id": given}], [1.0])], model)
    assert asked.rows.column("flight_id").to_pylist() == [text]


def test_many_rows_are_one_table_and_none_are_an_empty_one(model):
    rows = [{"distance": float(k)} for k in range(1_000)]
    many = asked_of((record(rows, [0.0] * 1_000) for _ in range(ROWS_A_BATCH // 1_000 + 1)), model)
    assert many.rows.num_rows == many.about.num_rows == len(many.answers) > ROWS_A_BATCH
    assert asked_of([], model).rows.schema == rows_schema(model)


def test_a_request_with_fewer_answers_than_rows_is_refused(model):
    with pytest.raises(Fault, match="request a has 2 rows and 1 answers"):
        asked_of([record([{}, {}], [1.0])], model)


def test_answers_of_another_kind_of_model_are_refused(model):
    with pytest.raises(Fault, match="an answer is no number"):
        asked_of([record([{}], ["late"])], model).outputs(model)
