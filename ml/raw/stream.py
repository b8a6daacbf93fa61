"""Raw rows in parts: each read on its own, for files that are larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import pyarrow as pa

from ml.raw.cells import plain
from ml.raw.csv_blocks import Block, plain_blocks
from ml.raw.csv_file import CsvFile
from ml.raw.dates import Doubt, Written, dates, undated, way_of
from ml.raw.folder import Raw, RawFile
from ml.raw.typed import BY_BATCH, placed

ROWS_LOOKED_AT = 128 * 1024
# Labels are understood only from all of them together, so they are no reading of a stream.
StreamReading = Literal["number", "category", "boolean", "date"]


@dataclass(frozen=True)
class Part:
    """Some consecutive rows of one file.

    Attributes:
        file: where they stand.
        first: the number of the first of them in the file, from 0.
        rows: text from CSV, typed from Parquet.
    """

    file: RawFile
    first: int
    rows: pa.Table

    def place(self, row: int, column: str = "") -> str:
        """Where a row of the part (from 0) stands: file, row and column."""
        return self.file.place(self.first + row) + (f", column `{column}`" if column else "")


def parts(raw: Raw, columns: Sequence[str], most_rows: int) -> Iterator[Part]:
    """The named columns as they stand in the files, at most `most_rows` rows at a time.

    Raises:
        Fault: a column is not there, or a file is broken.
    """
    for name in columns:
        raw.require(name)
    for file in raw.files:
        yield from _parts_of(file, file.batches(columns), 0, most_rows)


def pieces(raw: Raw, most_rows: int) -> Iterator[Part | Block]:
    """All columns, as `parts` has them; the plain beginning of each CSV file as blocks of its lines.

    Raises:
        Fault: a file is broken.
    """
    for file in raw.files:
        if not isinstance(file, CsvFile):
            yield from _parts_of(file, file.batches(raw.columns), 0, most_rows)
        elif (reached := (yield from plain_blocks(file))) is not None:
            yield from _parts_of(file, file.batches(raw.columns, reached), reached.rows, most_rows)


def _parts_of(file: RawFile, batches: Iterator[pa.Table], first: int, most_rows: int) -> Iterator[Part]:
    for rows in batches:
        for start in range(0, rows.num_rows, most_rows):
            yield Part(file, first + start, rows.slice(start, most_rows))
        first += rows.num_rows


@dataclass(frozen=True)
class PartReader:
    """Reads the columns of each part as what they are.

    Attributes:
        casts: for each column the function from its raw values to typed ones.
    """

    casts: Mapping[str, Callable[[pa.ChunkedArray], pa.ChunkedArray]]

    @classmethod
    def of(cls, raw: Raw, readings: Mapping[str, StreamReading]) -> PartReader:
        """Looks at the files as far as it takes to know how dates are written.

        Raises:
            Fault: a column is not there, a file is broken, or dates can be read in two ways.
        """
        for name in readings:
            raw.require(name)
        return cls({name: _cast(raw, name, reading) for name, reading in readings.items()})

    def read(self, part: Part) -> pa.Table:
        """The columns of a part: number is float64, category string, boolean bool, date timestamp[us].

        Raises:
            Fault: a value does not fit its column.
        """
        columns = {}
        for name, cast in self.casts.items():
            with placed(part.place, part.file.path, name):
                columns[name] = cast(plain(part.rows.column(name)))
        return pa.table(columns)


def _cast(raw: Raw, name: str, reading: StreamReading) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    return partial(dates, way=_way(raw, name)) if reading == "date" else BY_BATCH[reading]


def _way(raw: Raw, name: str) -> Written | None:
    """How a column's text is written as dates, as the first part that decides it tells; None without text."""
    undecided: tuple[Part, Doubt] | None = None
    for part, column in _undated_parts(raw, name):
        with placed(part.place, part.file.path, name):
            try:
                if (way := way_of(column)) is not None:
                    return way
            except Doubt as doubt:
                undecided = undecided or (part, doubt)
    if undecided is not None:
        part, misfit = undecided
        with placed(part.place, part.file.path, name):
            raise misfit
    return None


def _undated_parts(raw: Raw, name: str) -> Iterator[tuple[Part, pa.ChunkedArray]]:
    """The parts that have the column as text; a file that has it typed is left at its first part."""
    for file in raw.files:
        for part in parts(Raw(raw.path, (file,)), [name], ROWS_LOOKED_AT):
            with placed(part.place, file.path, name):
                column = undated(plain(part.rows.column(name)))
            if pa.types.is_timestamp(column.type):
                break
            yield part, column
