"""Columns that name rows rather than describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deploy.new.guess import Guess
from ml.raw.cells import numbers

ID_NAME = re.compile(r"(?i:(?:^|[\W_])(?:id|uuid|guid))$|[a-z]I[dD]$")
KEY_NAME = re.compile(r"(?i:(?:^|[\W_])(?:key|code|ref|reference|serial|no|nr|number|name))$")
NO_CODE = r"\s|^.{41}"
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
    is_text = found.kind == "category" and pa.types.is_string(column.type)
    return is_text and not pc.any(pc.match_substring_regex(column, NO_CODE)).as_py()


def why_it_names_rows(name: str, found: Guess, column: pa.ChunkedArray) -> str:
    """Why a column is no feature: it counts the rows, or its name says id; empty where it may be one."""
    if _runs(found, column):
        return "a running number"
    if ID_NAME.search(name) and (found.kind == "category" or found.whole) and found.distinct > FEW_CODES:
        return "by its name it names something, and by its values many"
    return ""


def _runs(found: Guess, column: pa.ChunkedArray) -> bool:
    """Whether each row has the number of the row before it and one more."""
    if not found.whole or found.missing or found.distinct != len(column):
        return False
    return bool(np.all(np.diff(np.asarray(numbers(column))) == 1.0))
