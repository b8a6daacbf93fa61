"""Are the answers still good? Performance and volume since the release."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.report.axes import Axis, Frame, Scale, chart
from deploy.report.marks import bars
from deploy.report.numerals import count, fixed, given, measured, places
from deploy.report.page import Block, Cell, Figure, Key, Mark, Table, number_cell
from deploy.report.periods import HIGH, Reference, Series, by_period, date_ticks, period_scale

Found = Mapping[str, Any]
STATES: dict[str, Mark] = {"holds": "yes", "degraded": "no", "unclear": "open"}


def lately(monitored: Found) -> list[Block]:
    """The table and the pictures over time, as far as labels have come and times are known."""
    performance: Found = monitored.get("performance") or {}
    periods: Sequence[Found] = monitored.get("periods") or ()
    blocks: list[Block] = []
    if performance:
        blocks.append(_held(performance))
    if len(periods) > 1:
        blocks += [*_over_time(performance, periods), _volume(periods)]
    return blocks


def _held(performance: Found) -> Table:
    """The metric on the rows whose labels came, against the evaluation and the floors."""
    heads = (
        Cell("metric"), Cell("held against"), Cell("", "number"), Cell("now", "number"),
        Cell("90 % interval", "number minor"), Cell(""),
    )  # fmt: skip
    loss = performance.get("loss")
    rows = [] if not loss else [_against_evaluation(performance, loss)]
    rows += [_against_floor(floor) for floor in performance.get("floors") or ()]
    caption = f"On {count(performance['rows'])} rows whose labels have come."
    return Table("Are the answers still good?", heads, tuple(rows), caption)


def _against_evaluation(performance: Found, loss: Found) -> tuple[Cell, ...]:
    worse = measured(loss["worse_by"])
    size = places([loss["recorded"], performance["now"]], 4)
    word, allowed = "worse" if worse > 0 else "better", fixed(loss["allowed"], size)
    note = f"{word} by {fixed(abs(worse), size)}; worse by {allowed} is allowed"
    recorded = fixed(loss["recorded"], size)
    return _held_row(performance, performance["metric"], "the evaluation", note, recorded, loss["state"])


def _against_floor(floor: Found) -> tuple[Cell, ...]:
    return _held_row(floor, floor["metric"], "its floor", "", given(floor["floor"]), floor["state"])


def _held_row(found: Found, metric: str, against: str, note: str, limit: str, state: str) -> tuple[Cell, ...]:
    size = places([found["now"], found["high"]], 4)
    return (
        Cell(metric), Cell(against, note=note), number_cell(limit), number_cell(fixed(found["now"], size), "strong"),
        number_cell(f"{fixed(found['low'], size)} to {fixed(found['high'], size)}", "minor"),
        Cell(state, "mark", mark=STATES.get(state)),
    )  # fmt: skip


def _over_time(performance: Found, periods: Sequence[Found]) -> tuple[Figure, ...]:
    if not performance:
        return ()
    name, loss = performance["metric"], performance.get("loss") or {}
    floors = {floor["metric"]: measured(floor["floor"]) for floor in performance.get("floors") or ()}
    lines = (
        Reference(measured(loss.get("recorded")), "reference", "at the evaluation"),
        Reference(floors.get(name, math.nan), "limit", "floor"),
    )
    series = Series(name, _starts(periods), [measured(period.get("value")) for period in periods])
    known = [line for line in lines if math.isfinite(line.value)]
    return by_period("Are they as good as promised?", series, known, "requests of")


def _volume(periods: Sequence[Found]) -> Figure:
    starts = _starts(periods)
    rows, labelled = ([measured(period[key]) for period in periods] for key in ("rows", "labelled"))
    frame = Frame(period_scale(starts), Scale(0.0, max(rows) * 1.08 or 1.0), HIGH)
    edges = [float(place) for place in range(len(rows) + 1)]
    title = "How much was asked?"
    caption = f"{count(sum(rows))} rows; the label of {count(sum(labelled))} has come."
    marks = (bars(frame, edges, rows, "theirs"), bars(frame, edges, labelled, "ours"))
    keys = (Key("area ours", "with a label"), Key("area theirs", "without"))
    axis = Axis("requests of →", date_ticks(starts))
    return Figure(title, chart(title, f"Rows over time. {caption}", frame, axis, Axis("rows ↑"), *marks), caption, keys)


def _starts(periods: Sequence[Found]) -> list[dt.date]:
    return [dt.date.fromisoformat(str(period["start"])[:10]) for period in periods]
