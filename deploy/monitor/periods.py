"""Volume and performance by day, week or month, for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ml.metrics import Floats, Metric, Targets

Unit = Literal["day", "week", "month"]
Times = NDArray[np.datetime64]
MOST_DAYS, MOST_WEEKS = 62, 62
FEWEST_LABELS = 10


@dataclass(frozen=True)
class Period:
    """What happened in a day, a week from Monday or a month.

    Attributes:
        start: its first day, ISO 8601.
        rows: rows that were asked.
        labelled: those whose label has come.
        value: the deciding metric on them; None for fewer than `FEWEST_LABELS`.
    """

    start: str
    rows: int
    labelled: int
    value: float | None


def unit_for(times: Times) -> Unit:
    """The finest unit that gives about sixty periods at most."""
    known = times[~np.isnat(times)]
    days = int((known.max() - known.min()) / np.timedelta64(1, "D")) if len(known) else 0
    return "day" if days < MOST_DAYS else "week" if days < MOST_WEEKS * 7 else "month"


def periods(
    times: Times,
    metric: Metric,
    target: Targets,
    output: Floats,
    known: NDArray[np.bool_],
    unit: Unit | None = None,
) -> tuple[Period, ...]:
    """The periods that have rows, in order; rows without a time are in none.

    Args:
        times: of each row.
        metric: the deciding one.
        target: of the rows that are `known`, in their order.
        output: of the same rows.
        known: which rows have a label.
        unit: None chooses by the span.
    """
    starts = _starts(times, unit or unit_for(times))
    place = np.cumsum(known) - 1
    found = []
    for start in np.unique(starts[~np.isnat(starts)]):
        inside = starts == start
        labelled = place[inside & known]
        value = _finite(metric.whole(target[labelled], output[labelled])) if len(labelled) >= FEWEST_LABELS else None
        found.append(Period(str(start.astype("datetime64[D]")), int(inside.sum()), len(labelled), value))
    return tuple(found)


def _starts(times: Times, unit: Unit) -> Times:
    days = times.astype("datetime64[D]")
    if unit == "week":
        # NumPy counts weeks from a Thursday, 1 January 1970; ours start on Mondays.
        mondays: Times = days - ((days.astype(np.int64) + 3) % 7).astype("timedelta64[D]")
        return mondays
    return days.astype("datetime64[M]").astype("datetime64[D]") if unit == "month" else days


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
