"""Numbers as people read them: few digits, a true minus sign, a unit where there is one."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

NONE = "none"
SPACE = "\u00a0"  # between a number and its unit, where no line may end
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST_DIGITS_BEFORE, MOST_ZEROS_AFTER, MOST_DECIMALS, MOST_WRITTEN = 9, 4, 6, 1e9
UNITS = ((5e11, 1e12, "T"), (5e8, 1e9, "G"), (5e5, 1e6, "M"), (5e3, 1e3, "k"))  # by the distance of the ticks


def measured(value: Any) -> float:
    """A number of a JSON file, where NaN and infinity may be text; what is none is NaN."""
    if isinstance(value, bool) or not isinstance(value, Real | str):
        return math.nan
    try:
        return float(value)
    except ValueError:
        return math.nan


def number(value: Any, digits: int = 3) -> str:
    """A measured number with so many significant digits, such as 12.6, 0.0383 or 28,756."""
    value = measured(value)
    if not math.isfinite(value):
        return NONE if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    power = math.floor(math.log10(abs(value)))
    if not -MOST_ZEROS_AFTER < power < MOST_DIGITS_BEFORE:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return _minus(f"{mantissa}{SPACE}×{SPACE}10{str(int(exponent)).translate(SUPERSCRIPTS)}")
    return _minus(f"{value:,.{max(0, digits - 1 - power)}f}")


def places(values: Iterable[Any], digits: int = 3) -> int:
    """How many decimals give the largest of some numbers so many digits: one for all, so that a column lines up."""
    known = [abs(value) for value in map(measured, values) if math.isfinite(value) and value]
    return max(0, digits - 1 - math.floor(math.log10(max(known)))) if known else 0


def fixed(value: Any, decimals: int) -> str:
    """A number with so many decimals, for a column."""
    value = measured(value)
    if not math.isfinite(value) or decimals > MOST_DECIMALS or abs(value) >= MOST_WRITTEN:
        return number(value)
    return _minus(f"{round(value, decimals) + 0.0:,.{decimals}f}")


def signed_fixed(value: Any, decimals: int) -> str:
    """The same with its sign, for differences."""
    value = measured(value)
    text = fixed(value, decimals)
    return f"+{text}" if value > 0 else text


def given(value: Any) -> str:
    """A number that somebody wrote, as they wrote it: 14, 0.7."""
    value = measured(value)
    if not math.isfinite(value) or abs(value) >= MOST_WRITTEN:
        return number(value)
    return _minus(f"{value:,.0f}" if value == round(value) else f"{value:,.6g}")


def compact(value: float, step: float) -> str:
    """A round number beside an axis whose ticks are `step` apart: 0.5, 250, 20k, 1.5M."""
    factor, unit = next(((factor, unit) for least, factor, unit in UNITS if step >= least), (1.0, ""))
    decimals = max(0, -math.floor(math.log10(step / factor) + 1e-9))
    text = f"{value / factor + 0.0:,.{decimals}f}" if decimals <= MOST_DECIMALS else f"{value:.3g}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return _minus(text if text == "0" else text + unit)


def count(value: Any) -> str:
    """A number of things: 28,756."""
    value = measured(value)
    return f"{value:,.0f}" if math.isfinite(value) else NONE


def counted(value: int, thing: str) -> str:
    """A number of things with their name: 1 row, 2 rows."""
    return f"{value:,} {thing}" if value == 1 else f"{value:,} {thing}s"


def share(value: Any) -> str:
    """A share as percent: 93 %, 0.4 %; whole percents from ten on."""
    percent = 100.0 * measured(value)
    if not math.isfinite(percent):
        return NONE
    if 0 < percent < 0.1 or 99.9 < percent < 100:
        return f"<{SPACE}0.1{SPACE}%" if percent < 1 else f">{SPACE}99.9{SPACE}%"
    whole = percent == round(percent) or 10 <= percent < 99.5
    return _minus(f"{percent:.0f}{SPACE}%" if whole else f"{percent:.1f}{SPACE}%")


def seconds(value: Any) -> str:
    """A duration: 0.03 s, 12.9 s, 3 min 20 s."""
    value = measured(value)
    if not math.isfinite(value):
        return NONE
    if value < 60:
        return f"{value:.2f}{SPACE}s" if value < 1 else f"{value:.1f}{SPACE}s"
    return f"{int(value // 60)}{SPACE}min {int(value % 60)}{SPACE}s"


def moment(text: str) -> str:
    """A moment of ISO 8601: 21 November 2026, 09:10 UTC."""
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = " UTC" if when.utcoffset() == dt.timedelta(0) else ""
    return f"{when.day} {when:%B %Y, %H:%M}{zone}"


def day(text: str | None) -> str:
    """The day of a moment of ISO 8601: 1 May 2013."""
    if not text:
        return NONE
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{when.day} {when:%b %Y}"


def shortened(text: str, most: int) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _minus(text: str) -> str:
    return text.replace("-", "−")
