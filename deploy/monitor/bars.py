"""A column then and now as a few bars, for whoever draws it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deploy.monitor.stability import groups
from ml.profile import Column, Levels, Numbers

MOST_LEVELS = 12
OTHER, MISSING = "other", "missing"


@dataclass(frozen=True)
class Bar:
    """One group of values.

    Attributes:
        label: such as `≤ 34.2`, a level, `other` or `missing`.
        before: its share of the reference's rows.
        after: its share of the current rows.
    """

    label: str
    before: float
    after: float


def bars(old: Column, new: Column) -> tuple[Bar, ...]:
    """The groups of the PSI, the most frequent levels only, and missing values where there are any.

    Without values on one side there are no groups to compare, and only missing values have a bar.
    """
    named: list[tuple[str, int, int]] = []
    if old.present and new.present:
        named = _levels(old, new) if isinstance(old, Levels) else _numbers(old, new)
    named.append((MISSING, old.missing, new.missing))
    before, after = max(old.present + old.missing, 1), max(new.present + new.missing, 1)
    return tuple(Bar(label, ours / before, theirs / after) for label, ours, theirs in named if ours or theirs)


def _levels(old: Column, new: Column) -> list[tuple[str, int, int]]:
    assert isinstance(old, Levels)
    shown = list(zip(old.levels, old.counts, new.counts, strict=False))[:MOST_LEVELS]
    ours, theirs = (column.present - sum(column.counts[:MOST_LEVELS]) for column in (old, new))
    return [*shown, (OTHER, ours, theirs)]


def _numbers(old: Column, new: Column) -> list[tuple[str, int, int]]:
    assert isinstance(old, Numbers)
    home = groups(old, new)
    # The upper edge of each bin: below the first edge, on it, up to each, above the last.
    upper = np.array([old.edges[0], *old.edges, np.inf])
    found = []
    for group in range(int(home.max()) + 1):
        inside = np.flatnonzero(home == group)
        ours, theirs = (sum(column.counts[place] for place in inside) for column in (old, new))
        found.append((_label(old, upper, inside), ours, theirs))
    return found


def _label(column: Numbers, upper: np.ndarray, inside: np.ndarray) -> str:
    first, last = int(inside[0]), int(inside[-1])
    if first and last == len(upper) - 1:
        return f"> {_written(column, upper[first - 1])}"
    return f"≤ {_written(column, upper[last])}" if last < len(upper) - 1 else "all"


def _written(column: Numbers, value: float) -> str:
    if column.kind == "date":
        return str(np.datetime64(int(np.floor(value)), "D"))
    return f"{value:.4g}"
