"""The target of a classification as labels."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from ml.raw.cells import FALSE_WORDS, MISSING_WORDS, TRUE_WORDS

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


def labels(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A whole column of text as labels.

    Beside labels that are numbers or booleans the words for missing mean missing; beside others they
    are labels, so that a class named `None` stays.
    """
    distinct = column.unique().drop_null().to_pylist()
    words = [level for level in distinct if level.strip().lower() in MISSING_WORDS]
    others = [level for level in distinct if level.strip().lower() not in MISSING_WORDS]
    if not words or not all(_is_amount(level.strip()) for level in others):
        return column
    return pc.if_else(pc.is_in(column, value_set=pa.array(words)), pa.scalar(None, pa.string()), column)


def _is_amount(level: str) -> bool:
    return NUMBER.fullmatch(level) is not None or level.lower() in (*TRUE_WORDS, *FALSE_WORDS)
