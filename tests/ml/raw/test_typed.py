from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.fault import Fault
from ml.raw.folder import open_raw
from ml.raw.typed import Reading, read_typed

READINGS: dict[str, Reading] = {"n": "number", "c": "category", "b": "boolean", "d": "date", "t": "label"}


def fault_of(path: Path, readings: dict[str, Reading]) -> Fault:
    with pytest.raises(Fault) as caught:
        read_typed(open_raw(path), readings)
    assert "\n" not in str(caught.value)
    return caught.value


def test_each_column_gets_the_type_of_its_kind(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("unread,n,c,b,d,t\nx,1,NA,yes,31.12.2013,NA\nx,NA,,no,,1\n")
    rows = read_typed(open_raw(tmp_path), READINGS).rows
    assert rows.schema.names == list(READINGS)
    assert rows.schema.types == [pa.float64(), pa.string(), pa.bool_(), pa.timestamp("us"), pa.string()]
    assert rows.to_pylist() == [
        {"n": 1.0, "c": "NA", "b": True, "d": dt.datetime(2013, 12, 31), "t": None},
        {"n": None, "c": None, "b": False, "d": None, "t": "1"},
    ]


def test_files_of_different_formats_make_one_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n,c,b,d,t\n1,7,yes,2013-12-31,1\n")
    typed = {"n": [2], "c": [7.0], "b": [False], "d": [dt.date(2014, 1, 1)], "t": [0]}
    pq.write_table(pa.table(typed), tmp_path / "b.parquet")
    assert read_typed(open_raw(tmp_path), READINGS).rows.to_pylist() == [
        {"n": 1.0, "c": "7", "b": True, "d": dt.datetime(2013, 12, 31), "t": "1"},
        {"n": 2.0, "c": "7", "b": False, "d": dt.datetime(2014, 1, 1), "t": "0"},
    ]


@pytest.mark.parametrize(
    ("cell", "reading", "where"),
    [
        ("x", "number", "b.csv, row 3, column `v`"),
        ("x", "boolean", "b.csv, row 3, column `v`"),
        ("x", "date", "b.csv, row 3, column `v`"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_file_row_and_column(
    tmp_path: Path, cell: str, reading: Reading, where: str
) -> None:
    fitting = {"number": "1", "boolean": "yes", "date": "2013-01-01"}[reading]
    (tmp_path / "a.csv").write_text(f"k,v\n1,{fitting}\n2,{fitting}\n")
    (tmp_path / "b.csv").write_text(f"k,v\n1,{fitting}\n2,{cell}\n")
    fault = fault_of(tmp_path, {"v": reading})
    assert fault.where == f"{tmp_path}/{where}"
    assert f"{cell!r}" in fault.message
    assert fault.remedy


def test_the_row_of_a_parquet_file_counts_from_one(tmp_path: Path) -> None:
    pq.write_table(pa.table({"v": ["1", "x"]}), tmp_path / "a.parquet")
    assert fault_of(tmp_path, {"v": "number"}).where == f"{tmp_path}/a.parquet, row 2, column `v`"


def test_a_type_that_no_kind_holds_is_told_without_a_row(tmp_path: Path) -> None:
    pq.write_table(pa.table({"v": [[1, 2]]}), tmp_path / "a.parquet")
    assert fault_of(tmp_path, {"v": "category"}).where == f"{tmp_path}/a.parquet, column `v`"


def test_a_header_without_rows_is_refused_but_one_file_of_many_may_be_empty(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("v\n")
    assert "no row below the header" in fault_of(tmp_path, {"v": "number"}).message
    (tmp_path / "b.csv").write_text("v\n1\n")
    assert read_typed(open_raw(tmp_path), {"v": "number"}).rows.num_rows == 1


def test_a_row_knows_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("v\n1\n\n2\n")
    (tmp_path / "b.csv").write_text("v\n3\n")
    typed = read_typed(open_raw(tmp_path), {"v": "number"})
    assert [typed.place(row) for row in range(3)] == [
        f"{tmp_path}/a.csv, row 2",
        f"{tmp_path}/a.csv, row 4",
        f"{tmp_path}/b.csv, row 2",
    ]
