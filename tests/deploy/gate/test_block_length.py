import numpy as np
import pytest
from arch.bootstrap import optimal_block_length

from deploy.gate.block_length import block_length, politis_white


def autoregressive(rows, memory, seed=0):
    shocks = np.random.default_rng(seed).normal(size=rows)
    values = shocks.copy()
    for place in range(1, rows):
        values[place] += memory * values[place - 1]
    return values


@pytest.mark.parametrize("rows", [100, 300, 2048])
@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_rule_of_politis_and_white_gives_what_the_package_arch_gives(rows, memory, seed):
    series = autoregressive(rows, memory, seed)

    theirs = float(optimal_block_length(series)["circular"].iloc[0])

    assert politis_white(series) == pytest.approx(theirs, rel=0.05)


def test_a_long_memory_makes_longer_blocks_than_a_twentieth_of_the_series():
    assert block_length(autoregressive(400, 0.95)) > 20


def test_without_any_correlation_a_block_is_a_twentieth_of_the_series():
    assert block_length(autoregressive(1000, 0.0)) == 50


@pytest.mark.parametrize("series", [np.zeros(100), np.ones(3), np.array([1.0])])
def test_a_series_that_does_not_vary_or_hardly_exists_has_short_blocks(series):
    assert block_length(series) == max(1, len(series) // 20)
