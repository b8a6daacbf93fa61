"""Lines beside what Python's own reader of CSV makes of the same file."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.batch.lines import with_lines
from ml.batch.scoring import score
from ml.fault import Fault
from ml.raw.folder import open_raw
from ml.raw.stream import parts

# What confuses a reader of lines: quotes, both line breaks, empty fields and lines, characters of many bytes.
pieces = st.sampled_from(["a", "bc", "ä€", '"', '""', '"x\n"', ",", ",", "\n", "\n", "\r\n", "\r", " ", "\ufeff"])


def lines_of(path: Path, most_rows: int = 2) -> list[tuple[list[str], str | None]]:
    """The rows of a file, each with its line where the lines can be passed on."""
    raw, found = open_raw(path), []
    for part, lined in with_lines(parts(raw, raw.columns, most_rows)):
        texts = [text[1:] for text in lined.texts.to_pylist()] if lined else [None] * part.rows.num_rows
        found += zip(map(list, map(dict.values, part.rows.to_pylist())), texts, strict=True)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(st.lists(pieces, max_size=14).map("".join), st.sampled_from(["l,r\n", "\nl,r\n", '"l\n",r\n', "l,r\r\n"]))
def test_a_line_that_is_passed_on_is_read_as_its_row_and_no_row_is_lost(tmp_path: Path, body: str, head: str) -> None:
    (tmp_path / "any.csv").write_text(head + body, encoding="utf-8", newline="")
    try:
        found = lines_of(tmp_path / "any.csv")
    except Fault:
        return
    for row, line in found:
        assert line is None or next(csv.reader([line])) == row
        assert line is None or line == ",".join(row)


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("head", ["l,r\n", '"l","r"\n', "\n\nl,r\n", "\ufeffl,r\n"])
def test_plain_lines_are_passed_on(tmp_path: Path, head: str, end: str) -> None:
    lines = ["1.50,ä", ",", "007, x", "1e5,'€'", "-0,"]
    (tmp_path / "plain.csv").write_text(head + "\n".join(lines) + end, encoding="utf-8", newline="")
    assert [line for _, line in lines_of(tmp_path / "plain.csv")] == lines


@pytest.mark.parametrize("other", ['"3",c', '"a\n",c', "\n3,c", "3,c\r"])
def test_from_a_line_on_that_is_not_its_fields_and_commas_no_line_is_passed_on(tmp_path: Path, other: str) -> None:
    (tmp_path / "mixed.csv").write_text(f"l,r\n1,a\n2,b\n{other}\n4,d\n5,e\n", newline="")
    assert [line for _, line in lines_of(tmp_path / "mixed.csv")] == ["1,a", "2,b", None, None, None]


def test_other_delimiters_are_written_anew(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("l;r\n1;a,b\n2;c\n")
    assert [line for _, line in lines_of(tmp_path / "rows.csv")] == [None, None]


def test_each_file_of_a_folder_begins_anew(tmp_path: Path) -> None:
    for name, body in {"1.csv": "1,a\n", "2.csv": '2,"b"\n', "3.csv": "3,c\n4,d"}.items():
        (tmp_path / name).write_text("l,r\n" + body)
    assert [line for _, line in lines_of(tmp_path)] == ["1,a", None, "3,c", "4,d"]


def test_rows_are_written_as_they_stand_with_their_predictions_behind_them(
    regression: Path, asked: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.batch.scoring.PART_ROWS", 64)
    plain = asked.drop(["Abflug, Zürich"]).append_column("Abflug, Zürich", pa.array(["Tür"] * asked.num_rows))
    pa.csv.write_csv(plain, tmp_path / "rows.csv", pa.csv.WriteOptions(quoting_style="none"))
    lines = (tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()
    lines[300] = '"' + lines[300].replace(",", '",', 1)  # from this part on they are written anew
    (tmp_path / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    score(regression, tmp_path / "rows.csv", tmp_path / "out.csv", lambda rows: None)
    written = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    unquoted = [line.replace('"', "") for line in lines[1:]]
    assert [line.rpartition(",")[0] for line in written[1:]] == unquoted
    assert all(float(line.rpartition(",")[2]) for line in written[1:])
