from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.fault import INVALID_INPUT, Fault, from_json
from ml.metrics import Task
from ml.problem import Columns, Kind
from ml.raw.digest import digest
from ml.steps.ingest import facts, ingest

PROBLEM = """
name: orders
expected_output: x
task: regression
data: {path: data}
columns: {target: price, time: when, id: id, group: customer, features: {size: number, colour: category}}
split: {evaluation_days: 1}
success: {metric: mae, margin: 1}
"""
HEADER = "id,when,customer,size,colour,price\n"


def columns(**changes: object) -> Columns:
    features: dict[str, Kind] = {"size": "number", "colour": "category"}
    fields = {"target": "price", "time": "when", "id": "id", "group": "customer", "features": features}
    return Columns.model_validate({**fields, **changes})


def write(path: Path, *rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def fault_of(raw: Path, wanted: Columns | None = None, task: Task = "regression") -> Fault:
    with pytest.raises(Fault) as caught:
        ingest(wanted or columns(), task, raw)
    assert caught.value.code == INVALID_INPUT
    assert caught.value.remedy
    return caught.value


def test_the_rows_are_typed_as_the_problem_says(tmp_path: Path) -> None:
    raw = write(tmp_path / "a.csv", "7,2024-01-02,3,1.5,NA,10", "8,2024-01-01,4,NA,,-1e3")
    rows = ingest(columns(), "regression", raw).rows
    assert {field.name: field.type for field in rows.schema} == {
        "id": pa.string(),
        "when": pa.timestamp("us"),
        "customer": pa.string(),
        "size": pa.float64(),
        "colour": pa.string(),
        "price": pa.float64(),
    }
    assert rows.to_pylist() == [
        {"price": 10.0, "id": "7", "customer": "3", "when": dt.datetime(2024, 1, 2), "size": 1.5, "colour": "NA"},
        {"price": -1e3, "id": "8", "customer": "4", "when": dt.datetime(2024, 1, 1), "size": None, "colour": None},
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, None], ["0", "1"]),
        ([0.0, None, 1.0], ["0", "1"]),
        ([True, False, None], ["true", "false"]),
        (["a", "", "NA"], ["a", "NA"]),
        (["0", "NA", "1"], ["0", "1"]),
        ([dt.date(2024, 1, 1), None], ["2024-01-01"]),
    ],
)
def test_classes_of_any_type_are_text_and_rows_without_one_are_left_out(
    tmp_path: Path, values: list[object], expected: list[str]
) -> None:
    pq.write_table(pa.table({"x": list(range(len(values))), "y": values}), tmp_path / "a.parquet")
    ingested = ingest(Columns(target="y", features={"x": "number"}), "classification", tmp_path)
    assert ingested.rows["y"].to_pylist() == expected
    assert ingested.unlabelled == len(values) - len(expected)


def test_what_is_known_of_the_rows_is_counted_from_the_labelled_ones(tmp_path: Path) -> None:
    raw = write(tmp_path / "a.csv", "1,2024-01-02,c,,x,10", "2,2024-01-01,c,1,x,20", "3,2024-01-09,c,,x,NA")
    known = facts(ingest(columns(), "regression", raw), columns())
    assert len(known.pop("digest")) == 64
    assert known == {
        "rows": 2,
        "collected": 0,
        "unlabelled": 1,
        "missing": {"size": 1, "colour": 0},
        "from": "2024-01-01T00:00:00",
        "until": "2024-01-09T00:00:00",
        "newest_labelled": "2024-01-02T00:00:00",
    }


def test_the_same_rows_have_the_same_digest_as_csv_and_as_parquet(tmp_path: Path) -> None:
    one = write(tmp_path / "csv" / "a.csv", "1,2024-01-02,c,2,x,10", "2,2024-01-01,c,,x,20")
    times = [dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 1)]
    table = {"price": [10, 20], "colour": ["x", "x"], "size": [2.0, None], "id": [1, 2], "customer": ["c", "c"]}
    pq.write_table(pa.table({**table, "when": times}), tmp_path / "b.parquet")
    digests = {digest(ingest(columns(), "regression", raw).rows) for raw in (one, one.parent, tmp_path / "b.parquet")}
    assert len(digests) == 1


def test_a_new_file_in_the_folder_brings_its_rows(tmp_path: Path) -> None:
    write(tmp_path / "2024-01.csv", "1,2024-01-02,c,2,x,10")
    before = ingest(columns(), "regression", tmp_path).rows
    write(tmp_path / "2024-02.csv", "2,2024-02-02,c,2,x,10")
    after = ingest(columns(), "regression", tmp_path).rows
    assert after.slice(0, 1).equals(before)
    assert after["id"].to_pylist() == ["1", "2"]


