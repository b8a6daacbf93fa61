from __future__ import annotations

import datetime as dt
import itertools

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.raw.digest import digest

ROWS = pa.table(
    {
        "n": pa.array([1.0, None, 0.0]),
        "c": pa.array(["ab", "c", None]),
        "b": pa.array([True, False, None]),
        "d": pa.array([dt.datetime(2013, 1, 1), None, None], pa.timestamp("us")),
    }
)


@given(st.lists(st.integers(0, 3), max_size=3))
def test_the_digest_does_not_depend_on_how_the_rows_are_cut(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), 3]
    pieces = [ROWS.slice(start, end - start) for start, end in itertools.pairwise(ends)]
    assert digest(pa.concat_tables(pieces)) == digest(ROWS)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("n", [1.0, 0.0, None]),
        ("n", [1.0, None, 1e-300]),
        ("c", ["a", "bc", None]),
        ("c", ["ab", "c", ""]),
        ("b", [True, None, False]),
        ("d", [None, dt.datetime(2013, 1, 1), None]),
    ],
)
def test_any_other_value_is_another_digest(column: str, values: list[object]) -> None:
    place = ROWS.schema.get_field_index(column)
    other = ROWS.set_column(place, column, pa.array(values, ROWS.schema.field(column).type))
    assert digest(other) != digest(ROWS)


def test_another_name_or_order_of_rows_is_another_digest() -> None:
    assert digest(ROWS.rename_columns(["m", "c", "b", "d"])) != digest(ROWS)
    assert digest(ROWS.take([1, 0, 2])) != digest(ROWS)
