"""Where scored rows go: a Parquet or a CSV file, part after part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from ml.fault import invalid

ROW_GROUP = 128 * 1024
STRUCTURAL = r'[",\r\n]'  # a field with one of these is quoted (RFC 4180)


@dataclass(frozen=True)
class Lined:
    """Columns that stand before others in lines of CSV.

    Attributes:
        texts: each line with the line break before it, and without the one behind it.
        columns: their names.
    """

    texts: pa.Array
    columns: tuple[str, ...]


class Sink(Protocol):
    """Takes the parts in their order."""

    def shape(self, rows: pa.Table, lines: Lined | None = None) -> Any:
        """A part as `write` takes it; called by several threads.

        Args:
            rows: their columns, but for those of `lines`.
            lines: for CSV, columns before them as they stand in the data.
        """
        ...

    def write(self, shaped: Any, source: Path) -> None:
        """Writes a part that came from the file `source`."""
        ...

    def close(self) -> None:
        """Writes what is held back."""
        ...

    def abandon(self) -> None:
        """Lets go of a file that will not be finished."""
        ...


def sink_for(path: Path, file: BinaryIO) -> Sink:
    """What writes into `file` in the format that the name of `path` says."""
    return SINKS[suffix_of(path)](file)


def suffix_of(path: Path) -> str:
    """The format that a name says.

    Raises:
        Fault: it says none.
    """
    suffix = path.suffix.lower()
    if suffix not in SINKS:
        raise invalid("its name does not say a format", str(path), f"end it in {' or '.join(SINKS)}")
    return suffix


class ParquetSink:
    """A Parquet file with row groups of some 128 thousand rows; the first part's types are the file's."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._writer: Any = None
        self._held: list[pa.Table] = []

    def shape(self, rows: pa.Table, lines: Lined | None = None) -> pa.Table:
        """See `Sink`."""
        return rows

    def write(self, shaped: pa.Table, source: Path) -> None:
        """See `Sink`.

        Raises:
            Fault: a column has another type than in the first part, and its values do not fit that one.
        """
        if self._writer is None:
            self._writer = _parquet_writer(self._file, shaped.schema)
        self._held.append(_cast(shaped, self._writer.schema, source))
        if sum(rows.num_rows for rows in self._held) >= ROW_GROUP:
            self._write_held()

    def close(self) -> None:
        """See `Sink`."""
        if self._held:
            self._write_held()
        if self._writer is not None:
            self._writer.close()

    def abandon(self) -> None:
        """See `Sink`."""
        if self._writer is not None:
            self._writer.is_open = False  # or it would try to write the footer when it is collected

    def _write_held(self) -> None:
        rows = pa.concat_tables(self._held)
        self._held = []
        self._writer.write_table(rows, rows.num_rows)


def _parquet_writer(file: BinaryIO, schema: pa.Schema) -> Any:
    # A dictionary of numbers that seldom repeat costs more time than all the rest of the writing.
    repeating = [field.name for field in schema if not pa.types.is_floating(field.type)]
    return parquet.ParquetWriter(file, schema, use_dictionary=repeating)


def _cast(rows: pa.Table, schema: pa.Schema, source: Path) -> pa.Table:
    columns = []
    for field in schema:
        column = rows.column(field.name)
        try:
            columns.append(column.cast(field.type))
        except pa.ArrowException:
            message = f"the column is {column.type} here, and {field.type} in the first file"
            remedy = "give all files the same types"
            raise invalid(message, f"{source}, column `{field.name}`", remedy) from None
    return pa.table(columns, schema=schema)


class CsvSink:
    """A CSV file (RFC 4180, UTF-8, commas); a missing value is an empty field."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._header_written = False

    def shape(self, rows: pa.Table, lines: Lined | None = None) -> tuple[pa.Buffer, list[pa.Buffer]]:
        """See `Sink`; the header, and pieces of the lines.

        Raises:
            Fault: a column has a type that CSV cannot hold.
        """
        if lines is None:
            return csv_header(rows.column_names), [_lines(rows)]
        return csv_header([*lines.columns, *rows.column_names]), _continued(lines.texts, rows)

    def write(self, shaped: tuple[pa.Buffer, list[pa.Buffer]], source: Path) -> None:
        """See `Sink`."""
        header, lines = shaped
        if not self._header_written:
            self._file.write(header)
            self._header_written = True
        self._file.writelines(lines)

    def close(self) -> None:
        """See `Sink`."""

    def abandon(self) -> None:
        """See `Sink`."""


def csv_header(names: Sequence[str]) -> pa.Buffer:
    """The first line of a file with these columns."""
    return _lines(pa.table([[name] for name in names], [str(place) for place in range(len(names))]))


def _lines(rows: pa.Table) -> pa.Buffer:
    """The rows as the bytes of lines."""
    fields = [_texts(_one(rows.column(name)), name) for name in rows.column_names]
    lines = _joined(fields)
    return _joined([_quoted(field) for field in fields]) if _ambiguous(lines, len(fields), rows.num_rows) else lines


def _continued(lines: pa.Array, rows: pa.Table) -> list[pa.Buffer]:
    """The lines with the rows' columns, and with their line breaks behind them."""
    joined = pc.binary_join_element_wise(lines, *(_field(_one(column)) for column in rows.columns), ",").buffers()[2]
    return [joined[1:], pa.py_buffer(b"\n")]


def _field(column: pa.Array) -> pa.Array:
    return _quoted(column) if pa.types.is_string(column.type) else column.cast(pa.string())


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _joined(fields: list[pa.Array]) -> pa.Buffer:
    """An array of text holds its values one after the other: those of an array of lines are the file's bytes."""
    *others, last = fields
    ended = pc.binary_join_element_wise(last, "\n", "")
    return pc.binary_join_element_wise(*others, ended, ",").buffers()[2]


def _ambiguous(lines: pa.Buffer, columns: int, rows: int) -> bool:
    """Whether a field holds a character that ends fields or lines, or a quote (RFC 4180, 2.6)."""
    characters = np.frombuffer(lines, dtype=np.uint8)
    counts = [int(np.count_nonzero(characters == ord(structural))) for structural in ',\n"\r']
    return counts != [rows * (columns - 1), rows, 0, 0]


def _texts(column: pa.Array, name: str) -> pa.Array:
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise invalid(f"is {kind}, which CSV cannot hold", f"column `{name}`", "name a .parquet file")
    text = column.cast(pa.string())
    return text.fill_null("") if text.null_count else text


def _quoted(field: pa.Array) -> pa.Array:
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(field, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(field, STRUCTURAL), quoted, field)


SINKS: dict[str, Callable[[BinaryIO], Sink]] = {".parquet": ParquetSink, ".csv": CsvSink}
