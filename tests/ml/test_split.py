from __future__ import annotations

import datetime as dt
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ml.problem import Columns
from ml.split import held_out, row_keys

ROWS = pa.table(
    {
        "n": pa.array([0.0, 1.5, None, -0.0]),
        "c": pa.array(["a", "b", None, "a"]),
        "b": pa.array([True, False, None, True]),
        "d": pa.array([dt.datetime(2013, 1, 1), None, None, dt.datetime(2013, 1, 1)], pa.timestamp("us")),
        "t": pa.array([1.0, 2.0, 3.0, 4.0]),
    }
)
COLUMNS = Columns(target="t", features={"n": "number", "c": "category", "b": "boolean", "d": "date"})


@given(st.lists(st.text(), max_size=30), st.floats(0.01, 0.99), st.integers(0, 10**6))
def test_the_hash_is_the_one_that_the_documentation_states(keys: list[str], share: float, salt: int) -> None:
    expected = [
        int.from_bytes(blake2b(f"{salt}:{key}".encode(), digest_size=8).digest(), "big") / 2**64 < share for key in keys
    ]
    assert held_out(keys, share, salt).tolist() == expected


def test_the_share_is_kept_for_many_rows() -> None:
    assert abs(held_out([str(n) for n in range(100_000)], 0.2, 0).mean() - 0.2) < 0.005


def test_another_salt_holds_out_other_rows() -> None:
    keys = [str(n) for n in range(1000)]
    assert not np.array_equal(held_out(keys, 0.5, 0), held_out(keys, 0.5, 1))


def test_rows_of_one_group_stay_together_and_new_rows_change_nothing() -> None:
    judges = held_out(["a", "b", "a", "c", "a"], 0.5, 3)
    assert judges[0] == judges[2] == judges[4]
    assert held_out(["new", "a", "b"], 0.5, 3)[1:].tolist() == judges[:2].tolist()


def test_the_id_is_the_key_where_there_is_one() -> None:
    with_id = ROWS.append_column("id", pa.array(["w", "x", "y", "z"]))
    assert row_keys(with_id, COLUMNS.model_copy(update={"id": "id"})) == ["w", "x", "y", "z"]


def test_the_content_is_the_key_where_there_is_no_id() -> None:
    keys = row_keys(ROWS, COLUMNS)
    assert keys[0] == keys[3]  # 0.0 equals -0.0, and the target is no part of it
    assert len({*keys}) == 3
    assert all(len(key) == 32 for key in keys)


def test_the_key_of_a_row_depends_on_nothing_around_it() -> None:
    turned = COLUMNS.model_copy(update={"features": dict(reversed(COLUMNS.features.items()))})
    assert row_keys(ROWS, turned) == row_keys(ROWS, COLUMNS)
    assert row_keys(ROWS.slice(1, 2), COLUMNS) == row_keys(ROWS, COLUMNS)[1:3]
    assert row_keys(pa.concat_tables([ROWS.slice(2), ROWS]), COLUMNS)[2:] == row_keys(ROWS, COLUMNS)


def test_any_other_value_is_another_key() -> None:
    first = row_keys(ROWS, COLUMNS)[0]
    for name, value in {"n": None, "c": "", "b": None, "d": None}.items():
        column = pa.array([value] * 4, ROWS.schema.field(name).type)
        other = ROWS.set_column(ROWS.schema.get_field_index(name), name, column)
        assert row_keys(other, COLUMNS)[0] != first, name


def test_the_key_stays_what_it_was_when_models_were_trained() -> None:
    # The split stays for ever: a key that changes would put rows that taught among those that judge.
    assert row_keys(ROWS.slice(0, 1), COLUMNS) == ["2442e4444803188adf6e359ddd16f57c"]
