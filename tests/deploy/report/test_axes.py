import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deploy.report.axes import Scale, scale_over

bounds = st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)).filter(lambda ends: ends[1] - ends[0] > 1e-6)


@given(bounds, st.integers(2, 8))
def test_ticks_are_few_round_and_within_the_scale(ends, most):
    assume(ends[1] - ends[0] > 1e-6 * max(map(abs, ends)))
    scale = Scale(*ends)
    places = [value for value, _ in scale.ticks(most)]
    assert 2 <= len(places) <= 4 * most + 1
    slack = 1e-6 * (scale.high - scale.low)
    assert all(scale.low - slack <= place <= scale.high + slack for place in places)
    steps = np.diff(places)
    assert steps == pytest.approx(steps[0])
    assert float(f"{steps[0]:.3e}"[0]) in (1, 2, 5, 9)  # 9: 0.9999 of a step of one


@given(st.lists(st.floats(-1e9, 1e9) | st.sampled_from([float("nan"), float("inf")]), max_size=6), st.booleans())
def test_a_scale_holds_every_finite_value_and_has_a_width(values, with_zero):
    scale = scale_over(values, with_zero, room=0.05)
    known = [value for value in values if np.isfinite(value)]
    assert scale.low < scale.high
    assert all(scale.low <= value <= scale.high for value in known)
    assert not with_zero or scale.low <= 0.0 <= scale.high


def test_a_value_beyond_the_scale_stays_at_its_end():
    scale = Scale(0.0, 10.0)
    assert [scale.at(value) for value in (-5.0, 2.5, 99.0)] == [0.0, 0.25, 1.0]
