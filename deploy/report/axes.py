"""The frame of a chart: scales, ticks, labels.

A chart has no viewBox: across, everything is in percent of the width, and down in pixels. So lines and letters
keep their size on a wide screen, on a phone and on paper. The margins are the SVG element's own padding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.report.numerals import compact, share
from deploy.report.svg import Markup, element, group

LETTER = 6.9  # pixels, the width of a digit of the charts' letters
TOP, RIGHT, BOTTOM = 33, 14, 44
Ticks = Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, which differ."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value lies, 0 at `low` and 1 at `high`; beyond them it stays there."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def ticks(self, most: int = 5) -> list[tuple[float, str]]:
        """Round values within the scale with their labels: about so many, and two at least."""
        for aim in (most, 2 * most, 4 * most):
            step = _round_step((self.high - self.low) / aim)
            first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
            if last > first:
                break
        return [(place * step, compact(place * step, step)) for place in range(first, last + 1)]


def scale_over(values: Sequence[float], with_zero: bool = False, room: float = 0.0) -> Scale:
    """A scale that holds all finite values, with some room on both sides as a share of their spread."""
    known = [value for value in values if math.isfinite(value)] + ([0.0] if with_zero or not values else [])
    low, high = min(known, default=0.0), max(known, default=1.0)
    if low == high:
        low, high = low - abs(low or 1.0) / 2, high + abs(high or 1.0) / 2
    spread = (high - low) * room
    return Scale(low if with_zero and low == 0 else low - spread, high if with_zero and high == 0 else high + spread)


def percents(scale: Scale) -> list[tuple[float, str]]:
    """The ticks of a scale of shares."""
    return [(value, share(value)) for value, _ in scale.ticks()]


def _round_step(least: float) -> float:
    """The smallest 1, 2 or 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


@dataclass(frozen=True)
class Frame:
    """The area that data is drawn in, `height` pixels high."""

    x: Scale
    y: Scale
    height: float = 230.0

    def across(self, value: float) -> str:
        """Where a value lies from the left."""
        return percent(self.x.at(value))

    def down(self, value: float) -> float:
        """Where a value lies from the top, in pixels."""
        return self.height * (1.0 - self.y.at(value))


def percent(fraction: float) -> str:
    """A fraction of the width as a coordinate."""
    return f"{100 * fraction:.2f}".rstrip("0").rstrip(".") + "%"


@dataclass(frozen=True)
class Axis:
    """What is written along one side; without ticks of its own the scale's round values are taken."""

    label: str
    ticks: Ticks | None = None


def chart(title: str, description: str, frame: Frame, x: Axis, y: Axis, *marks: Markup) -> Markup:
    """A picture with axes, and with words for who does not see it."""
    across = frame.x.ticks(6) if x.ticks is None else x.ticks
    down = frame.y.ticks() if y.ticks is None else y.ticks
    left = 12 + max([LETTER * len(text) for _, text in down], default=0.0)
    size = f"height:{frame.height + TOP + BOTTOM:g}px;padding:{TOP}px {RIGHT}px {BOTTOM}px {left:.0f}px"
    axes = group(
        *(_level(frame, value, text) for value, text in down),
        *(_foot(frame, value, text) for value, text in across),
        element("text", y.label, x=-round(left), y=-19, class_="label"),
        element("text", x.label, x="100%", y=frame.height + 38, class_="label end"),
        aria_hidden="true",
    )
    words = (element("title", title), element("desc", description))
    return element("svg", *words, axes, *marks, class_="chart", role="img", style=size)


def _level(frame: Frame, value: float, text: str) -> Markup:
    at = round(frame.down(value), 2)
    line = element("line", x1=0, x2="100%", y1=at, y2=at, class_="axis" if value == frame.y.low else "grid")
    return group(line, element("text", text, x=-8, y=round(at + 4, 2), class_="tick end"))


def _foot(frame: Frame, value: float, text: str) -> Markup:
    at = frame.across(value)
    line = element("line", x1=at, x2=at, y1=frame.height, y2=frame.height + 5, class_="axis")
    return group(line, element("text", text, x=at, y=frame.height + 19, class_="tick middle"))
