from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.fault import INVALID_INPUT, Fault
from ml.raw.csv_file import BLOCK_BYTES, CsvFile

# Cells with all that may stand in a quoted field, but for the delimiters that the file does not use.
characters = st.characters(exclude_categories=["Cs"], exclude_characters=";\t|")
cells = st.text(characters, max_size=8)
names = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters=";\t|"), min_size=1, max_size=8)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(2, 4))
    header = draw(st.lists(names.filter(str.strip), min_size=width, max_size=width, unique=True))
    return [header, *draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8))]


def read(path: Path, *columns: str) -> list[list[str]]:
    file = CsvFile.open(path)
    batches = file.batches(columns or file.columns)
    return [list(row.values()) for batch in batches for row in batch.to_pylist()]


def fault_of(path: Path, content: bytes) -> Fault:
    path.write_bytes(content)
    with pytest.raises(Fault) as caught:
        read(path)
    assert caught.value.code == INVALID_INPUT
    assert "\n" not in str(caught.value)
    assert caught.value.remedy
    return caught.value


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_what_the_csv_module_writes_is_read_as_the_csv_module_reads_it(
    tmp_path: Path, table: list[list[str]], delimiter: str, ending: str, all_quoted: bool, mark: bool
) -> None:
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    if not all_quoted:  # Python 3.11 writes a carriage return without quotes
        table = [[cell.replace("\r", "") for cell in record] for record in table]
    csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=quoting).writerows(table)
    path = tmp_path / "rows.csv"
    path.write_bytes(text.getvalue().encode("utf-8-sig" if mark else "utf-8"))
    expected = list(csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=delimiter))
    assert [list(CsvFile.open(path).columns), *read(path)] == expected


def test_only_the_columns_asked_for_come_in_the_order_asked_for(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b,c\n1,2,3\n")
    assert read(tmp_path / "rows.csv", "c", "a") == [["3", "1"]]


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("a,b\n1,2\n", ("a", "b")),
        ("a;b\n1,5;2,5\n", ("a", "b")),
        ("a;b,c\n1;2\n", ("a", "b,c")),
        ("a\tb c\n1\t2,3\n", ("a", "b c")),
        ("a|b\n1|2\n", ("a", "b")),
        ("only\nx\n", ("only",)),
        ('"a;b",c\n1,2\n', ("a;b", "c")),
    ],
)
def test_the_delimiter_is_the_one_that_cuts_all_rows_alike(
    tmp_path: Path, content: str, columns: tuple[str, ...]
) -> None:
    (tmp_path / "rows.csv").write_text(content)
    assert CsvFile.open(tmp_path / "rows.csv").columns == columns


