"""Small pictures within the cells of a table; all rows share the scale that stands in the head."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deploy.report.axes import Scale, Ticks, percent
from deploy.report.svg import Markup, coordinate, element

HIGH, MIDDLE = 22, 11
LINE = 16


def head(scale: Scale, ticks: Ticks | None = None, left: str = "", right: str = "") -> Markup:
    """The scale, with words at its ends; for the head of the column."""
    high = 2 * LINE if left or right else LINE
    marks = [
        element("text", text, x=percent(scale.at(value)), y=high - 4, class_=f"tick {_anchor(scale.at(value))}")
        for value, text in (scale.ticks(3) if ticks is None else ticks)
    ]
    ends = (
        element("text", text, x=x, y=LINE - 6, class_=look) for text, x, look in ((left, 0, ""), (right, "100%", "end"))
    )
    return _svg(high, *(ends if left or right else []), *marks, hidden=True)


def bar(scale: Scale, value: float, words: str, limit: float | None = None, then: float | None = None) -> Markup:
    """A bar from the scale's beginning, with a tick at a limit, or at what it was before."""
    at = scale.at(value) if math.isfinite(value) else 0.0
    shape = element("rect", x=0, y=MIDDLE - 4, width=percent(at), height=8, class_="area ours")
    ticks = [_tick(scale, place, look) for place, look in ((limit, "limit"), (then, "then")) if place is not None]
    return _svg(HIGH, _track(), shape, *ticks, words=words)


def dot(scale: Scale, value: float, words: str, look: str = "ours", reference: float | None = None) -> Markup:
    """A dot on its line, with a line through all rows at the reference."""
    marks = [] if reference is None else [_upright(scale, reference, "reference")]
    if math.isfinite(value):
        marks.append(element("circle", cx=percent(scale.at(value)), cy=MIDDLE, r=4.5, class_=f"dot {look}"))
    return _svg(HIGH, _track(), *marks, words=words)


def interval(scale: Scale, ends: tuple[float, float, float], words: str, look: str, limit: float) -> Markup:
    """An interval about no difference: its lower end, its point, its upper end.

    An arrow stands where it leaves the scale, a tick at the limit that it is held against.
    """
    low, point, high = ends
    marks = [_upright(scale, 0.0, "reference"), _tick(scale, limit, "limit")]
    a, b = (scale.at(x) if math.isfinite(x) else float(x > 0) for x in (low, high))
    marks.append(element("line", x1=percent(a), x2=percent(b), y1=MIDDLE, y2=MIDDLE, class_=f"line {look} strong"))
    marks += [_arrow(end, look) for end, value in ((0.0, low), (1.0, high)) if _outside(scale, value, end)]
    if math.isfinite(point):
        marks.append(element("circle", cx=percent(scale.at(point)), cy=MIDDLE, r=4.5, class_=f"dot {look}"))
    return _svg(HIGH, *marks, words=words)


def beyond(scale: Scale, value: float, limit: float, words: str, failed: bool) -> Markup:
    """A bar against a limit that all rows share; an arrow where the bar leaves the scale."""
    look = "bad" if failed else "calm"
    shape = element("rect", x=0, y=MIDDLE - 4, width=percent(scale.at(value)), height=8, class_=f"area {look}")
    arrow = [_arrow(1.0, look)] if value > scale.high else []
    return _svg(HIGH, _track(), shape, *arrow, _upright(scale, limit, "limit"), words=words)


def columns(shares: Sequence[float], before: Sequence[float], words: str) -> Markup:
    """Thin columns side by side, each with the height that it had before as a line."""
    high, most = HIGH + 6, max((*shares, *before)) or 1.0
    heights = [coordinate(high * share / most) for share in shares]
    levels = [coordinate(high * (1.0 - share / most)) for share in before]
    rising = "".join(f"M{10 * k + 1} {high}v-{height}h8v{height}z" for k, height in enumerate(heights))
    lines = "".join(f"M{10 * k + 0.5} {level}h9" for k, level in enumerate(levels))
    paths = (element("path", d=rising, class_="area ours"), element("path", d=lines, class_="line then"))
    view = f"0 0 {10 * len(shares)} {high}"
    stretched = element("svg", *paths, width="100%", height=high, viewBox=view, preserveAspectRatio="none")
    return _svg(high, stretched, words=words)


def span(scale: Scale, low: float, high: float, words: str) -> Markup:
    """A stretch of the scale."""
    a, b = scale.at(low), scale.at(high)
    shape = element("rect", x=percent(a), y=MIDDLE - 4, width=percent(max(b - a, 0.004)), height=8, class_="area ours")
    return _svg(HIGH, _track(), shape, words=words)


def _outside(scale: Scale, value: float, end: float) -> bool:
    return value > scale.high if end else value < scale.low


def _arrow(end: float, look: str) -> Markup:
    """A head of an arrow at the left (0) or right (1) end."""
    shape = "M0 -5L-7 0L0 5z" if end == 0.0 else "M0 -5L7 0L0 5z"
    drawn = element("path", d=shape, class_=f"area {look}")
    return element("svg", drawn, x=percent(end), y=MIDDLE, width=1, height=1)


def _track() -> Markup:
    return element("line", x1=0, x2="100%", y1=MIDDLE, y2=MIDDLE, class_="grid")


def _upright(scale: Scale, value: float, look: str) -> Markup:
    at = percent(scale.at(value))
    return element("line", x1=at, x2=at, y1=-9, y2=HIGH + 9, class_=f"line {look}")


def _tick(scale: Scale, value: float, look: str) -> Markup:
    at = percent(scale.at(value))
    return element("line", x1=at, x2=at, y1=MIDDLE - 9, y2=MIDDLE + 9, class_=f"line {look}")


def _anchor(fraction: float) -> str:
    return "start" if fraction < 0.04 else "end" if fraction > 0.96 else "middle"


def _svg(high: float, *marks: Markup, words: str = "", hidden: bool = False) -> Markup:
    if hidden:
        return element("svg", *marks, class_="ruler", style=f"height:{high}px", aria_hidden="true")
    return element("svg", element("title", words), *marks, class_="ruler", style=f"height:{high}px", role="img")
