"""The lines of a CSV file as they stand: where each of them is a row, rows need not be written anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.raw.csv_file import BLOCK_BYTES, CsvFile
from ml.raw.folder import RawFile
from ml.raw.stream import Part

LINE_BREAK = ord("\n")


@dataclass(frozen=True)
class Lined:
    """Rows as lines.

    Attributes:
        texts: each line with the line break before it, and without the one behind it.
        columns: the number of fields in each.
    """

    texts: pa.Array
    columns: int


def with_lines(parts: Iterator[Part]) -> Iterator[tuple[Part, Lined | None]]:
    """Each part of all columns with its rows as lines; None where they cannot be passed on as they stand."""
    with ExitStack() as opened:
        file: RawFile | None = None
        lines: Lines | None = None
        for part in parts:
            if part.file is not file:
                opened.close()
                file = part.file
                lines = opened.enter_context(Lines(file)) if _with_commas(file) else None
            yield part, lines.take(part.rows) if lines else None


def _with_commas(file: RawFile) -> TypeGuard[CsvFile]:
    return isinstance(file, CsvFile) and file.delimiter == ","


class Lines:
    """Finds the lines of rows by the lengths of their fields."""

    def __init__(self, file: CsvFile) -> None:
        self._file = file.path.open("rb")
        header = [self._file.readline(BLOCK_BYTES) for _ in range(file.blank_lines + 1)]
        self._plain = header[-1].count(b'"') % 2 == 0  # or the header goes on in the next line
        self._at = sum(map(len, header)) - 1  # the line break before the next line

    def __enter__(self) -> Lines:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the file."""
        self._file.close()

    def take(self, rows: pa.Table) -> Lined | None:
        """The lines of the next rows; none from the first on that is more than its fields and commas.

        Quotes, carriage returns and empty lines make the file longer than that.
        """
        breaks = _breaks(rows)
        self._plain = self._plain and _are_breaks(text := self._next(int(breaks[-1])), breaks)
        if not self._plain:
            return None
        places = pa.py_buffer(breaks.astype(np.int32))
        return Lined(pa.StringArray.from_buffers(rows.num_rows, places, pa.py_buffer(text)), rows.num_columns)

    def _next(self, length: int) -> bytes:
        """As many bytes, and the line break behind them if there is one."""
        self._file.seek(self._at)
        self._at += length
        return self._file.read(length + 1)


def _breaks(rows: pa.Table) -> np.ndarray:
    """Where the line breaks before, between and behind the rows are, counted from the first of them."""
    breaks = np.full(rows.num_rows + 1, rows.num_columns, np.int64)  # the commas and one line break
    breaks[0] = 0
    for column in rows.columns:
        breaks[1:] += pc.binary_length(column).to_numpy()
    return breaks.cumsum()


def _are_breaks(text: bytes, breaks: np.ndarray) -> bool:
    """Whether these are the line breaks of the text, and all of them; the last may be the end of the file."""
    if b'"' in text or len(text) < breaks[-1]:
        return False
    found = np.frombuffer(text if len(text) > breaks[-1] else text + b"\n", np.uint8) == LINE_BREAK
    return np.count_nonzero(found) == len(breaks) and bool(found[breaks].all())
