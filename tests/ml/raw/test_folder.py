from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.fault import INVALID_INPUT, Fault
from ml.raw.folder import open_raw


def fault_of(path: Path) -> Fault:
    with pytest.raises(Fault) as caught:
        open_raw(path)
    assert caught.value.code == INVALID_INPUT
    assert caught.value.remedy
    return caught.value


def test_all_files_of_a_folder_are_read_in_the_order_of_their_paths(tmp_path: Path) -> None:
    (tmp_path / "2024").mkdir()
    (tmp_path / "2024" / "b.csv").write_text("x,y\n3,4\n")
    (tmp_path / "2023.csv").write_text("y,x\n2,1\n")
    pq.write_table(pa.table({"x": [5], "y": [6]}), tmp_path / "z.parquet")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".DS_Store").write_text("")
    raw = open_raw(tmp_path)
    assert [file.path.name for file in raw.files] == ["2023.csv", "b.csv", "z.parquet"]
    assert raw.columns == ("y", "x")
    assert [list(rows.to_pylist()[0].values()) for _, rows in raw.batches(["x", "y"])] == [
        ["1", "2"],
        ["3", "4"],
        [5, 6],
    ]


def test_a_parquet_file_is_known_by_its_content(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [5]}), tmp_path / "rows.csv")
    assert [rows.to_pylist() for _, rows in open_raw(tmp_path / "rows.csv").batches(["x"])] == [[{"x": 5}]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.xlsx", b"PK\x03\x04...", "an Excel workbook or a zip archive"),
        ("rows.csv.gz", b"\x1f\x8b\x08...", "compressed with gzip"),
        ("rows.parquet", b"a,b\n1,2\n", "the Parquet file cannot be read"),
        ("rows.parquet", b"PAR1 cut off", "the Parquet file cannot be read"),
    ],
)
def test_a_file_of_another_format_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    fault = fault_of(tmp_path / name)
    assert message in fault.message
    assert fault.where == str(tmp_path / name)


def test_a_parquet_file_that_is_damaged_inside_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"x": list(range(10_000))}), path)
    content = bytearray(path.read_bytes())
    content[4:64] = b"\xff" * 60  # the first page's header
    path.write_bytes(content)
    with pytest.raises(Fault, match="the Parquet file cannot be read"):
        list(open_raw(path).batches(["x"]))


def test_two_columns_of_one_name_in_a_parquet_file_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"]), tmp_path / "rows.parquet")
    assert "two columns are named `x`" in fault_of(tmp_path / "rows.parquet").message


def test_a_path_that_is_not_there_and_a_folder_without_rows_are_refused(tmp_path: Path) -> None:
    assert "no such file" in fault_of(tmp_path / "nowhere").message
    assert "no CSV or Parquet file" in fault_of(tmp_path).message
    (tmp_path / "notes.docx").write_text("")
    assert fault_of(tmp_path).where == str(tmp_path / "notes.docx")


@pytest.mark.parametrize(
    ("header", "message"), [("x\n", "column `y` of a.csv is missing"), ("x,y,z\n", "`z` is not in a.csv")]
)
def test_files_of_a_folder_have_the_same_columns(tmp_path: Path, header: str, message: str) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text(header)
    fault = fault_of(tmp_path)
    assert message in fault.message
    assert fault.where == str(tmp_path / "b.csv")


@pytest.mark.parametrize(
    ("asked", "remedy"),
    [("Pirce", "did you mean `price`?"), ("price ", "did you mean `price`?"), ("colour", "there are `price`, `größe`")],
)
def test_a_column_that_is_not_there_is_answered_with_the_likely_one(tmp_path: Path, asked: str, remedy: str) -> None:
    (tmp_path / "a.csv").write_text("price,größe\n1,2\n", encoding="utf-8")
    with pytest.raises(Fault) as caught:
        open_raw(tmp_path).require(asked, "--target")
    assert caught.value.remedy == remedy
    assert caught.value.message == f"--target: there is no column `{asked}`"
