"""Rows that were asked again."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.monitor.asked import Asked, about_schema
from deploy.monitor.repeats import distinct
from ml.profile import Profile, profile

MOMENT = dt.datetime(2013, 7, 1)
UNLIKE = Profile(1_000, 990, (), ())
ALIKE = Profile(1_000, 40, (), ())

rows = st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1.0, 2.0, None]), st.booleans())


def asked(ids: list, values: list) -> Asked:
    """One row a minute."""
    about = [
        {"request_id": f"r{k}", "row": 0, "collected_at": MOMENT + dt.timedelta(minutes=k)} for k in range(len(ids))
    ]
    table = pa.table({"amount": pa.array(values, pa.float64()), "key": pa.array(ids, pa.string())})
    return Asked(pa.Table.from_pylist(about, about_schema()), table, None)


@pytest.mark.parametrize("reference", [UNLIKE, ALIKE])
@given(st.lists(rows, max_size=30))
def test_of_each_row_the_last_with_a_label_counts_or_else_the_last(reference, made):
    ids, values, labelled = (list(part) for part in zip(*made, strict=True)) if made else ([], [], [])
    last: dict = {}
    for place, row in enumerate(made):
        own = row[0] if row[0] is not None else (row[1] if reference is UNLIKE else place, "by content")
        if own not in last or row[2] >= made[last[own]][2]:
            last[own] = place
    chosen = distinct(asked(ids, values), "key", reference, np.array(labelled, dtype=bool))
    assert np.flatnonzero(chosen).tolist() == sorted(last.values())


def test_without_an_id_what_a_request_carries_tells_rows_apart():
    again = asked(["monday", "tuesday", "monday"], [1.0, 1.0, 1.0])
    assert distinct(again, None, UNLIKE, np.zeros(3, dtype=bool)).tolist() == [False, True, True]


def test_a_profile_knows_how_many_of_its_rows_are_alike():
    coins = pa.table({"side": ["head", "tail", "head", None, None], "weight": [1.0, 1.0, 1.0, None, 2.0]})
    found = profile(coins, {"side": "category", "weight": "number"}, np.zeros(5))
    assert (found.rows, found.distinct, found.repeated) == (5, 4, pytest.approx(0.2))
