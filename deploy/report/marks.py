"""What is drawn into a frame: curves, areas, bars, dots, densities, words.

Lines and areas stand in an inner SVG that is stretched to the frame; their strokes are not (`non-scaling-stroke`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deploy.report.axes import Frame
from deploy.report.svg import Markup, coordinate, element

Floats = NDArray[np.float64]
Values = Sequence[float] | Floats
WIDE = 1000.0
LIMITS = (
    (1, 2, 4, 8, 16, 32),
    (1, 3, 10, 30, 100, 300),
    (1, 5, 25, 125, 625, 3125),
    (1, 10, 100, 1_000, 10_000, 100_000),
)


def curve(frame: Frame, xs: Values, ys: Values, look: str) -> Markup:
    """A line through points."""
    return _stretched(frame, element("path", d=_line(_points(frame, xs, ys)), class_=f"line {look}"))


def band(frame: Frame, xs: Values, low: Values, high: Values, look: str) -> Markup:
    """The area between two lines."""
    outline = _points(frame, [*xs, *list(xs)[::-1]], [*high, *list(low)[::-1]])
    return _stretched(frame, element("path", d=_line(outline) + "z", class_=f"area {look}"))


def bars(frame: Frame, edges: Values, heights: Values, look: str, base: float = 0.0) -> Markup:
    """Bars that stand side by side from edge to edge."""
    parts = []
    for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
        if height:
            (x1, y1), (x2, y2) = _points(frame, [left, right], [base, base + height])
            parts.append(f"M{coordinate(x1)} {coordinate(y1)}V{coordinate(y2)}H{coordinate(x2)}V{coordinate(y1)}z")
    return _stretched(frame, element("path", d="".join(parts), class_=f"area {look}"))


def dots(frame: Frame, xs: Values, ys: Values, look: str, radius: float = 3.5) -> Markup:
    """A dot at each point."""
    places = zip(xs, ys, strict=True)
    each = (element("circle", cx=frame.across(x), cy=round(frame.down(y), 1), r=radius) for x, y in places)
    return element("g", *each, class_=f"dot {look}")


def uprights(frame: Frame, xs: Values, low: Values, high: Values, look: str) -> Markup:
    """Vertical lines, such as intervals."""
    each = (
        element("line", x1=frame.across(x), x2=frame.across(x), y1=round(frame.down(a), 1), y2=round(frame.down(b), 1))
        for x, a, b in zip(xs, low, high, strict=True)
    )
    return element("g", *each, class_=f"line {look}")


def upright(frame: Frame, x: float, look: str) -> Markup:
    """A vertical line from the bottom to the top."""
    return uprights(frame, [x], [frame.y.low], [frame.y.high], look)


def level(frame: Frame, y: float, look: str) -> Markup:
    """A horizontal line from side to side."""
    at = round(frame.down(y), 1)
    return element("line", x1=0, x2="100%", y1=at, y2=at, class_=f"line {look}")


def words(frame: Frame, x: float, y: float, text: str, look: str = "", dx: float = 0, dy: float = 0) -> Markup:
    """Words at a point, moved by some pixels."""
    at = round(frame.down(y) + dy, 1)
    return element("text", text, x=frame.across(x), y=at, dx=dx or None, class_=f"word {look}".strip())


def density(frame: Frame, counts: NDArray[np.int64], limits: Sequence[int]) -> Markup:
    """Cells (columns, rows from the bottom), the darker the more rows lie in them.

    Args:
        frame: where.
        counts: rows by cell.
        limits: the least number of rows of each shade, rising from 1.
    """
    columns, rows = counts.shape
    shade = np.searchsorted(limits, counts, side="right")
    paths = [element("path", d=_cells(shade == k), class_=f"area shade-{k}") for k in range(1, len(limits) + 1)]
    view = f"0 0 {columns} {rows}"
    return element("svg", *paths, **_STRETCH, height=frame.height, viewBox=view, shape_rendering="crispEdges")


def shade_limits(counts: NDArray[np.int64]) -> list[int]:
    """The least number of rows of each shade: round numbers that rise alike up to the fullest cell."""
    most = int(counts.max(initial=1))
    steps = next((limits for limits in LIMITS if most < limits[-1] * limits[1]), LIMITS[-1])
    return [limit for limit in steps if limit <= most]


def _cells(chosen: NDArray[np.bool_]) -> str:
    """A path over the chosen cells, neighbours in a row together."""
    rows = chosen.shape[1]
    path = []
    for row in range(rows):
        line = np.concatenate([[False], chosen[:, row], [False]])
        starts, ends = np.flatnonzero(line[1:] & ~line[:-1]), np.flatnonzero(~line[1:] & line[:-1])
        path += [f"M{a} {rows - 1 - row}h{b - a}v1h-{b - a}z" for a, b in zip(starts, ends, strict=True)]
    return "".join(path)


_STRETCH = {"width": "100%", "preserveAspectRatio": "none", "aria_hidden": "true"}


def _stretched(frame: Frame, path: Markup) -> Markup:
    view = f"0 0 {WIDE:g} {frame.height:g}"
    return element("svg", path, **_STRETCH, height=frame.height, viewBox=view)


def _points(frame: Frame, xs: Values, ys: Values) -> list[tuple[float, float]]:
    return [(WIDE * frame.x.at(x), frame.down(y)) for x, y in zip(xs, ys, strict=True)]


def _line(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)
