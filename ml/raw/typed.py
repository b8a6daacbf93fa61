"""Raw rows as typed rows: each column cast to what it is read as."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import pyarrow as pa

from ml.fault import invalid
from ml.raw.cells import booleans, numbers, plain, texts
from ml.raw.dates import dates, undated
from ml.raw.folder import Raw, RawFile
from ml.raw.labels import labels
from ml.raw.misfit import Misfit

Reading = Literal["number", "category", "boolean", "date", "label"]

BY_BATCH: dict[Reading, Callable[[pa.ChunkedArray], pa.ChunkedArray]] = {
    "number": numbers,
    "category": texts,
    "boolean": booleans,
    "label": texts,
    "date": undated,
}
# These are understood only from all their values together.
BY_COLUMN: dict[Reading, Callable[[pa.ChunkedArray], pa.ChunkedArray]] = {"date": dates, "label": labels}


Files = tuple[tuple[RawFile, int], ...]
Parts = dict[str, list["pa.ChunkedArray"]]


@dataclass(frozen=True)
class Typed:
    """Typed rows that know where they came from.

    Attributes:
        rows: number is float64, category and label are string, boolean is bool, date is timestamp[us].
        files: each file that was read with its number of rows, in the order of the rows.
    """

    rows: pa.Table
    files: Files

    def place(self, row: int, column: str = "") -> str:
        """Where a row (from 0) stands: file, row and column."""
        return place_in(self.files, row) + (f", column `{column}`" if column else "")


def read_typed(raw: Raw, readings: Mapping[str, Reading]) -> Typed:
    """The named columns of all files, cast.

    Text is held for some megabytes at a time only, except in columns of dates.

    Raises:
        Fault: a column is not there, a file is broken, no file has a row, or a value does not fit its column.
    """
    counts: dict[RawFile, int] = {}
    parts: dict[str, list[pa.ChunkedArray]] = {name: [] for name in readings}
    for file, rows in raw.batches(tuple(readings)):
        first = counts.get(file, 0)
        counts[file] = first + rows.num_rows
        for name, reading in readings.items():
            with placed(partial(_place_below, file, first), file.path, name):
                parts[name].append(BY_BATCH[reading](plain(rows.column(name))))
    if not sum(counts.values()):
        raise invalid("there is no row below the header", str(raw.path), "add rows")
    return _whole(parts, readings, raw, tuple(counts.items()))


def _whole(parts: Parts, readings: Mapping[str, Reading], raw: Raw, files: Files) -> Typed:
    """The parts of each column joined and, where only the whole column tells, read."""
    columns = {}
    for name, reading in readings.items():
        whole = joined(parts.pop(name))
        with placed(partial(place_in, files), raw.path, name):
            columns[name] = BY_COLUMN[reading](whole) if reading in BY_COLUMN else whole
    return Typed(pa.table(columns), files)


def joined(parts: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    """The parts of a column as one; as text where a file has it as text and another typed.

    Raises:
        Misfit: they differ, and one has a type that is no text.
    """
    if len({part.type for part in parts}) > 1:
        parts = [texts(part) for part in parts]
    return pa.chunked_array([chunk for part in parts for chunk in part.chunks], parts[0].type)


def place_in(files: Files, row: int) -> str:
    """Where a row (from 0) of several files stands: file and row."""
    for file, count in files:
        if row < count:
            return file.place(row)
        row -= count
    raise IndexError(row)


def _place_below(file: RawFile, first: int, row: int) -> str:
    return file.place(first + row)


@contextmanager
def placed(place: Callable[[int], str], path: Path, column: str) -> Iterator[None]:
    """Turns a misfit into a fault that says where."""
    try:
        yield
    except Misfit as misfit:
        where = str(path) if misfit.row is None else place(misfit.row)
        raise invalid(misfit.message, f"{where}, column `{column}`", misfit.remedy) from None
