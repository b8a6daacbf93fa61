import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.gate.scored import Levels, read_scored
from ml.fault import Fault

MEASURES = {
    "metrics": {"mae": 1.5, "r2": None},
    "dummy_metrics": {"mae": 3},
    "latency_ms": 0.4,
    "size_mb": 1.2,
    "parity": 0.0,
    "importance": {"x": 1.0},
    "classes": [],
    "model_digest": "a" * 64,
    "data_digest": "b" * 64,
}


def columns():
    days = [dt.datetime(2013, 5, day) for day in (1, 2, 3)]
    return {
        "key": ["x", "y", "z"],
        "target": [1.0, 2.0, 3.0],
        "output_0": pa.array([1.5, None, 3.5], pa.float64()),
        "slice:carrier": ["AA", None, "AA"],
        "time": pa.array(days, pa.timestamp("us")),
        "group": ["g", "g", "h"],
    }


def write(folder, table=None, measures=None):
    pq.write_table(pa.table(columns() if table is None else table), folder / "predictions.parquet")
    (folder / "measures.json").write_text(json.dumps(MEASURES if measures is None else measures), "utf-8")
    return folder


def test_the_files_of_an_evaluation_are_read_whole(tmp_path):
    scored = read_scored(write(tmp_path))

    assert scored.keys.tolist() == ["x", "y", "z"]
    assert scored.target.tolist() == [1.0, 2.0, 3.0]
    assert scored.outputs == pytest.approx([1.5, np.nan, 3.5], nan_ok=True)
    assert scored.time.tolist() == columns()["time"].to_pylist()
    assert scored.slices["carrier"].present() == {"AA", "(missing)"}
    assert scored.slices["carrier"].names[scored.slices["carrier"].codes[1]] == "(missing)"
    assert scored.group.codes.tolist() == [0, 0, 1]
    assert scored.measures.metrics == {"mae": 1.5, "r2": None}
    assert scored.measures.dummy_metrics == {"mae": 3.0}
    assert (scored.measures.latency_ms, scored.measures.model_digest) == (0.4, "a" * 64)


def test_a_classifiers_probabilities_are_read_as_a_row_each(tmp_path):
    table = {"key": ["x", "y"], "target": [0, 1], "output_0": [0.75, 0.5], "output_1": [0.25, 0.5]}

    scored = read_scored(write(tmp_path, table, {**MEASURES, "classes": ["no", "yes"]}))

    assert scored.outputs.tolist() == [[0.75, 0.25], [0.5, 0.5]]
    assert scored.measures.classes == ("no", "yes")


def test_a_number_that_was_not_measured_is_none(tmp_path):
    measures = {key: value for key, value in MEASURES.items() if key not in ("latency_ms", "parity")}

    scored = read_scored(write(tmp_path, measures=measures))

    assert (scored.measures.latency_ms, scored.measures.parity) == (None, None)


@pytest.mark.parametrize("missing", ["predictions.parquet", "measures.json"])
def test_an_absent_file_is_named(tmp_path, missing):
    write(tmp_path)
    (tmp_path / missing).unlink()

    with pytest.raises(Fault) as caught:
        read_scored(tmp_path)

    assert missing in caught.value.where
    assert caught.value.code == 2


@pytest.mark.parametrize("missing", ["key", "target", "output_0"])
def test_an_absent_column_is_named(tmp_path, missing):
    table = {name: values for name, values in columns().items() if name != missing}

    with pytest.raises(Fault, match=missing):
        read_scored(write(tmp_path, table))


@pytest.mark.parametrize("missing", ["metrics", "dummy_metrics", "model_digest", "data_digest"])
def test_an_absent_measure_is_named(tmp_path, missing):
    measures = {name: value for name, value in MEASURES.items() if name != missing}

    with pytest.raises(Fault, match=missing):
        read_scored(write(tmp_path, measures=measures))


@pytest.mark.parametrize("wrong", [{"size_mb": "small"}, {"metrics": {"mae": True}}, {"metrics": [1]}, []])
def test_measures_of_another_type_are_refused(tmp_path, wrong):
    measures = {**MEASURES, **wrong} if isinstance(wrong, dict) else wrong

    with pytest.raises(Fault, match="not what `evaluate` writes"):
        read_scored(write(tmp_path, measures=measures))


def test_text_in_place_of_numbers_is_refused(tmp_path):
    with pytest.raises(Fault) as caught:
        read_scored(write(tmp_path, {**columns(), "output_0": ["one", "two", "three"]}))

    assert caught.value.where.endswith("predictions.parquet")


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    write(tmp_path)
    (tmp_path / "predictions.parquet").write_bytes(b"no parquet")

    with pytest.raises(Fault, match=r"(?i)parquet"):
        read_scored(tmp_path)


def test_columns_of_different_lengths_are_refused(scored):
    with pytest.raises(Fault, match="slice `origin` has 1 rows, the keys have 2"):
        scored([1.0, 2.0], [1.0, 2.0], slices={"origin": ["a"]})


def test_levels_are_the_distinct_values_in_order():
    levels = Levels.of(["b", None, "a", "b"])

    assert levels.names == ("(missing)", "a", "b")
    assert levels.codes.tolist() == [2, 0, 1, 2]
