"""A value that its column cannot hold, before it is known which file and row it stands in."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_QUOTE = 40


@dataclass(eq=False)
class Misfit(Exception):
    """A value that does not fit.

    Attributes:
        row: the row of the column that was looked at, from 0; None where the whole column does not fit.
        message: what is wrong, with the value.
        remedy: what would be right.
    """

    row: int | None
    message: str
    remedy: str


def quoted(value: object) -> str:
    """A value as a message shows it: on one line, not longer than a line."""
    text = str(value)
    shown = text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"
    return repr(shown)
