"""Scores the rows of files into one file."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from ml.batch.in_order import in_order
from ml.batch.predictions import column_names, first_gap, prediction_columns
from ml.batch.sinks import Lined, Sink, sink_for, suffix_of
from ml.batch.whole_file import whole_file, writing
from ml.fault import Fault, invalid
from ml.model.model import Model
from ml.raw.cells import plain
from ml.raw.csv_blocks import Block
from ml.raw.csv_file import CsvFile
from ml.raw.folder import Raw, open_raw
from ml.raw.stream import Part, PartReader, StreamReading, pieces

PART_ROWS = 32 * 1024  # small enough that at the end no core waits long for another


def score(folder: Path, data: Path, out: Path, told: Callable[[int], None]) -> int:
    """Writes the rows of `data` with a model's predictions to `out`, and returns how many they are.

    One thread reads and writes; on every core one more scores a part of the rows.

    Args:
        folder: of the model.
        data: a CSV or Parquet file, or a folder of such files.
        out: a file that ends in .parquet or .csv; it is there only when it is whole.
        told: called with the number of rows written so far.

    Raises:
        Fault: of the model, the data or the disk.
    """
    as_csv = suffix_of(out) == ".csv"
    refuse_own_output(data, out)
    model, raw = Model.load(folder, threads=1), open_raw(data)
    refuse_taken_names(raw, column_names(model.card))
    reader = PartReader.of(raw, {f.name: cast("StreamReading", f.kind) for f in model.encoder.features})
    with whole_file(out) as file:
        scoring = Scoring(model, reader, raw.columns, as_csv, sink_for(out, file))
        rows = _write(scoring, raw, out, told)
        if not rows:
            raise invalid("there is no row to score", str(data), "add rows")
    return rows


def refuse_own_output(data: Path, out: Path) -> None:
    """Raises the fault of an output that would be read as input."""
    if out.resolve() == data.resolve() or data.resolve() in out.resolve().parents:
        raise invalid("would be among its own input", str(out), "give --out a path that is not among the data")


def refuse_taken_names(raw: Raw, names: tuple[str, ...]) -> None:
    """Raises the fault of rows that already have a column of predictions."""
    for name in names:
        if name in raw.columns:
            raise invalid(
                f"there is a column `{name}` already",
                str(raw.files[0].path),
                "rename or remove it in the data: predictions get that name",
            )


def _write(scoring: Scoring, raw: Raw, out: Path, told: Callable[[int], None]) -> int:
    rows = 0
    shaped = in_order(scoring.shaped, pieces(raw, PART_ROWS), cores())
    with closing(shaped):
        try:
            for part, content in shaped:
                with writing(out):
                    scoring.sink.write(content, part.file.path)
                rows += part.rows.num_rows
                told(rows)
            with writing(out):
                scoring.sink.close()
        except BaseException:
            scoring.sink.abandon()
            raise
    return rows


@dataclass(frozen=True)
class Scoring:
    """What pieces of the data are scored with.

    Attributes:
        columns: the data's.
        as_csv: whether CSV is written.
    """

    model: Model
    reader: PartReader
    columns: tuple[str, ...]
    as_csv: bool
    sink: Sink

    def shaped(self, piece: Part | Block) -> tuple[Part, Any]:
        """The rows, and them with their predictions as the sink takes them.

        Raises:
            Fault: a value does not fit its column, or the model has no answer.
        """
        part, lines = (piece, None) if isinstance(piece, Part) else self._read(piece)
        typed = self.reader.read(part)
        if gap := first_gap(self.model.encoder, typed):
            remedy = "fill it in, or leave the row out"
            raise invalid("the field is empty; the training data had no missing value here", part.place(*gap), remedy)
        outputs = self.model.outputs(typed)
        finite = np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)
        if not finite.all():
            message = "the model answers with a number that is not finite"
            raise Fault(message, part.place(int(finite.argmin())), "leave this row out, or release another version")
        passed = self._passed(part, typed) if lines is None else {}
        return part, self.sink.shape(pa.table(passed | prediction_columns(self.model.card, outputs)), lines)

    def _read(self, block: Block) -> tuple[Part, Lined | None]:
        """The rows of a block; of one that is passed on as it stands only the features are read."""
        numbers = {f.name for f in self.model.encoder.features if f.kind == "number"}
        lines = None
        if not self.as_csv:
            rows = block.rows(self.columns, numbers)
        elif block.file.delimiter == "," and block.file.columns == self.columns:
            rows, lines = block.rows([*self.reader.casts], numbers), Lined(block.lines, self.columns)
        else:
            rows = block.rows(self.columns, ())
        return Part(block.file, block.first, rows), lines

    def _passed(self, part: Part, typed: pa.Table) -> dict[str, pa.ChunkedArray]:
        """The columns as they stand; only in Parquet the features of a CSV file become what they are."""
        rows = {name: plain(part.rows.column(name)) for name in part.rows.column_names}
        if isinstance(part.file, CsvFile) and not self.as_csv:
            rows |= {name: typed.column(name) for name in typed.column_names}
        return rows


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
