"""What a column looks like, before and now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.report.axes import Scale
from deploy.report.numerals import measured, share, shortened
from deploy.report.page import Cell, Key, Table, name_cell, number_cell
from deploy.report.rulers import bar, columns
from deploy.report.svg import Markup

Column = Mapping[str, Any]
MOST = 4
KEYS = (Key("area ours", "share of the rows asked"), Key("line then", "of the rows before"))


def moved(found: Sequence[Column]) -> list[Table]:
    """A table of bars for each of the columns that moved farthest.

    Args:
        found: the columns, the farthest beyond its threshold first.
    """
    return [_table(column) for column in found if column.get("drifted") and column.get("bars")][:MOST]


def thumbnail(column: Column) -> Markup:
    """The same as thin columns, for a cell."""
    bars = column["bars"]
    now, then = ([measured(one[side]) for one in bars] for side in ("after", "before"))
    words = ", ".join(f"{one['label']}: {share(one['before'])}, now {share(one['after'])}" for one in bars)
    return columns(now, then, f"{column['name']}. {words}")


def _table(column: Column) -> Table:
    bars = column["bars"]
    scale = Scale(0.0, max([measured(one[side]) for one in bars for side in ("before", "after")]) * 1.04 or 1.0)
    rows = tuple(_row(one, scale) for one in bars)
    heads = (Cell("value"), Cell("", "picture"), Cell("before", "number"), Cell("now", "number"))
    return Table(f"{shortened(column['name'], 40)}: what changed?", heads, rows, keys=KEYS, wide=False)


def _row(one: Mapping[str, Any], scale: Scale) -> tuple[Cell, ...]:
    before, after = measured(one["before"]), measured(one["after"])
    words = f"{one['label']}: {share(before)}, now {share(after)}"
    return (
        name_cell(one["label"], 24),
        Cell("", "picture", bar(scale, after, words, then=before)),
        number_cell(share(before), "quiet"),
        number_cell(share(after)),
    )
