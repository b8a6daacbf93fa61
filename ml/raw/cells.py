"""Cells as values: a raw column as numbers, booleans or categories.

What means *missing*: the empty field everywhere. In a column of numbers, booleans or dates also the words
NA, N/A, #N/A, NaN, null and None in any case. In a column of categories they are text like any other:
`NA` may be Namibia, and `None` an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from ml.raw.misfit import Misfit, quoted

MISSING_WORDS = ("", "na", "n/a", "#n/a", "nan", "null", "none")
USUAL_SPELLINGS = ("", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "None")
TRUE_WORDS = ("true", "t", "yes", "y", "1", "1.0")
FALSE_WORDS = ("false", "f", "no", "n", "0", "0.0")
LARGEST_EXACT = 2.0**53  # from here on float64 skips integers

NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)

THOUSANDS = re.compile(r"[-+]?\d{1,3}([ ,.'’\u00a0\u202f]\d{3})+([.,]\d+)?")
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
UNIT = re.compile(r"[$€£¥%]\s*[-+]?[\d.,]+|[-+]?[\d.,]+\s*(?:[$€£¥%]|[A-Za-z°]{1,4})")


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without Arrow's variants of encoding and width: dictionaries, large strings."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return plain(column.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column


def numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as float64.

    Raises:
        Misfit: at the first value that is no finite number, or for a column of another type.
    """
    kind = column.type
    if pa.types.is_string(kind):
        column = _parsed(column)
    elif pa.types.is_boolean(kind):
        raise Misfit(None, "the column is boolean, not a number", "make its kind `boolean`")
    elif pa.types.is_temporal(kind) or not any(is_number(kind) for is_number in NUMERIC):
        raise Misfit(None, f"the column is {kind}, not a number", "convert it in the file, or leave it out")
    values = column.cast(pa.float64(), safe=False)
    if pc.all(pc.is_finite(values), min_count=0).as_py():
        return values
    infinite = pc.index(pc.is_inf(values), True).as_py()
    if infinite >= 0:
        remedy = "leave the field empty where the value is unknown"
        raise Misfit(infinite, f"{quoted(column[infinite])} is not a finite number", remedy)
    return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)


def booleans(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as booleans: true/false, yes/no, t/f, y/n, 1/0 in any case.

    Raises:
        Misfit: at the first value that is neither, or for a column of another type.
    """
    if pa.types.is_boolean(column.type):
        return column
    words = pc.ascii_lower(without_words(texts(column)))
    yes = pc.is_in(words, value_set=pa.array(TRUE_WORDS))
    known = pc.or_(yes, pc.is_in(words, value_set=pa.array((*FALSE_WORDS, None), pa.string())))
    stranger = pc.index(known, False).as_py()
    if stranger >= 0:
        remedy = "write true or false, or make the column a category in the problem file"
        raise Misfit(stranger, f"{quoted(column[stranger])} is not true or false", remedy)
    return pc.if_else(pc.is_null(words), pa.scalar(None, pa.bool_()), yes)


def texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as strings, exactly as they stand; the empty field is missing.

    A number without a fraction is written without one (1.0, which pandas makes of 1 beside a missing
    value, is `1`), booleans are `true` and `false`, dates ISO 8601.

    Raises:
        Misfit: for a column of lists, structures or bytes.
    """
    kind = column.type
    if pa.types.is_string(kind):
        empty = pc.equal(pc.binary_length(column), 0)
        return pc.if_else(empty, pa.scalar(None, pa.string()), column) if pc.any(empty).as_py() else column
    if pa.types.is_floating(kind):
        return _float_texts(column)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise Misfit(None, f"the column is {kind}, which no kind can hold", "leave it out")
    return column.cast(pa.string())


def _float_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    values = numbers(column)
    whole = pc.and_(pc.equal(pc.floor(values), values), pc.less(pc.abs(values), LARGEST_EXACT))
    integers = pc.if_else(whole, values, None).cast(pa.int64())
    return pc.coalesce(integers.cast(pa.string()), values.cast(pa.string()))


def _blank(text: pa.ChunkedArray, words: tuple[str, ...]) -> pa.ChunkedArray:
    return pc.if_else(pc.is_in(text, value_set=pa.array(words)), pa.scalar(None, pa.string()), text)


def _parsed(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text as float64; gaps are taken out, and then text trimmed, only where it does not do without."""
    for spellings in ((), USUAL_SPELLINGS):
        try:
            return (_blank(text, spellings) if spellings else text).cast(pa.float64())
        except pa.ArrowInvalid:
            continue
    return _first_failing(without_words(text), lambda part: part.cast(pa.float64()), _no_number)


def without_words(text: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """The text trimmed, and missing where a word says so, in any case."""
    trimmed = pc.utf8_trim_whitespace(text)
    missing = pc.is_in(pc.ascii_lower(trimmed), value_set=pa.array(MISSING_WORDS))
    return pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)


def _first_failing(
    column: pa.ChunkedArray,
    cast: Callable[[pa.ChunkedArray], pa.ChunkedArray],
    misfit: Callable[[int, str], Misfit],
) -> pa.ChunkedArray:
    """The cast column, or a misfit at the first value that does not cast, found by halving."""
    try:
        return cast(column)
    except pa.ArrowInvalid:
        start, length = 0, len(column)
    while length > 1:
        half = length // 2
        try:
            cast(column.slice(start, half))
            start, length = start + half, length - half
        except pa.ArrowInvalid:
            length = half
    raise misfit(start, column[start].as_py())


def _no_number(row: int, value: str) -> Misfit:
    if THOUSANDS.fullmatch(value):
        remedy = "write it without separators between the thousands and with a decimal point: 1234.5"
    elif DECIMAL_COMMA.fullmatch(value):
        remedy = f"write a decimal point, not a comma: {value.replace(',', '.')}"
    elif UNIT.fullmatch(value):
        remedy = "leave the unit out of the field"
    else:
        remedy = "correct it, leave the field empty, or make the column a category in the problem file"
    return Misfit(row, f"{quoted(value)} is not a number", remedy)
