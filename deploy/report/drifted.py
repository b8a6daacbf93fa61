"""Is the world still the same? What the monitor found, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.report.axes import Scale
from deploy.report.lately import lately
from deploy.report.moved import KEYS, moved, thumbnail
from deploy.report.numerals import count, counted, day, fixed, measured, places, shortened
from deploy.report.page import LONGEST, Block, Cell, Key, Mark, Section, Sentences, Table, name_cell, number_cell
from deploy.report.rulers import beyond, head

Monitored = Mapping[str, Any]
DECISIONS: dict[str, tuple[Mark, str]] = {
    "ok": ("yes", "no drift"),
    "drift": ("note", "drift"),
    "degraded": ("no", "degraded"),
    "inconclusive": ("open", "too little to tell"),
}
STATISTICS = {
    "psi": "psi is the population stability index",
    "missing": "missing is the change of the share without a value",
    "unseen": "unseen is the share with a level that training never saw",
    "out_of_range": "out of range is the share beyond the smallest and largest value of training",
}
MOST = 40  # columns that are shown
FARTHEST = 3.0  # times the threshold; longer bars end in an arrow


def drifted(monitored: Monitored | None) -> Section | None:
    """The section; None where nothing was monitored."""
    if not monitored:
        return None
    mark = DECISIONS.get(monitored.get("decision", ""), ("open", ""))[0]
    reasons = tuple((mark, shortened(reason, LONGEST)) for reason in monitored.get("reasons") or ())
    found: Sequence[Mapping[str, Any]] = sorted(monitored.get("columns") or (), key=_times, reverse=True)
    blocks: tuple[Block, ...] = (Sentences("", reasons), *lately(monitored), *_columns(found), *moved(found))
    return Section("drift", "Is the world still the same?", _answer(monitored, found), blocks)


def _answer(monitored: Monitored, found: Sequence[Mapping[str, Any]]) -> str:
    volume = monitored.get("volume") or {}
    moved = sum(bool(column.get("drifted")) for column in found)
    asked = f"{count(volume['rows'])} rows were asked" if "rows" in volume else "Rows were asked"
    if volume.get("distinct", volume.get("rows")) != volume.get("rows"):
        asked += f" ({count(volume['distinct'])} distinct)"
    if volume.get("since") and volume.get("until"):
        asked += f", of {day(volume['since'])} to {day(volume['until'])}"
    if not found:
        return f"{asked}."
    return f"{asked}; {moved or 'none'} of {counted(len(found), 'column')} moved."


def _columns(found: Sequence[Mapping[str, Any]]) -> list[Table]:
    """A row for each column, the farthest beyond its threshold first."""
    if not found:
        return []
    scale, pictured = Scale(0.0, FARTHEST), any(column.get("bars") for column in found)
    size = max(2, min(4, places([column["threshold"] for column in found], 3)))
    ticks = [(1.0, "threshold"), (2.0, "2 ×"), (3.0, "3 ×")]
    heads = (
        Cell("column"), *([Cell("", "picture narrow")] if pictured else []), Cell("statistic", "minor"),
        Cell("value", "number"), Cell("threshold", "number"), Cell("", "picture minor", head(scale, ticks)), Cell(""),
    )  # fmt: skip
    rows = tuple(_row(column, scale, pictured, size) for column in found[:MOST])
    used = {column["statistic"] for column in found}
    caption = "; ".join(words for name, words in STATISTICS.items() if name in used)
    rest = (
        f" Of the other {len(found) - MOST} columns none is farther beyond its threshold." if len(found) > MOST else ""
    )
    keys = [Key("area calm", "within the threshold"), Key("area bad", "beyond it")]
    if pictured:
        keys = [*KEYS, *keys]
    return [Table("Which columns moved?", heads, rows, f"{caption[:1].upper()}{caption[1:]}.{rest}", tuple(keys))]


def _times(column: Mapping[str, Any]) -> float:
    """The statistic in multiples of its threshold."""
    limit = measured(column["threshold"])
    return measured(column["value"]) / limit if limit > 0 else 0.0


def _row(column: Mapping[str, Any], scale: Scale, pictured: bool, size: int) -> tuple[Cell, ...]:
    name, statistic, drift = column["name"], str(column["statistic"]).replace("_", " "), bool(column.get("drifted"))
    value, limit = (fixed(column[key], size) for key in ("value", "threshold"))
    spread = thumbnail(column) if column.get("bars") else None
    note = "a prediction" if column.get("role") == "prediction" and name != "prediction" else ""
    picture = beyond(scale, _times(column), 1.0, f"{name}: {statistic} {value}, threshold {limit}", drift)
    return (
        name_cell(name, 36, "name", note),
        *([Cell("", "picture narrow", spread)] if pictured else []),
        Cell(statistic, "minor quiet"),
        number_cell(value),
        number_cell(limit, "quiet"),
        Cell("", "picture minor", picture),
        Cell("moved" if drift else "", "mark", mark="note" if drift else None),
    )
