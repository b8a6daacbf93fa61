"""The distribution of rows and predictions, kept beside the model."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.fault import Fault
from ml.profile import BINS, MOST_LEVELS, Levels, Numbers, Profile, count, profile

KINDS = {"amount": "number", "level": "category", "flag": "boolean", "day": "date"}
floats = st.floats(width=64, allow_nan=True, allow_infinity=True)
amounts = st.lists(st.one_of(st.none(), floats, st.sampled_from([0.0, -0.0, 1.0])), min_size=1, max_size=200)
texts = st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=200)


def numbers(values) -> Numbers:
    """The profile of one column of numbers."""
    rows = pa.table({"x": pa.array(values, pa.float64())})
    (column,) = profile(rows, {"x": "number"}, np.zeros(1)).columns
    assert isinstance(column, Numbers)
    return column


def levels(values) -> Levels:
    """The profile of one column of categories."""
    rows = pa.table({"x": pa.array(values, pa.string())})
    (column,) = profile(rows, {"x": "category"}, np.zeros(1)).columns
    assert isinstance(column, Levels)
    return column


def mixed(size: int) -> pa.Table:
    """Rows of every kind."""
    draw = np.random.default_rng(size)
    return pa.table(
        {
            "amount": draw.normal(size=size),
            "level": draw.choice(["é", "b c", "a"], size),
            "flag": draw.random(size) < 0.3,
            "day": np.datetime64("2013-01-01", "us") + draw.integers(0, 10**13, size).astype("m8[us]"),
        }
    )


def test_the_bins_of_a_continuous_column_hold_equal_shares_as_numpy_counts_them():
    values = np.random.default_rng(0).normal(size=10_001)
    column = numbers(values)
    assert len(column.edges) == BINS + 1
    assert (column.edges[0], column.edges[-1]) == (values.min(), values.max()) == (column.minimum, column.maximum)
    assert column.counts[0] == column.counts[-1] == 0
    assert max(column.counts[2:-1]) - min(column.counts[2:-1]) <= 1
    # NumPy's bins are closed on the left, ours on the right: mirrored, they are the same.
    mirrored, _ = np.histogram(-values, bins=-np.array(column.edges)[::-1])
    assert (column.counts[1] + column.counts[2], *column.counts[3:-1]) == tuple(mirrored[::-1])


def test_a_column_of_few_values_has_each_as_an_edge_however_rare():
    column = numbers([0.0] * 9_990 + [7.0] * 9 + [3.0])
    assert column.edges == (0.0, 3.0, 7.0)
    assert column.counts == (0, 9_990, 1, 9, 0)


def test_mean_and_deviation_are_numpys_and_missing_values_do_not_enter():
    values = np.random.default_rng(1).exponential(size=999)
    column = numbers([*values, None, float("nan"), float("inf")])
    assert column.missing == 3
    assert column.mean == pytest.approx(values.mean())
    assert column.deviation == pytest.approx(values.std())


@given(amounts)
def test_every_row_is_in_one_bin_or_missing_whatever_the_numbers(values):
    column = numbers(values)
    finite = [value for value in values if value is not None and math.isfinite(value)]
    assert column.present == len(finite)
    assert column.present + column.missing == len(values)
    assert list(column.edges) == sorted(set(column.edges))


@given(amounts, amounts)
def test_current_rows_below_and_above_the_reference_are_told_apart(before, after):
    reference = profile(pa.table({"x": pa.array(before, pa.float64())}), {"x": "number"}, np.zeros(1))
    (old,) = reference.columns
    (new,) = count(reference, pa.table({"x": pa.array(after, pa.float64())})).columns
    finite = [value for value in after if value is not None and math.isfinite(value)]
    assert len(new.counts) == len(old.counts)
    assert new.present == len(finite)
    if old.present:
        assert new.counts[0] == sum(value < old.minimum for value in finite)
        assert new.counts[-1] == sum(value > old.maximum for value in finite)


@given(texts)
def test_levels_are_counted_as_arrow_counts_them(values):
    column = levels(values)
    found = pa.array(values, pa.string()).drop_null().value_counts().to_pylist()
    assert dict(zip(column.levels, column.counts, strict=True)) == {f["values"]: f["counts"] for f in found}
    assert (column.fewest, column.other) == (1, 0)
    assert column.missing == values.count(None)
    assert list(column.counts) == sorted(column.counts, reverse=True)


def test_levels_beyond_the_bound_are_pooled_by_their_number_of_rows_and_so_are_unseen_ones():
    often = [f"{k:04d}" for k in range(MOST_LEVELS - 10) for _ in range(3)]
    twice = [f"{k:04d}" for k in range(5_000, 5_030) for _ in range(2)]
    reference = profile(pa.table({"x": often + twice}), {"x": "category"}, np.zeros(1))
    (old,) = reference.columns
    assert (len(old.levels), old.fewest, old.other) == (MOST_LEVELS - 10, 3, 60)
    (new,) = count(reference, pa.table({"x": ["0000", "never", "5029", None]})).columns
    assert (sum(new.counts), new.other, new.missing) == (1, 2, 1)


def test_counting_the_reference_itself_gives_the_reference():
    rows, outputs = mixed(5_000), np.random.default_rng(0).normal(size=5_000)
    reference = profile(rows, KINDS, outputs)
    assert count(reference, rows, outputs) == reference


def test_rows_in_chunks_count_like_rows_in_one():
    rows = mixed(3_000)
    parts = pa.concat_tables([rows.slice(0, 7), rows.slice(7, 0), rows.slice(7)])
    assert profile(parts, KINDS, np.zeros(1)) == profile(rows, KINDS, np.zeros(1))


def test_a_profile_comes_back_from_its_file_and_the_file_is_small(tmp_path):
    rows = pa.table({f"{name} {k}": column for k in range(5) for name, column in mixed_columns()})
    kinds = {name: KINDS[name.split()[0]] for name in rows.column_names}
    written = profile(rows, kinds, np.random.default_rng(0).random((rows.num_rows, 3)), ("a", "b", "ü"))
    written.save(tmp_path / "profile.json")
    assert Profile.load(tmp_path / "profile.json") == written
    assert (tmp_path / "profile.json").stat().st_size < 30_000
    json.loads((tmp_path / "profile.json").read_text(), parse_constant=pytest.fail)


def mixed_columns():
    """The columns of `mixed` by name."""
    rows = mixed(20_000)
    return zip(rows.column_names, rows.columns, strict=True)


def test_numbers_too_large_to_add_up_do_not_break_the_file(tmp_path):
    rows = pa.table({"x": [1.7e308, 1.7e308, -1.7e308]})
    profile(rows, {"x": "number"}, np.zeros(1)).save(tmp_path / "profile.json")
    (column,) = Profile.load(tmp_path / "profile.json").columns
    assert (column.mean, column.present) == (None, 3)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"rows": 1, "columns": [{}], "predictions": []}'])
def test_another_file_is_refused_with_its_name(tmp_path, content):
    (tmp_path / "profile.json").write_text(content)
    with pytest.raises(Fault, match=r"profile\.json: is no profile"):
        Profile.load(tmp_path / "profile.json")


def test_a_column_that_was_always_missing_is_counted_when_values_come():
    reference = profile(pa.table({"x": pa.nulls(5, pa.float64())}), {"x": "number"}, np.zeros(1))
    (new,) = count(reference, pa.table({"x": [1.0, None]})).columns
    assert (new.present, new.missing) == (1, 1)


def test_predictions_are_named_by_class_and_two_classes_need_one_column():
    rows, chance = pa.table({"x": [1.0, 2.0]}), np.array([[0.2, 0.8], [0.6, 0.4]])
    (second,) = profile(rows, {"x": "number"}, chance, ("no", "yes")).predictions
    assert (second.name, second.mean) == ("prediction: yes", pytest.approx(0.6))
    three = profile(rows, {"x": "number"}, np.full((2, 3), 1 / 3)).predictions
    assert [column.name for column in three] == ["prediction: 0", "prediction: 1", "prediction: 2"]
    (value,) = profile(rows, {"x": "number"}, np.array([1.0, 2.0])).predictions
    assert value.name == "prediction"


def test_dates_are_days_since_1970():
    day = pa.array([1, 3], pa.timestamp("s"))
    rows = pa.table({"day": pc.multiply(day.cast(pa.int64()), 86_400).cast(pa.timestamp("s"))})
    (column,) = profile(rows, {"day": "date"}, np.zeros(1)).columns
    assert column.edges == (1.0, 3.0)


def test_predictions_for_other_rows_replace_only_the_predictions():
    reference = profile(mixed(100), KINDS, np.zeros(100))
    fresh = reference.with_outputs(np.arange(50.0))
    assert fresh.columns == reference.columns
    assert fresh.predictions[0].maximum == 49.0
