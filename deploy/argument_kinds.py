"""What may stand after an option of the command line: each makes a value of its text, or says why it is none."""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")  # Azure ML's rule for the names of jobs
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def count(text: str) -> int:
    """At least one of something.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"`{text}` is no whole number from 1 on")
    return int(text)


def seconds(text: str) -> float:
    """How long, with an end.

    Raises:
        ArgumentTypeError: it is not.
    """
    try:
        given = float(text)
    except ValueError:
        given = math.nan
    if not 0 <= given < math.inf:
        raise ArgumentTypeError(f"`{text}` is no number of seconds")
    return given


def run_id(text: str) -> str:
    """A run's id, which becomes a folder's name too.

    Raises:
        ArgumentTypeError: it is none.
    """
    return _of_form(RUN_ID, text, "id of a run, which `mlops train` tells")


def address(text: str) -> str:
    """Where mail goes.

    Raises:
        ArgumentTypeError: none goes there.
    """
    return _of_form(ADDRESS, text, "address such as models@example.com")


def _of_form(form: re.Pattern[str], text: str, what: str) -> str:
    if not form.fullmatch(text):
        raise ArgumentTypeError(f"`{text}` is no {what}")
    return text
