from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.fault import Fault
from ml.raw import stream
from ml.raw.folder import open_raw
from ml.raw.stream import PartReader, StreamReading, parts
from ml.raw.typed import read_typed

ROWS = 3
READINGS: dict[str, StreamReading] = {"n": "number", "c": "category", "b": "boolean", "d": "date"}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "ROWS_LOOKED_AT", ROWS)


def in_parts(path: Path, readings: dict[str, StreamReading]) -> pa.Table:
    raw = open_raw(path)
    reader = PartReader.of(raw, readings)
    return pa.concat_tables(reader.read(part) for part in parts(raw, raw.columns, ROWS))


def days(folder: Path, *texts: str) -> Path:
    path = folder / "days.csv"
    path.write_text("d,x\n" + "".join(f"{text},\n" for text in texts))
    return path


FORMS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y", "%d %b %Y", "%Y%m%d", "%s"]
values = st.lists(
    st.tuples(
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(["A", "ä b", "NA", "007", ""]),
        st.booleans(),
        st.datetimes(dt.datetime(2001, 10, 1), dt.datetime(2030, 1, 1)) | st.none(),
    ),
    min_size=1,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values, st.sampled_from(FORMS))
def test_a_file_in_parts_is_the_file_as_a_whole(tmp_path: Path, rows: list[tuple[object, ...]], form: str) -> None:
    lines = [f"{n},{c},{b},{d.strftime(form) if isinstance(d, dt.datetime) else ''}" for n, c, b, d in rows]
    (tmp_path / "rows.csv").write_text("\n".join(["n,c,b,d", *lines]), encoding="utf-8")
    whole = result_of(lambda: read_typed(open_raw(tmp_path / "rows.csv"), READINGS).rows)
    assert result_of(lambda: in_parts(tmp_path / "rows.csv", READINGS)) == whole


def result_of(read: Callable[[], pa.Table]) -> pa.Table | str:
    """The rows, or the fault as it is told."""
    try:
        return read()
    except Fault as fault:
        return str(fault)


def test_which_number_is_the_day_may_be_told_by_a_later_part(tmp_path: Path) -> None:
    rows = in_parts(days(tmp_path, "01/02/2013", "NA", "03/04/2013", "05/06/2013", "13/07/2013"), {"d": "date"})
    assert [d and (d.day, d.month) for d in rows.column("d").to_pylist()] == [(1, 2), None, (3, 4), (5, 6), (13, 7)]


def test_where_no_part_tells_the_day_the_first_date_is_told(tmp_path: Path) -> None:
    path = days(tmp_path, "", "01/02/2013", "03/04/2013", "05/06/2013", "07/08/2013")
    with pytest.raises(Fault, match="'01/02/2013' may be day/month or month/day, in every row") as caught:
        in_parts(path, {"d": "date"})
    assert caught.value.where == f"{path}, row 3, column `d`"


@pytest.mark.parametrize(
    ("first", "later", "message"),
    [
        ("2013-07-31", "31.07.2013", "'31.07.2013' is not a date, unlike 2013-07-31, the form of others"),
        (
            "2013-07-31T10:00:00Z",
            "2013-07-31T10:00:00",
            "'2013-07-31T10:00:00' is no time with an offset from UTC, unlike others",
        ),
        (
            "2013-07-31",
            "2013-07-31T10:00:00Z",
            "'2013-07-31T10:00:00Z' is not a date, unlike 2013-07-31, the form of others",
        ),
        ("1372636800", "1.7.2013", "'1.7.2013' is no count since 1970, unlike others"),
        ("31.07.2013", "31.02.2013", "'31.02.2013' is not in the calendar or on the clock"),
    ],
)
def test_a_later_part_that_writes_dates_otherwise_is_refused_with_its_row(
    tmp_path: Path, first: str, later: str, message: str
) -> None:
    path = days(tmp_path, *[first] * 4, later)
    with pytest.raises(Fault) as caught:
        in_parts(path, {"d": "date"})
    assert (caught.value.message, caught.value.where) == (message, f"{path}, row 6, column `d`")


def test_typed_dates_are_taken_beside_text_in_another_file(tmp_path: Path) -> None:
    day = dt.datetime(2013, 7, 31)
    pq.write_table(pa.table({"d": pa.array([day] * 5, pa.timestamp("ns"))}), tmp_path / "1.parquet")
    (tmp_path / "2.csv").write_text("d\n" + "31.07.2013\n" * 5)
    assert in_parts(tmp_path, {"d": "date"}).column("d").to_pylist() == [day] * 10


def test_a_part_knows_its_place_in_its_file(tmp_path: Path) -> None:
    for name in ("1.csv", "2.csv"):
        (tmp_path / name).write_text("n,x\n" + "1,a\n" * 4)
    found = list(parts(open_raw(tmp_path), ["n"], ROWS))
    assert [(part.file.path.name, part.first, part.rows.num_rows) for part in found] == [
        ("1.csv", 0, 3),
        ("1.csv", 3, 1),
        ("2.csv", 0, 3),
        ("2.csv", 3, 1),
    ]
    assert found[3].place(0, "n") == f"{tmp_path / '2.csv'}, row 5, column `n`"


def test_a_missing_column_is_told_before_any_row_is_read(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("Number\nx\n")
    with pytest.raises(Fault, match="there is no column `number`"):
        PartReader.of(open_raw(tmp_path / "rows.csv"), {"number": "number"})
