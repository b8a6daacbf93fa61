"""SVG as text: every attribute and every word is escaped here."""

from __future__ import annotations

import re
from html import escape

# What XML 1.0 forbids (section 2.2), and what turns the direction of all that follows (Unicode TR 36).
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Markup that is escaped already; Jinja, which asks for `__html__`, leaves it as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        """The markup itself."""
        return self


def clean(text: str) -> str:
    """The text with the replacement character for each that has no place in it."""
    return FORBIDDEN.sub("\ufffd", text)


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """One element.

    Args:
        tag: its name.
        children: markup, or words that are escaped.
        attributes: an underscore stands for a hyphen, `class_` for `class`; None leaves one out.
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(clean(text_of(value)))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inside = "".join(child if isinstance(child, Markup) else escape(clean(child)) for child in children)
    return Markup(f"<{tag}{written}>{inside}</{tag}>" if inside else f"<{tag}{written}/>")


def group(*children: str, **attributes: object) -> Markup:
    """Elements that belong together."""
    return element("g", *children, **attributes)


def text_of(value: object) -> str:
    """An attribute's value; numbers with at most two decimals."""
    return coordinate(value) if isinstance(value, float) else str(value)


def coordinate(value: float) -> str:
    """A coordinate with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"
