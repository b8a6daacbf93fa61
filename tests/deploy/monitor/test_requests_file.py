"""A file of requests as rows that were asked."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from deploy.monitor.asked import about_schema, kinds, rows_schema
from deploy.monitor.requests_file import asked_in
from ml.fault import Fault
from ml.model.model import Model


@pytest.fixture(scope="module")
def model(learnt) -> Model:
    return Model.load(learnt.model)


@pytest.fixture(scope="module")
def rows(flights) -> pa.Table:
    return flights.between("2013-07-01", "2013-07-02").slice(0, 300)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_gives_the_rows_and_the_model_the_answers(model, rows, tmp_path, suffix):
    path = tmp_path / f"requests.{suffix}"
    (pyarrow.csv.write_csv if suffix == "csv" else pq.write_table)(rows, path)
    asked = asked_in(path, model)
    assert asked.rows == rows.select(list(kinds(model))).cast(rows_schema(model))
    assert asked.about.schema == about_schema()
    assert asked.answers is None
    np.testing.assert_allclose(asked.outputs(model), model.outputs(rows))


def test_columns_that_requests_need_not_carry_may_be_absent_and_an_id_of_the_request_is_kept(model, rows, tmp_path):
    named = rows.select([feature.name for feature in model.encoder.features])
    named = named.append_column("request_id", pa.array([f"q{k}" for k in range(300)]))
    pq.write_table(named, tmp_path / "requests.parquet")
    asked = asked_in(tmp_path / "requests.parquet", model)
    assert asked.rows.column("flight_id").null_count == 300
    assert np.isnat(asked.times("scheduled_departure")).all()
    assert asked.about.column("request_id").to_pylist()[-1] == "q299"
    assert asked.about.column("row").to_pylist() == [0] * 300


def test_an_absent_feature_is_named(model, rows, tmp_path):
    pq.write_table(rows.drop_columns(["pressure"]), tmp_path / "requests.parquet")
    with pytest.raises(Fault, match="there is no column `pressure`"):
        asked_in(tmp_path / "requests.parquet", model)
