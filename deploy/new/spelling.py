"""How the numbers in a column of text are written, and which texts among them are none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ml.raw.cells import DECIMAL_COMMA, THOUSANDS, UNIT, texts, without_words
from ml.raw.misfit import quoted

Place = Callable[[int], str]

LOOKED_AT = 100  # a column is looked at whole where half of its first so many values are numbers in some spelling
HALF = 0.5
FEW_LEVELS = 20  # a column of so few levels is never free text, and what looks like numbers may be codes
MOST_UNITS = 3  # of more, or of few levels, the numbers are codes such as 12A and 12B
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.A)
NO_AMOUNT = re.compile(r"[-+\d.,'’\s]")
SPELLINGS = {
    "thousands": "its numbers have separators between the thousands",
    "comma": "its numbers have decimal commas",
    "unit": "its numbers have a unit",
}
RIGHT = "write 1234.5"


@dataclass(frozen=True)
class Texts:
    """The distinct texts of a column, in the order in which they come.

    Attributes:
        column: the rows' texts; the empty field is missing.
        levels, counts: the distinct texts, and how many rows have each.
        amounts: the levels trimmed, and missing where a word says so.
        place: where a row (from 0) stands.
    """

    column: pa.ChunkedArray
    levels: pa.Array
    counts: pa.Array
    amounts: pa.Array
    place: Place

    @classmethod
    def of(cls, column: pa.ChunkedArray, place: Place) -> Texts:
        """The texts of a raw column."""
        cells = texts(column)
        counted = cells.drop_null().value_counts()
        levels, counts = counted.field("values"), counted.field("counts")
        return cls(cells, levels, counts, without_words(levels), place)

    @property
    def present(self) -> pa.Array:
        """The levels that are no word for a missing value."""
        return self.amounts.drop_null()

    def rows(self, which: pa.Array) -> int:
        """How many rows have one of the chosen levels."""
        return int(pc.sum(self.counts.filter(which)).as_py() or 0)

    def first(self, which: pa.Array) -> str:
        """The first row of a chosen level with its value: `row 31: '1,234'`."""
        level = self.levels[pc.index(which, True).as_py()]
        return shown(self.column, pc.index(self.column, level).as_py(), self.place)


def shown(column: pa.ChunkedArray, row: int, place: Place) -> str:
    """A row with its value, as a remark shows it."""
    return f"{place(row)}: {quoted(column[row])}"


@dataclass(frozen=True)
class Spelling:
    """The numbers among a column's texts.

    Attributes:
        share: of the rows that have a value, those with a number in any spelling.
        distinct: how many different numbers there are.
        otherwise: what is to be written in another way, with a row; empty where nothing is.
        strangers: which values are no numbers, with their count and the first; empty where all are.
    """

    share: float
    distinct: int
    otherwise: str
    strangers: str


def spelling(words: Texts) -> Spelling | None:
    """How the numbers are written; None where not even half of the first values are numbers."""
    head = [_form(text.as_py()) for text in words.present.slice(0, LOOKED_AT)]
    if sum(form != "" for form in head) < HALF * len(head):
        return None
    forms = ["missing" if text is None else _form(text) for text in words.amounts.to_pylist()]
    units = {NO_AMOUNT.sub("", t) for t, form in zip(words.amounts.to_pylist(), forms, strict=True) if form == "unit"}
    if len(units) > MOST_UNITS or len(forms) <= FEW_LEVELS:
        forms = ["" if form == "unit" else form for form in forms]
    total = words.rows(words.amounts.is_valid())
    strange = pa.array([form == "" for form in forms])
    return Spelling(
        share=1.0 - words.rows(strange) / total,
        distinct=len(words.present) - Counter(forms)[""],
        otherwise=_otherwise(words, forms),
        strangers=_strangers(words, strange, total),
    )


def _form(text: str) -> str:
    """How a number is written; empty where the text is none. `1,234` is taken for a thousand and more."""
    if NUMBER.fullmatch(text):
        return "plain"
    for form, pattern in (("thousands", THOUSANDS), ("comma", DECIMAL_COMMA), ("unit", UNIT)):
        if pattern.fullmatch(text):
            return form
    return ""


def _otherwise(words: Texts, forms: Sequence[str]) -> str:
    # Where one number can only have a decimal comma, those like 1,234 probably have one too.
    for form in ("comma", "thousands", "unit"):
        if form in forms:
            found = words.first(pa.array([one == form for one in forms]))
            return f"{SPELLINGS[form]} ({found}): {RIGHT}"
    return ""


def _strangers(words: Texts, strange: pa.Array, total: int) -> str:
    count = words.rows(strange)
    if not count:
        return ""
    verb = "is no number" if count == 1 else "are no numbers"
    return f"{count} of its {total} values {verb} ({words.first(strange)})"
