import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.model.encoder import Encoder

KINDS = {"amount": "number", "colour": "category", "open": "boolean", "day": "date"}
TYPES = {"amount": pa.float64(), "colour": pa.string(), "open": pa.bool_(), "day": pa.timestamp("us")}
moments = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))
rows = st.lists(
    st.fixed_dictionaries(
        {
            "amount": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "colour": st.none() | st.text(max_size=3),
            "open": st.none() | st.booleans(),
            "day": st.none() | moments,
        }
    ),
    min_size=1,
    max_size=20,
)


def table(rows):
    return pa.table({name: pa.array([row[name] for row in rows], TYPES[name]) for name in KINDS})


@given(seen=rows, asked=rows)
def test_a_row_alone_is_encoded_as_in_a_table(seen, asked):
    encoder = Encoder.fit(table(seen), KINDS)
    together = encoder.encode(table(asked))
    for place, row in enumerate(asked):
        if any(row[f.name] is None and not f.nullable for f in encoder.features):
            continue  # the server has refused such a row before
        alone = []
        for name, encode in zip(KINDS, encoder.row_encoders, strict=True):
            number = encode(row[name])
            alone.extend(number if isinstance(number, tuple) else (number,))
        np.testing.assert_allclose(alone, together[place], rtol=1e-12)


def test_the_most_frequent_level_has_code_zero_and_an_unseen_one_is_missing():
    encoder = Encoder.fit(pa.table({"c": ["b", "a", "b"]}), {"c": "category"})
    codes = encoder.encode(pa.table({"c": ["a", "b", "new", None]}))[:, 0]
    np.testing.assert_array_equal(codes, [1.0, 0.0, np.nan, np.nan])


def test_a_date_becomes_its_day_month_weekday_and_hour():
    encoder = Encoder.fit(table([{"amount": 1.0, "colour": "x", "open": True, "day": None}]), KINDS)
    moment = dt.datetime(1970, 1, 3, 12)  # a Saturday
    assert encoder.row_encoders[3](moment) == (2.5, 1.0, 5.0, 12.0)
    assert encoder.outputs[-4:] == ("day.day", "day.month", "day.weekday", "day.hour")


@given(rows)
def test_an_encoder_survives_its_file(seen):
    import tempfile
    from pathlib import Path

    encoder = Encoder.fit(table(seen), KINDS)
    with tempfile.TemporaryDirectory() as folder:
        encoder.save(Path(folder) / "encoder.json")
        assert Encoder.load(Path(folder) / "encoder.json") == encoder


@pytest.mark.parametrize("name", KINDS)
def test_a_column_may_be_null_where_training_saw_a_missing_value(name):
    whole = {"amount": 1.0, "colour": "x", "open": True, "day": dt.datetime(2020, 1, 1)}
    encoder = Encoder.fit(table([whole, {**whole, name: None}]), KINDS)
    assert [feature.name for feature in encoder.features if feature.nullable] == [name]
