"""The deciding metric over time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deploy.report.answers import Answers
from deploy.report.axes import Axis, Frame, Scale, chart, scale_over
from deploy.report.marks import curve, dots, level
from deploy.report.numerals import fixed, places
from deploy.report.page import Figure, Key

FEWEST_ROWS = 10  # a day or week with fewer says nothing
MOST_DAYS = 62
HIGH = 220.0


@dataclass(frozen=True)
class Reference:
    """A horizontal line to hold the metric against."""

    value: float
    look: str
    meaning: str


@dataclass(frozen=True)
class Series:
    """A metric by period: the first day of each, and its value; NaN where there is none."""

    metric: str
    starts: Sequence[dt.date]
    values: Sequence[float]

    @property
    def known(self) -> list[int]:
        """The places of the periods that have a value."""
        return [place for place, value in enumerate(self.values) if math.isfinite(value)]


def over_time(answers: Answers) -> tuple[Figure, ...]:
    """The metric by day or week of the rows that judged; nothing without a time column or with a single period."""
    if answers.time is None or np.isnat(answers.time).any():
        return ()
    days = answers.time.astype("datetime64[D]")
    first = days.min()
    length = 1 if int((days.max() - first).astype(int)) < MOST_DAYS else 7
    place = (days - first).astype(np.int64) // length
    rows, losses = np.bincount(place), np.bincount(place, answers.losses)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(rows >= FEWEST_ROWS, answers.metric.from_mean(losses / rows), math.nan)
    starts = [(first + k * length).astype(object) for k in range(len(rows))]
    series = Series(answers.metric.name, starts, values.tolist())
    whole = Reference(float(answers.metric.from_mean(answers.losses.mean())), "reference", "all rows")
    unit = "day" if length == 1 else "week"
    return by_period(f"Is it as good every {unit}?", series, (whole,), f"{unit} of the rows that judged")


def by_period(title: str, series: Series, references: Sequence[Reference], axis: str) -> tuple[Figure, ...]:
    """The picture of a metric by period; nothing where fewer than two periods have a value."""
    known, values = series.known, series.values
    if len(known) < 2:
        return ()
    shown = [values[place] for place in known]
    frame = Frame(period_scale(series.starts), scale_over([*shown, *(r.value for r in references)], True, 0.06), HIGH)
    low, high = (pick(known, key=lambda place: values[place]) for pick in (min, max))
    size = places(shown, 4)
    caption = "Between " + " and ".join(f"{fixed(values[k], size)} ({date(series.starts[k])})" for k in (low, high))
    caption += "".join(f"; {reference.meaning}: {fixed(reference.value, size)}" for reference in references) + "."
    marks = [
        *(level(frame, reference.value, reference.look) for reference in references),
        *(curve(frame, xs, ys, "ours thin") for xs, ys in _stretches(values)),
        dots(frame, [place + 0.5 for place in known], shown, "ours"),
    ]
    picture = chart(
        title, f"{series.metric} over time. {caption}", frame,
        Axis(f"{axis} →", date_ticks(series.starts)), Axis(f"{series.metric} ↑"), *marks,
    )  # fmt: skip
    keys = (Key("dot ours", series.metric), *(Key(f"line {r.look}", r.meaning) for r in references))
    return (Figure(title, picture, caption, keys),)


def period_scale(starts: Sequence[dt.date]) -> Scale:
    """Each period is as wide as any other."""
    return Scale(0.0, float(len(starts)))


def date_ticks(starts: Sequence[dt.date]) -> list[tuple[float, str]]:
    """A few of the periods with their first days, at their middles."""
    many = len({start.year for start in starts}) > 1
    most = min(3 if many else 4, len(starts))
    picked = np.unique(np.linspace(0, len(starts) - 1, most).round().astype(int)).tolist()
    return [(place + 0.5, date(starts[place], many)) for place in picked]


def date(day: dt.date, with_year: bool = False) -> str:
    """A day as 1 May, or 1 May 2013."""
    return f"{day.day} {day:%b}" + (f" {day.year}" if with_year else "")


def _stretches(values: Sequence[float]) -> list[tuple[list[float], list[float]]]:
    """Runs of neighbouring periods that have values: no line is drawn over a gap."""
    runs: list[tuple[list[float], list[float]]] = [([], [])]
    for place, value in enumerate(values):
        if math.isfinite(value):
            runs[-1][0].append(place + 0.5)
            runs[-1][1].append(value)
        elif runs[-1][0]:
            runs.append(([], []))
    return [run for run in runs if len(run[0]) > 1]
