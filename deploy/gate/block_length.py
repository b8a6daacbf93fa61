"""How many neighbouring rows of a time-ordered set depend on each other."""

from __future__ import annotations

import math

import numpy as np

from ml.metrics import Floats

BLOCKS = 20


def block_length(series: Floats) -> int:
    """The length of the blocks by which a series in order of time is resampled.

    The longer of two:

    - Politis and White (2004, corrected 2009), which reads it from the series' autocorrelation;
    - a twentieth of the series. Schmeiser (Operations Research 30, 1982) finds that 10 to 30 batches
      are enough for the interval of a mean: more hardly narrow it, and longer ones are less dependent.
      It is the net for a correlation that is weak and long, such as a stormy day that a thousand
      flights share: no single coefficient shows it, yet it decides how far the mean can stray.

    Args:
        series: values in order of time.
    """
    return max(1, math.ceil(len(series) / BLOCKS), math.ceil(politis_white(series)))


def politis_white(series: Floats) -> float:
    """The block length of the circular block bootstrap that estimates the variance of a mean best.

    Politis and White, "Automatic block-length selection for the dependent bootstrap", Econometric
    Reviews 23 (2004), with the correction by Patton, Politis and White, 28 (2009).
    """
    n = len(series)
    centred = series - series.mean()
    if n < 10 or not np.any(centred):
        return 1.0
    quiet = max(5, math.ceil(math.sqrt(math.log10(n))))  # so many small coefficients in a row end the search
    furthest = min(math.ceil(math.sqrt(n)) + quiet, n - 1)
    covariance = np.array([centred[: n - lag] @ centred[lag:] for lag in range(furthest + 1)]) / n
    width = min(2 * _first_quiet_lag(covariance, n, quiet), furthest)
    lags = np.arange(1, width + 1)
    weighted = np.clip(2.0 * (1.0 - lags / width), 0.0, 1.0) * covariance[1 : width + 1]  # the flat-top window
    long_run = covariance[0] + 2.0 * weighted.sum()
    slope = 2.0 * (lags * weighted).sum()
    longest = math.ceil(min(3.0 * math.sqrt(n), n / 3.0))
    if long_run <= 0.0:
        return 1.0
    return float(min(longest, (1.5 * (slope / long_run) ** 2 * n) ** (1 / 3)))


def _first_quiet_lag(covariance: Floats, n: int, quiet: int) -> int:
    """The lag from which on `quiet` autocorrelations in a row are indistinguishable from none."""
    loud = np.abs(covariance[1:] / covariance[0]) > 2.0 * math.sqrt(math.log10(n) / n)
    starts = range(len(loud) - quiet + 1)
    return next((lag + 1 for lag in starts if not loud[lag : lag + quiet].any()), len(covariance) - 1)
