"""The floors and budgets that a candidate must keep whatever the champion is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from deploy.gate.scored import Scored
from deploy.gate.verdict import Check
from ml.metrics import METRICS, Metric

if TYPE_CHECKING:
    from ml.problem import Success

PARITY = 1e-9  # relative: what a different order of the same additions may make of float64


def floors(scored: Scored, success: Success) -> list[Check]:
    """Whether each metric reaches its floor on all of the candidate's rows."""
    return [_floor(METRICS[name], scored.measures.metrics.get(name), floor) for name, floor in success.floors.items()]


def _floor(metric: Metric, value: float | None, floor: float) -> Check:
    name = f"floor {metric.name}"
    if value is None or not math.isfinite(value):
        return Check(name, "FAIL", value, floor, f"{name}: there is no number to compare with {floor:g}")
    reached = value >= floor if metric.higher_is_better else value <= floor
    bound = "least" if metric.higher_is_better else "most"
    sentence = f"{name}: {metric.name} is {value:.4g}, and must be at {bound} {floor:g}"
    return Check(name, "PASS" if reached else "FAIL", value, floor, sentence)


def budgets(scored: Scored, success: Success) -> list[Check]:
    """Whether the model is small and quick enough, and answers online what it answers offline."""
    given = scored.measures
    scale = max(1.0, float(np.abs(scored.outputs).max(initial=0.0)))
    return [
        _budget("latency", given.latency_ms, success.latency_ms, "answering one row takes {} ms (95th percentile)"),
        _budget("size", given.size_mb, success.size_mb, "the model's files have {} MB"),
        _budget("parity", given.parity, PARITY * scale, "online and offline answers differ by up to {}"),
    ]


def _budget(name: str, value: float | None, most: float, sentence: str) -> Check:
    if value is None:
        return Check(name, "FAIL", None, most, f"{name}: was not measured")
    kept = 0.0 <= value <= most  # false for NaN
    text = f"{name}: {sentence.format(f'{value:.4g}')}, {most:.4g} at most are allowed"
    return Check(name, "PASS" if kept else "FAIL", value, most, text)
