"""Columns that name rows rather than describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deploy.new.guess import FEWEST_OWN, OF_ITS_OWN, Guess
from deploy.new.spelling import Place, shown
from ml.raw.cells import numbers, texts

ID_NAME = re.compile(r"(?i:(?:^|[\W_])(?:id|uuid|guid))$|[a-z]I[dD]$")
KEY_NAME = re.compile(r"(?i:(?:^|[\W_])(?:key|code|ref|reference|serial|no|nr|number|name))$")
NO_CODE = r"\s|^.{41}"
FEWEST_DIGITS = 6  # amounts are seldom all of one length; shorter ones may be
FEW_CODES = 50  # an id of so few values may be a shop or a machine, which says something


def identifier(guesses: Mapping[str, Guess], columns: Mapping[str, pa.ChunkedArray]) -> str | None:
    """The first column that differs in every row and is named like an id, or else holds codes."""
    unique = [name for name, found in guesses.items() if _differs(found, columns[name])]
    for name in unique:
        if ID_NAME.search(name) or (KEY_NAME.search(name) and not _runs(guesses[name], columns[name])):
            return name
    return next((name for name in unique if _holds_codes(guesses[name], columns[name])), None)


def _differs(found: Guess, column: pa.ChunkedArray) -> bool:
    in_every_row = found.distinct == len(column) and found.missing == 0
    return in_every_row and (found.kind == "category" or found.whole)


def _holds_codes(found: Guess, column: pa.ChunkedArray) -> bool:
    """Short texts without spaces; numbers may be amounts."""
    return found.kind == "category" and not pc.any(pc.match_substring_regex(texts(column), NO_CODE)).as_py()


def why_it_names_rows(name: str, found: Guess, column: pa.ChunkedArray, place: Place) -> str:
    """Why a column is no feature: it counts the rows, its name says id, or its values; empty where it may be one."""
    if _runs(found, column):
        return "a running number"
    if length := _code_length(found, column):
        first = shown(column, pc.index(column.is_valid(), True).as_py(), place)
        return f"nearly every row has a number of its own, each of {length} digits ({first}): names?"
    if ID_NAME.search(name) and (found.kind == "category" or found.whole) and found.distinct > FEW_CODES:
        return "by its name it names something, and by its values many"
    return ""


def _code_length(found: Guess, column: pa.ChunkedArray) -> int:
    """How many digits all the whole numbers have, where nearly each is another; 0 where they may be amounts."""
    present = len(column) - found.missing
    if not found.whole or present < FEWEST_OWN or found.distinct < OF_ITS_OWN * present:
        return 0
    ends = pc.min_max(numbers(column)).as_py()
    shortest, longest = (len(f"{end:.0f}") for end in (ends["min"], ends["max"]))
    return longest if ends["min"] > 0 and shortest == longest >= FEWEST_DIGITS else 0


def _runs(found: Guess, column: pa.ChunkedArray) -> bool:
    """Whether each row has the number of the row before it and one more."""
    if not found.whole or found.missing or found.distinct != len(column):
        return False
    return bool(np.all(np.diff(np.asarray(numbers(column))) == 1.0))