def test_empty_lines_are_no_rows_wherever_they_stand(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("\n\na,b\n\n1,2\n\n\n3,4\n\n")
    assert read(tmp_path / "rows.csv") == [["1", "2"], ["3", "4"]]


def test_old_line_endings_are_line_endings(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"a,b\r1,2\r3,4\r")
    assert read(tmp_path / "rows.csv") == [["1", "2"], ["3", "4"]]


def test_a_quote_within_an_unquoted_field_is_a_character(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text('pipe,"note"\n5",x\n7,"a\nb"\n')
    assert read(tmp_path / "rows.csv") == [['5"', "x"], ["7", "a\nb"]]


@pytest.mark.parametrize(
    ("content", "where", "message"),
    [
        (b"", "", "the file is empty"),
        (b"\n\n", "", "the file is empty"),
        (b"a,b,a\n1,2,3\n", "row 1, column 3", "`a` is also the name of column 1"),
        (b",b\n1,2\n", "row 1, column 1", "the column has no name"),
        (b"a, \n1,2\n", "row 1, column 2", "the column has no name"),
        (b'a,"b\nc"\n1,2\n', "row 1, column 2", "line break"),
        (b"a,b\n1,2\n3\n", "row 3", "the row has 1 fields, the header 2"),
        (b"a,b\n1,2\n\n3,4,5\n", "row 4", "the row has 3 fields, the header 2"),
        (b'a,b\n"x\ny",2\n3\n', "row 3 (line 4)", "the row has 1 fields"),
        (b"a,b\n1,2\n3,caf\xe9\n", "row 3, column `b`", "byte 0xe9 is not UTF-8"),
        (b"a,caf\xe9\n1,2\n", "row 1, column 2", "byte 0xe9 in its name is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "", "the file is UTF-16"),
        (b'a,b\n1,2\n3,"open\n4,5\n6,7\n', "row 3", "a quote that is not closed"),
        (b'a,b\n1,"x"\n3,"open\n4,"y"\n', "row 3", "a quote that is not closed"),
        (b'a,b\n1,2\n3,"truncated', "row 3", "a quote that is not closed"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path: Path, content: bytes, where: str, message: str) -> None:
    path = tmp_path / "rows.csv"
    fault = fault_of(path, content)
    assert fault.where == (f"{path}, {where}" if where else str(path))
    assert message in fault.message


def test_text_that_is_not_utf_8_in_a_column_that_is_not_read_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(b"a,b\n1,caf\xe9\n")
    assert read(tmp_path / "rows.csv", "a") == [["1"]]


def test_a_row_that_is_longer_than_a_block_is_refused_with_its_place(tmp_path: Path) -> None:
    content = b"a,b\n1,2\n3," + b"x" * (3 * BLOCK_BYTES) + b"\n"
    fault = fault_of(tmp_path / "rows.csv", content)
    assert fault.where.endswith("row 3")
    assert "characters" in fault.message


def test_a_line_break_in_quotes_is_read_also_where_a_block_ends(tmp_path: Path) -> None:
    cell = "\n".join(["x" * 99] * 100)
    rows = BLOCK_BYTES // len(cell) + 2
    (tmp_path / "rows.csv").write_text("a,b\n" + f'1,"{cell}"\n' * rows)
    assert read(tmp_path / "rows.csv") == [["1", cell]] * rows


def test_a_quote_left_open_in_a_long_file_is_named_rather_than_the_length(tmp_path: Path) -> None:
    content = b'a,b\n1,"open\n' + b"2,3\n" * (BLOCK_BYTES // 3)
    fault = fault_of(tmp_path / "rows.csv", content)
    assert fault.where.endswith("row 2")
    assert "quote" in fault.message


def test_a_fault_in_a_late_block_still_names_its_row(tmp_path: Path) -> None:
    row = b"2," + b"3" * 97 + b"\n"
    rows = BLOCK_BYTES // len(row) + 1
    fault = fault_of(tmp_path / "rows.csv", b"a,b\n" + row * rows + b"4\n")
    assert fault.where.endswith(f"row {rows + 2}")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables(), st.data())
def test_the_place_of_a_row_is_its_number_in_a_spreadsheet(
    tmp_path: Path, table: list[list[str]], data: st.DataObject
) -> None:
    blanks = data.draw(st.lists(st.integers(0, 2), min_size=len(table), max_size=len(table)))
    text = io.StringIO(newline="")
    expected, number = [], 0
    for record, blank in zip(table, blanks, strict=True):
        text.write("\n" * blank)
        csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(record)
        number += blank + 1
        expected.append(number)
    path = tmp_path / "rows.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    file = CsvFile.open(path)
    assert [file.place(row).removeprefix(f"{path}, row ").split(" ")[0] for row in range(len(table) - 1)] == [
        str(number) for number in expected[1:]
    ]


@pytest.mark.parametrize("header", ["l,r", '"l","r"', "l,r\n"])
def test_a_header_alone_is_a_file_without_rows_with_a_line_break_or_without(tmp_path, header):
    path = tmp_path / "rows.csv"
    path.write_text(header)
    assert [batch.num_rows for batch in CsvFile.open(path).batches(("l", "r"))] in ([], [0])
