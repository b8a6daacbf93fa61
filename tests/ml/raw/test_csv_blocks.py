"""Blocks beside the reader of all files, and beside Python's own reader of CSV."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.fault import Fault
from ml.raw import csv_blocks
from ml.raw.cells import numbers, texts
from ml.raw.csv_blocks import Block, plain_blocks
from ml.raw.csv_file import CsvFile
from ml.raw.folder import open_raw
from ml.raw.stream import pieces

# What confuses a reader of lines: quotes, both line breaks, empty fields and lines, characters of many bytes.
MARKS = ["a", "bc", "ä€", '"', '""', '"x\n"', ",", ",", "\n", "\n", "\r\n", "\r", " ", "\ufeff", "1,2\n"]
heads = st.sampled_from(["l,r\n", "\nl,r\n", '"l\n",r\n', "l,r\r\n", "l,r", "\r\rl,r\n"])
SPELT = [
    "1",
    "-0.5",
    "1e3",
    " 7 ",
    "",
    "NA",
    "nan",
    "none",
    "inf",
    "1,5",
    "1e999",
    "0x1",
    "+1",
    "١",
    "9007199254740993",
]
Rows = list[list[str]]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file has several, and lines that are longer than one."""
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 8)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def in_pieces(path: Path) -> tuple[Rows, list[str | None]]:
    """The rows of a file, and for each its line where it is in a block."""
    raw = open_raw(path)
    rows: Rows = []
    lines: list[str | None] = []
    for piece in pieces(raw, 2):
        block = isinstance(piece, Block)
        table = piece.rows(raw.columns, ()) if isinstance(piece, Block) else piece.rows
        assert piece.first == len(rows)
        rows += [[*row.values()] for row in table.to_pylist()]
        lines += [text[1:] for text in piece.lines.to_pylist()] if block else [None] * table.num_rows
    return rows, lines


def as_a_whole(path: Path) -> Rows:
    """The rows as the reader of all files has them."""
    raw = open_raw(path)
    return [[*row.values()] for _, batch in raw.batches(raw.columns) for row in batch.to_pylist()]


def result_of(read: object, path: Path) -> object:
    """What a reading gives, or the fault as it is told."""
    try:
        return read(path)  # type: ignore[operator]
    except Fault as fault:
        return str(fault)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(st.lists(st.sampled_from(MARKS), max_size=14).map("".join), heads)
def test_a_file_in_pieces_is_the_file_as_a_whole_and_a_line_is_its_row(tmp_path: Path, body: str, head: str) -> None:
    path = written(tmp_path / "any.csv", head + body)
    found, whole = result_of(in_pieces, path), result_of(as_a_whole, path)
    if not isinstance(found, tuple):
        assert found == whole
        return
    rows, lines = found
    assert rows == whole
    for row, line in zip(rows, lines, strict=True):
        assert line is None or line == ",".join(row)
        assert line is None or next(csv.reader([line])) == row


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("head", ["l,r\n", '"l","r"\n', "\n\nl,r\n", "\ufeffl,r\n"])
def test_plain_lines_are_in_blocks(tmp_path: Path, head: str, end: str) -> None:
    lines = ["1.50,ä", ",", "007, x", "1e5,'€'", "-0,"]
    assert in_pieces(written(tmp_path / "plain.csv", head + "\n".join(lines) + end))[1] == lines


@pytest.mark.parametrize("other", ['"3",c', '"a\n",c', "\n3,c", "3,c\r", "3,of more bytes than two blocks hold"])
def test_from_the_block_on_that_is_not_plain_there_are_none(tmp_path: Path, other: str) -> None:
    rows, lines = in_pieces(written(tmp_path / "mixed.csv", f"l,r\n1,a\n2,b\n{other}\n4,d\n5,e\n"))
    assert len(rows) == 5
    assert lines == ["1,a", "2,b", None, None, None]


def test_bytes_that_are_no_text_are_left_to_the_reader_that_tells_where(tmp_path: Path) -> None:
    path = tmp_path / "latin1.csv"
    path.write_bytes(b"l,r\n1,a\n2,\xe4\n")
    with pytest.raises(Fault, match="byte 0xe4 is not UTF-8") as caught:
        in_pieces(path)
    assert caught.value.where.startswith(f"{path}, row 3")


def test_each_file_of_a_folder_begins_anew(tmp_path: Path) -> None:
    for name, body in {"1.csv": "1,a\n", "2.csv": '2,"b"\n', "3.csv": "3,c\n4,d"}.items():
        written(tmp_path / name, "l,r\n" + body)
    found = {piece.file.path.name: isinstance(piece, Block) for piece in pieces(open_raw(tmp_path), 2)}
    assert found == {"1.csv": True, "2.csv": False, "3.csv": True}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.lists(st.sampled_from(SPELT) | st.floats().map(repr), min_size=1, max_size=6))
def test_numbers_are_the_ones_that_their_texts_are(tmp_path: Path, fields: list[str]) -> None:
    """Read at once or as text first: the same numbers, the same gaps, the same misfit."""
    path = written(tmp_path / "n.csv", "n;t\n" + "".join(f"{field};x\n" for field in fields))
    file = CsvFile.open(path)
    block = Block(file, 0, b"".join(f"\n{field};x".encode() for field in fields))
    at_once, as_text = (block.rows(["n", "t"], kinds) for kinds in ({"n"}, ()))
    assert as_text.column("n").to_pylist() == fields
    assert said(at_once.column("n")) == said(as_text.column("n"))
    assert texts(at_once.column("t")).to_pylist() == ["x"] * len(fields)


def said(column: pa.ChunkedArray) -> str:
    try:
        return repr(numbers(column).to_pylist())
    except Exception as misfit:
        return repr(vars(misfit))


def test_a_row_with_too_few_fields_is_told_with_its_place(tmp_path: Path) -> None:
    path = written(tmp_path / "torn.csv", "l,r\n1,a\n2\n")
    *_, torn = plain_blocks(CsvFile.open(path))
    with pytest.raises(Fault, match="the row has 1 fields, the header 2") as caught:
        torn.rows(["r"], ())
    assert caught.value.where.startswith(f"{path}, row 3")