@pytest.mark.parametrize(
    ("row", "where", "message"),
    [
        ("2,2024-01-01,c,big,x,1", "row 3, column `size`", "'big' is not a number"),
        ("2,2024-01-01,c,1,x,inf", "row 3, column `price`", "'inf' is not a finite number"),
        ("2,01/02/2024,c,1,x,1", "row 3, column `when`", "is not a date"),
        ("1,2024-01-01,c,1,x,1", "row 3, column `id`", "the id '1' stands already in"),
        (",2024-01-01,c,1,x,1", "row 3, column `id`", "the field is empty"),
        ("2,,c,1,x,1", "row 3, column `when`", "the field is empty"),
        ("2,2024-01-01,,1,x,1", "row 3, column `customer`", "the field is empty"),
        ("2,2024-01-01,c,1,x", "row 3", "the row has 5 fields"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_its_place(tmp_path: Path, row: str, where: str, message: str) -> None:
    raw = write(tmp_path / "a.csv", "1,2024-01-02,c,2,x,10", row)
    fault = fault_of(raw)
    assert fault.where == f"{raw}, {where}"
    assert message in fault.message


def test_a_repeated_id_names_both_rows_also_across_files(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "1,2024-01-02,c,2,x,10")
    second = write(tmp_path / "b.csv", "2,2024-01-02,c,2,x,10", "1,2024-01-02,c,2,x,10")
    fault = fault_of(tmp_path)
    assert fault.where == f"{second}, row 3, column `id`"
    assert f"{first}, row 2" in fault.message


def test_a_row_without_a_target_needs_no_key_and_may_repeat_one(tmp_path: Path) -> None:
    raw = write(tmp_path / "a.csv", "1,2024-01-02,c,2,x,10", "1,2024-01-02,c,2,x,", ",,,,,")
    assert ingest(columns(), "regression", raw).rows.num_rows == 1


def test_a_column_that_is_not_there_and_a_target_without_values_are_refused(tmp_path: Path) -> None:
    raw = write(tmp_path / "a.csv", "1,2024-01-02,c,2,x,")
    assert "no row has a value of the target" in fault_of(raw).message
    assert fault_of(raw, columns(target="prise")).remedy == "did you mean `price`?"


def collect(folder: Path, **values: list[object]) -> Path:
    folder.mkdir(exist_ok=True)
    rows = len(next(iter(values.values())))
    usual = {"id": "9", "when": dt.datetime(2024, 3, 1), "customer": "c", "size": 1.0, "colour": "x", "price": 5.0}
    table = {name: values.get(name, [value] * rows) for name, value in usual.items()}
    pq.write_table(pa.table({**table, "request_id": ["r"] * rows}), folder / "a.parquet")
    return folder


def test_collected_rows_come_below_the_raw_ones_and_known_ids_are_left_out(tmp_path: Path) -> None:
    raw = write(tmp_path / "a.csv", "1,2024-01-02,c,2,x,10", "2,2024-04-02,c,2,x,")
    collected = collect(tmp_path / "more", id=["3", "1", "3", "2"], price=[7.0, 8.0, 9.0, 10.0])
    ingested = ingest(columns(), "regression", raw, collected)
    assert list(zip(ingested.rows["id"].to_pylist(), ingested.rows["price"].to_pylist(), strict=True)) == [
        ("1", 10.0),
        ("3", 7.0),
        ("2", 10.0),
    ]
    assert (ingested.collected, ingested.unusable) == (2, 2)
    known = facts(ingested, columns())
    assert (known["newest_labelled"], known["until"]) == ("2024-03-01T00:00:00", "2024-04-02T00:00:00")


def test_a_collected_row_without_label_or_key_is_left_out(tmp_path: Path) -> None:
    raw = write(tmp_path / "a.csv", "1,2024-01-02,c,2,x,10")
    when = [dt.datetime(2024, 3, 1), None, dt.datetime(2024, 3, 1)]
    collected = collect(tmp_path / "more", id=["3", "4", "5"], price=[7.0, 8.0, None], when=when)
    ingested = ingest(columns(), "regression", raw, collected)
    assert ingested.rows["id"].to_pylist() == ["1", "3"]
    assert ingested.unusable == 2


def test_an_empty_folder_of_collected_rows_changes_nothing(tmp_path: Path) -> None:
    raw = write(tmp_path / "a.csv", "1,2024-01-02,c,2,x,10")
    (tmp_path / "more").mkdir()
    assert ingest(columns(), "regression", raw, tmp_path / "more").rows.num_rows == 1


def run(tmp_path: Path, raw: Path) -> subprocess.CompletedProcess[str]:
    (tmp_path / "orders.yaml").write_text(PROBLEM)
    words = ["--problem", tmp_path / "orders.yaml", "--raw", raw, "--rows", tmp_path / "out"]
    command = [sys.executable, "-m", "ml.steps.ingest", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_process_writes_rows_and_facts_and_tells_what_it_left_out(tmp_path: Path) -> None:
    done = run(tmp_path, write(tmp_path / "a.csv", "1,2024-01-02,c,2,x,10", "2,2024-04-02,c,2,x,"))
    assert done.returncode == 0
    assert done.stdout == "1 labelled rows, 0 of them collected\n"
    assert done.stderr == "left out: 1 rows without a value of `price`\n"
    rows = pq.read_table(tmp_path / "out" / "rows.parquet")
    known = json.loads((tmp_path / "out" / "data.json").read_text())
    assert known["digest"] == digest(rows)
    assert known["rows"] == rows.num_rows == 1


def test_a_fault_ends_the_process_with_one_line_and_nothing_written(tmp_path: Path) -> None:
    raw = write(tmp_path / "a.csv", "1,2024-01-02,c,2,x,ten")
    done = run(tmp_path, raw)
    fault = from_json(done.stderr)
    assert done.returncode == INVALID_INPUT
    assert fault is not None
    assert fault.where == f"{raw}, row 2, column `price`"
    assert not (tmp_path / "out").exists()
