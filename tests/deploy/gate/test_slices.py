import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from deploy.gate.scored import Levels
from deploy.gate.slices import parts_of


def sizes(values, smallest):
    found = parts_of("carrier", Levels.of(values), lambda rows: len(rows) >= smallest)
    return {part.name: len(part.rows) for part in found}


def test_each_level_with_enough_rows_is_a_part():
    assert sizes(["AA"] * 30 + ["UA"] * 20, 20) == {"carrier=AA": 30, "carrier=UA": 20}


def test_rare_levels_are_pooled():
    values = ["AA"] * 30 + ["HA"] * 3 + ["YV"] * 9 + ["OO"] * 8
    assert sizes(values, 20) == {"carrier=AA": 30, "carrier=(others)": 20}


def test_a_pool_that_is_too_small_is_joined_by_the_smallest_of_the_large():
    values = ["AA"] * 30 + ["UA"] * 25 + ["HA"] * 3
    assert sizes(values, 20) == {"carrier=AA": 30, "carrier=UA": 25, "carrier=(others)": 28}


def test_a_column_that_is_too_small_as_a_whole_is_one_part():
    assert sizes(["AA", "UA", "HA"], 20) == {"carrier=(others)": 3}


def test_of_thousands_of_levels_the_hundred_largest_are_judged_alone():
    values = [f"level {k}" for k in range(150) for _ in range(k + 20)]

    found = sizes(values, 20)

    assert len(found) == 101
    assert found["carrier=level 149"] == 169
    assert found["carrier=(others)"] == sum(k + 20 for k in range(50))


@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=80), st.integers(2, 40))
def test_every_row_is_in_a_part_that_is_large_enough_unless_the_column_is_not(values, smallest):
    found = parts_of("c", Levels.of(values), lambda rows: len(rows) >= smallest)

    assert sorted(set(np.concatenate([part.rows for part in found]).tolist())) == list(range(len(values)))
    if len(values) >= smallest:
        assert all(len(part.rows) >= smallest for part in found)
    for part in found:
        if part.name != "c=(others)":
            assert {values[row] for row in part.rows} == {part.name.removeprefix("c=")}
