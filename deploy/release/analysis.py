"""Whether a candidate does well under real requests, from the numbers of both sides. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from deploy.release.policy import Limits

FEWEST_PREDICTIONS = 30


@dataclass(frozen=True)
class Live:
    """What one deployment did in a window.

    Attributes:
        requests, failures: answered requests, and those that failed (a status of 5xx, or no answer).
        refused: those that were answered with a status of 4xx.
        latency_p95_ms: 95th percentile; NaN without requests.
        predictions: how many were seen; `mean` and `std` are those of their numbers, NaN for labels.
        shares: for labels, the share of each.
        distinct: whether at least two different predictions were seen.
        unsound: predictions that are no finite number or label.
    """

    requests: int = 0
    failures: int = 0
    refused: int = 0
    latency_p95_ms: float = math.nan
    predictions: int = 0
    mean: float = math.nan
    std: float = math.nan
    shares: Mapping[str, float] = field(default_factory=dict)
    distinct: bool = False
    unsound: int = 0


@dataclass(frozen=True)
class Finding:
    """`worse` or `slow` with its reason, `well`, or `unknown` where the numbers are not there.

    `slow` is worse by latency alone, which is the machine's too: it is looked at twice.
    """

    state: Literal["well", "worse", "slow", "unknown"]
    reason: str = ""


def examine(candidate: Live | None, stable: Live | None, requests: int, limits: Limits) -> Finding:
    """Holds the candidate against the stable side and the limits; no data is never `well`.

    Args:
        candidate: its window; None counts as no data.
        stable: the other side's window; None where no other side gets requests, which leaves the
            absolute limits alone.
        requests: the fewest requests of the candidate that mean something.
        limits: the policy's.
    """
    if candidate is None or candidate.requests == 0:
        return Finding("unknown", "the candidate was asked nothing")
    beside = stable if stable and stable.requests else None
    slow, faults = _slow(candidate, beside, requests, limits), _faults(candidate, beside, requests, limits)
    if faults:
        return Finding("worse", "; ".join([*faults, *slow]))
    if slow:
        return Finding("slow", slow[0])
    gap = _gap(candidate, stable, requests)
    if gap:
        return Finding("unknown", gap)
    return Finding("well", f"{candidate.requests} requests, p95 {candidate.latency_p95_ms:.1f} ms")


def _faults(candidate: Live, stable: Live | None, requests: int, limits: Limits) -> list[str]:
    faults = [_errors(candidate, stable, requests, limits)]
    if candidate.requests >= min(requests, FEWEST_PREDICTIONS):
        faults.append(_predictions(candidate, stable, limits))
    return [fault for fault in faults if fault]


def _slow(candidate: Live, stable: Live | None, requests: int, limits: Limits) -> list[str]:
    enough = candidate.requests >= min(requests, FEWEST_PREDICTIONS)
    return [fault for fault in [_latency(candidate, stable, limits)] if enough and fault]


def _gap(candidate: Live, stable: Live | None, requests: int) -> str:
    """What is missing before anything good can be said; empty where nothing is."""
    fewest = min(requests, FEWEST_PREDICTIONS)
    gaps = {
        "the stable side was asked nothing": stable is not None and stable.requests == 0,
        f"{candidate.requests} requests of {requests}": candidate.requests < requests,
        "its latency is not known": not math.isfinite(candidate.latency_p95_ms),
        f"{candidate.predictions} predictions of {fewest}": candidate.predictions < fewest,
        "its predictions are not known": not candidate.shares and not math.isfinite(candidate.mean),
        "the stable side's numbers are not known": stable is not None and not _comparable(candidate, stable),
    }
    return next((gap for gap, there in gaps.items() if there), "")


def _comparable(candidate: Live, stable: Live) -> bool:
    if not math.isfinite(stable.latency_p95_ms):
        return False
    return stable.predictions < FEWEST_PREDICTIONS or math.isfinite(_shift(candidate, stable))


def _errors(candidate: Live, stable: Live | None, requests: int, limits: Limits) -> str:
    # Before all requests are in, only failures that would exceed the limit even then count.
    asked = max(candidate.requests, requests)
    usual = stable.failures / stable.requests if stable else 0.0
    if candidate.failures / asked > usual + limits.errors:
        return f"{candidate.failures} of {candidate.requests} requests failed (the stable side: {usual:.1%})"
    # Clients err too: only beside the other side do refusals say anything about the model.
    usual = stable.refused / stable.requests if stable else 1.0
    if candidate.refused / asked > usual + limits.refusals:
        return f"{candidate.refused} of {candidate.requests} requests were refused (the stable side: {usual:.1%})"
    return ""


def _latency(candidate: Live, stable: Live | None, limits: Limits) -> str:
    p95 = candidate.latency_p95_ms
    if p95 > limits.latency_ms:
        return f"p95 latency {p95:.0f} ms is above {limits.latency_ms:.0f} ms"
    if stable is None or not math.isfinite(stable.latency_p95_ms):
        return ""
    bound = max(stable.latency_p95_ms * limits.latency_ratio, stable.latency_p95_ms + limits.latency_slack_ms)
    return f"p95 latency {p95:.0f} ms, the stable side's {stable.latency_p95_ms:.0f} ms" if p95 > bound else ""


def _predictions(candidate: Live, stable: Live | None, limits: Limits) -> str:
    if candidate.unsound:
        return f"{candidate.unsound} predictions are no finite number"
    if stable is None or min(candidate.predictions, stable.predictions) < FEWEST_PREDICTIONS:
        return ""
    if stable.distinct and not candidate.distinct:
        return "every prediction is the same"
    shift = _shift(candidate, stable)
    bound = limits.prediction_shift
    return f"predictions moved by {shift:.2f} (at most {bound:.2f})" if shift > bound else ""


def _shift(candidate: Live, stable: Live) -> float:
    """Difference of the means in the stable side's standard deviations; for labels the total variation.

    NaN where a number is missing, infinity where one side answers labels and the other numbers.
    """
    if bool(stable.shares) != bool(candidate.shares):
        return math.inf
    if stable.shares:
        labels = {*stable.shares, *candidate.shares}
        return sum(abs(candidate.shares.get(x, 0.0) - stable.shares.get(x, 0.0)) for x in labels) / 2.0
    if stable.std == 0.0:  # it says the same to everyone, which gives no scale
        return 0.0
    return abs(candidate.mean - stable.mean) / stable.std
