"""What a column of raw values probably is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.problem import Kind
from ml.raw.cells import numbers, texts, without_words
from ml.raw.dates import FORMS, read_dates
from ml.raw.misfit import Misfit

FREE_TEXT_SHARE = 0.5  # of the rows have a text of their own
NEARLY = 0.9  # of the values are numbers: then the others are mistakes rather than levels
FEW_LEVELS = 20  # a column of so few levels is never free text, and its whole numbers may be codes
BOOLEAN_WORDS = ({"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"})
LEADING_ZERO = r"^[-+]?0[0-9]"
NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"
DECIMAL_COMMA = r"^\s*[-+]?[0-9]+(,[0-9]+)?\s*$"
DIGITS = r"^[0-9]+$"
LOOKED_AT = 100  # dates are told from the first so many values before all are read


@dataclass(frozen=True)
class Guess:
    """What a column probably is.

    Attributes:
        kind: as which it would be read.
        distinct: how many different values it has; a missing one is none.
        missing: how many rows have no value.
        remark: where a person should look; empty where nothing is doubtful.
        unfit: why it is better left out; empty where it is not.
        whole: numbers without fractions.
    """

    kind: Kind
    distinct: int
    missing: int
    remark: str = ""
    unfit: str = ""
    whole: bool = False


def guess(column: pa.ChunkedArray) -> Guess:
    """What the raw column is: text from CSV, any type from Parquet."""
    kind = column.type
    try:
        if pa.types.is_boolean(kind):
            found = Guess("boolean", pc.count_distinct(column).as_py(), column.null_count)
        elif pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            found = Guess("date", pc.count_distinct(column).as_py(), column.null_count)
        elif pa.types.is_string(kind):
            found = _of_text(texts(column).drop_null().value_counts(), len(column))
        else:
            values = numbers(column)
            found = _of_numbers(values.unique().drop_null(), values.null_count, len(column))
    except Misfit as misfit:
        return Guess("category", 0, column.null_count, unfit=misfit.message)
    if found.missing == len(column):
        return replace(found, unfit="it has no value in any row")
    if found.distinct == 1 and found.missing == 0:
        return replace(found, unfit="it has the same value in every row")
    return found


def _of_numbers(levels: pa.Array, missing: int, rows: int) -> Guess:
    distinct = len(levels)
    values = np.asarray(levels, dtype=np.float64)
    whole = bool(np.all(values == np.floor(values)))
    remark = ""
    if whole and set(values) == {0.0, 1.0}:
        remark = "0 and 1; `boolean` if requests send true and false"
    elif whole and 1 < distinct <= FEW_LEVELS and rows >= 5 * distinct:
        remark = f"{distinct} whole numbers: codes? then `category`, and requests send text"
    return Guess("number", distinct, missing, remark, whole=whole)


def _of_text(counted: pa.StructArray, rows: int) -> Guess:
    """From the distinct texts and how often each stands."""
    levels, counts = counted.field("values"), counted.field("counts")
    amounts = without_words(levels)
    present = amounts.drop_null()
    missing = rows - _sum(counts.filter(amounts.is_valid()))
    if len(present) == 0:
        return Guess("category", 0, rows)
    if not pc.any(pc.match_substring_regex(present, LEADING_ZERO)).as_py():
        try:
            values = numbers(pa.chunked_array([present]))
            return _of_numbers(values.unique().drop_null(), missing, rows)
        except Misfit:
            pass
    words = sorted(set(pc.ascii_lower(present).to_pylist()))
    if set(words) in BOOLEAN_WORDS:
        return Guess("boolean", 2, missing, f"{' and '.join(words)} in the file; requests send true and false")
    return _of_dates(present, missing) or _of_categories(levels, counts, amounts, rows)


def _sum(counts: pa.Array) -> int:
    return int(pc.sum(counts).as_py() or 0)


def _of_dates(present: pa.Array, missing: int) -> Guess | None:
    """A date, also where some values cannot be read; None where the first values are something else."""
    head = present.slice(0, LOOKED_AT)
    if pc.all(pc.match_substring_regex(head, DIGITS)).as_py():
        return None
    found = Guess("date", len(present), missing)
    try:
        read_dates(head)
    except Misfit:
        if not all(any(form.pattern.fullmatch(text) for form in FORMS) for text in head.to_pylist()):
            return None
    try:
        read_dates(present)
    except Misfit:
        return replace(found, unfit="its dates cannot all be read in one way: write 2013-07-31")
    return found


def _of_categories(levels: pa.Array, counts: pa.Array, amounts: pa.Array, rows: int) -> Guess:
    total, distinct = _sum(counts), len(levels)
    found = Guess("category", distinct, rows - total, _remark_on_words(levels.filter(amounts.is_null())))
    present = amounts.drop_null()
    if _have_commas(present):
        return replace(found, kind="number", unfit="its numbers have decimal commas: write decimal points")
    as_numbers = pc.fill_null(pc.match_substring_regex(amounts, NUMBER), False)
    others = total - _sum(counts.filter(pc.or_(as_numbers, amounts.is_null())))
    if others and others <= (1 - NEARLY) * total and distinct > FEW_LEVELS:
        return replace(found, kind="number", unfit=f"{others} of its {total} values are no numbers: mend them")
    if distinct > FEW_LEVELS and distinct > FREE_TEXT_SHARE * total:
        return replace(found, unfit="nearly every row has a text of its own")
    return found


def _have_commas(present: pa.Array) -> bool:
    some = pc.any(pc.match_substring(present, ",")).as_py()
    return bool(some and pc.all(pc.match_substring_regex(present, DECIMAL_COMMA)).as_py())


def _remark_on_words(words: pa.Array) -> str:
    if len(words) == 0:
        return ""
    return f"{' and '.join(sorted(words.to_pylist()))} is a category here, not a missing value"
