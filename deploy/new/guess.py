"""What a column of raw values probably is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deploy.new.spelling import FEW_LEVELS, Place, Texts, shown, spelling
from ml.problem import Kind
from ml.raw.cells import LARGEST_EXACT, numbers
from ml.raw.dates import FORMS, read_dates
from ml.raw.misfit import Misfit

FREE_TEXT_SHARE = 0.5  # of the rows have a text of their own
NEARLY = 0.9  # of the values are numbers: then the others are mistakes rather than levels
BOOLEAN_WORDS = ({"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"})
OF_ITS_OWN = 0.95  # of the values are whole numbers that no other row has: then they may be names
FEWEST_OWN = 50  # values that this is told from
LEADING_ZERO = r"^[-+]?0[0-9]"
INTEGER, LONG_INTEGER = r"^[-+]?[0-9]+$", r"^[-+]?[0-9]{16,}$"
ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[-+][0-9]{2}:?[0-9]{2})?)?$"
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


def guess(column: pa.ChunkedArray, place: Place) -> Guess:
    """What the raw column is: text from CSV, any type from Parquet.

    Args:
        column: of the whole file.
        place: where a row (from 0) stands, for remarks on its value.
    """
    try:
        found = _of(column, place)
    except Misfit as misfit:
        if misfit.row is None:
            return Guess("category", 0, column.null_count, unfit=misfit.message)
        unfit = f"{misfit.message} ({place(misfit.row)}): {misfit.remedy}"
        return Guess("number", pc.count_distinct(column).as_py(), column.null_count, unfit=unfit)
    if found.missing == len(column):
        return replace(found, unfit="it has no value in any row")
    if found.distinct == 1 and found.missing == 0:
        return replace(found, unfit="it has the same value in every row")
    return found


def _of(column: pa.ChunkedArray, place: Place) -> Guess:
    kind = column.type
    if pa.types.is_boolean(kind):
        return Guess("boolean", pc.count_distinct(column).as_py(), column.null_count)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Guess("date", pc.count_distinct(column).as_py(), column.null_count)
    if pa.types.is_string(kind) or (pa.types.is_integer(kind) and _beyond_exact(column)):
        return _of_text(Texts.of(column, place))
    return _of_numbers(numbers(column), column, place)


def _beyond_exact(integers: pa.ChunkedArray) -> bool:
    ends = pc.min_max(integers).as_py()
    return any(end is not None and abs(end) >= LARGEST_EXACT for end in ends.values())


def _of_numbers(values: pa.ChunkedArray, column: pa.ChunkedArray, place: Place) -> Guess:
    levels = np.asarray(values.unique().drop_null(), dtype=np.float64)
    distinct, present = len(levels), len(values) - values.null_count
    whole = bool(np.all(levels == np.floor(levels)))
    remark = ""
    if whole and set(levels) == {0.0, 1.0}:
        remark = "0 and 1; `boolean` if requests send true and false"
    elif whole and 1 < distinct <= FEW_LEVELS and len(values) >= 5 * distinct:
        remark = f"{distinct} whole numbers: codes? then `category`, and requests send text"
    elif whole and present >= FEWEST_OWN and distinct >= OF_ITS_OWN * present:
        first = shown(column, pc.index(values.is_valid(), True).as_py(), place)
        remark = f"nearly every row has a whole number of its own ({first}): an amount, or a name?"
    return Guess("number", distinct, values.null_count, remark, whole=whole)


def _of_text(words: Texts) -> Guess:
    present, rows = words.present, len(words.column)
    missing = rows - words.rows(words.amounts.is_valid())
    if len(present) == 0:
        return Guess("category", 0, rows)
    if _are_long_integers(present):
        return _of_long_integers(words, missing)
    if not pc.any(pc.match_substring_regex(present, LEADING_ZERO)).as_py():
        try:
            return _of_numbers(numbers(words.column), words.column, words.place)
        except Misfit:
            pass
    said = sorted(set(pc.ascii_lower(present).to_pylist()))
    if set(said) in BOOLEAN_WORDS:
        return Guess("boolean", 2, missing, f"{' and '.join(said)} in the file; requests send true and false")
    return _of_dates(words, missing) or _of_categories(words)


def _are_long_integers(present: pa.Array) -> bool:
    """Whether all are integers, and float64 does not hold all of them exactly."""
    if not pc.all(pc.match_substring_regex(present, INTEGER)).as_py():
        return False
    long = present.filter(pc.match_substring_regex(present, LONG_INTEGER))
    return bool(pc.any(pc.greater_equal(pc.abs(long.cast(pa.float64())), LARGEST_EXACT)).as_py())


def _of_long_integers(words: Texts, missing: int) -> Guess:
    present = words.present
    length = pc.utf8_length(pc.replace_substring_regex(words.amounts, "^[-+]", ""))
    first = words.first(pc.equal(length, pc.max(length)))
    said = f"whole numbers of up to {pc.max(length)} digits, which a number would round ({first})"
    found = Guess("category", len(present), missing, f"{said}: codes?", whole=True)
    few = len(present) <= FEW_LEVELS or len(present) <= FREE_TEXT_SHARE * (len(words.column) - missing)
    return found if few else replace(found, remark="", unfit=f"{said}, nearly every row its own: names?")


def _of_dates(words: Texts, missing: int) -> Guess | None:
    """A date, also where some values cannot be read; None where the first values are something else."""
    present = words.present
    head = present.slice(0, LOOKED_AT)
    if pc.all(pc.match_substring_regex(head, DIGITS)).as_py():
        return None
    found = Guess("date", len(present), missing)
    try:
        read_dates(head)
    except Misfit:
        if not all(any(form.pattern.fullmatch(text) for form in FORMS) for text in head.to_pylist()):
            return None
    if not pc.all(pc.match_substring_regex(present, ISO)).as_py():
        found = replace(found, remark=f"{present[0].as_py()} in the file; requests send ISO 8601, such as 2013-07-31")
    try:
        read_dates(present)
    except Misfit as misfit:
        odd = pc.equal(words.amounts, present[misfit.row or 0])
        said = f"its dates cannot all be read in one way ({words.first(odd)})"
        return replace(found, unfit=f"{said}: write 2013-07-31")
    return found


def _of_categories(words: Texts) -> Guess:
    total, distinct = words.rows(words.levels.is_valid()), len(words.levels)
    found = Guess("category", distinct, len(words.column) - total)
    written = spelling(words)
    strangers = f"{written.strangers}: mend them for a `number`" if written and written.strangers else ""
    numeric = written and written.share >= NEARLY and (not strangers or written.distinct > FEW_LEVELS)
    if written and numeric and (mistakes := _joined(written.otherwise, strangers)):
        return replace(found, kind="number", unfit=mistakes)
    if distinct > FEW_LEVELS and distinct > FREE_TEXT_SHARE * total:
        return replace(found, unfit=_joined("nearly every row has a text of its own", strangers))
    return replace(found, remark=_joined(_on_words(words), strangers or _on_zeros(words)))


def _joined(*remarks: str) -> str:
    return "; ".join(filter(None, remarks))


def _on_words(words: Texts) -> str:
    said = words.levels.filter(words.amounts.is_null())
    return f"{' and '.join(sorted(said.to_pylist()))} is a category here, not a missing value" if len(said) else ""


def _on_zeros(words: Texts) -> str:
    zeros = pc.fill_null(pc.match_substring_regex(words.amounts, LEADING_ZERO), False)
    return f"numbers that begin with a zero ({words.first(zeros)}): read as codes" if pc.any(zeros).as_py() else ""
