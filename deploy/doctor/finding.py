"""What a check found: fine, worth knowing, or in the way, with its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        check: the check's word.
        level: ok, warning (it works, with a loss) or fault (it will fail).
        message: what was found, with the value.
        remedy: what would be right; empty where nothing is wrong.
    """

    check: str
    level: Level
    message: str
    remedy: str = ""


def ok(check: str, message: str) -> Finding:
    """Nothing is wrong."""
    return Finding(check, "ok", message)


def fault(check: str, message: str, remedy: str) -> Finding:
    """It would fail."""
    return Finding(check, "fault", message, remedy)


def warning(check: str, message: str, remedy: str) -> Finding:
    """It works, with a loss."""
    return Finding(check, "warning", message, remedy)
