"""The plain beginning of a CSV file, as blocks of lines: as long as nothing is quoted, each line is one row."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from ml.raw.cells import USUAL_SPELLINGS
from ml.raw.csv_faults import explain
from ml.raw.csv_file import BLOCK_BYTES, CsvFile, Reached

LINE_BREAK = ord("\n")


@dataclass(frozen=True)
class Block:
    """Some lines, each one row.

    Attributes:
        file: where they stand.
        first: the number of the first row in the file, from 0.
        text: each line with the line break before it, and without the one behind it.
    """

    file: CsvFile
    first: int
    text: bytes

    @cached_property
    def lines(self) -> pa.Array:
        """The lines, as they lie in `text`."""
        return pa.StringArray.from_buffers(self.count, pa.py_buffer(self._places), pa.py_buffer(self.text))

    @property
    def count(self) -> int:
        """How many rows these are."""
        return len(self._places) - 1

    @property
    def is_plain(self) -> bool:
        """Whether each line is surely one row: quotes may make it less or more, and an empty one is none."""
        if b'"' in self.text or b"\r" in self.text or np.any(np.diff(self._places) == 1):
            return False
        try:
            return self.text.isascii() or bool(self.text.decode())
        except UnicodeDecodeError:
            return False

    @cached_property
    def _places(self) -> np.ndarray:
        """Of the line breaks, and of the end."""
        breaks = np.flatnonzero(np.frombuffer(self.text, np.uint8) == LINE_BREAK)
        return np.append(breaks, len(self.text)).astype(np.int32)

    def rows(self, columns: Sequence[str], numbers: Collection[str]) -> pa.Table:
        """The named columns as text, but `numbers` as float64 where all their fields are finite numbers or missing.

        Raises:
            Fault: a row has more or fewer fields than the header.
        """
        try:
            if numbers and not _infinite(rows := self._read(columns, numbers), numbers):
                return rows
        except pa.ArrowInvalid:  # which field it is, and what it says, is seen in the text
            pass
        try:
            return self._read(columns, ())
        except pa.ArrowInvalid as error:
            raise explain(self.file.path, self.file.delimiter, self.file.columns, columns, str(error)) from None

    def _read(self, columns: Sequence[str], numbers: Collection[str]) -> pa.Table:
        wanted = self.file.by_place(columns)
        rows = arrow_csv.read_csv(
            pa.BufferReader(self.text),  # with the line break at its start, which hides what would be a byte order mark
            arrow_csv.ReadOptions(
                column_names=[*self.file.by_place(self.file.columns)], use_threads=False, block_size=len(self.text)
            ),
            arrow_csv.ParseOptions(delimiter=self.file.delimiter, quote_char=False),
            arrow_csv.ConvertOptions(
                include_columns=[*wanted],
                column_types={p: pa.float64() if name in numbers else pa.string() for p, name in wanted.items()},
                null_values=USUAL_SPELLINGS,
                strings_can_be_null=False,
            ),
        )
        return rows.rename_columns([*wanted.values()])


def plain_blocks(file: CsvFile) -> Generator[Block, None, Reached | None]:
    """The blocks up to the first that is not plain; returns where that begins, and None where all of the file is."""
    with file.path.open("rb") as opened:
        header = b"".join(opened.readline(BLOCK_BYTES) for _ in range(file.blank_lines + 1))
        if not header.endswith(b"\n") or header.count(b'"') % 2 or b"\r" in header:  # it may end elsewhere
            return Reached()
        at, first = len(header), 0
        for text in _whole_lines(opened):
            block = Block(file, first, text)
            if not block.is_plain:
                return Reached(at, first)
            yield block
            at, first = at + len(text), first + block.count
        return None if at >= os.fstat(opened.fileno()).st_size else Reached(at, first)


def _whole_lines(opened: BinaryIO) -> Iterator[bytes]:
    """Some megabytes at a time, each line with the line break before it, up to a line that is longer than that."""
    held = b""
    while len(held) <= BLOCK_BYTES and (more := opened.read(BLOCK_BYTES)):
        if (end := more.rfind(b"\n")) < 0:
            held += more
        else:
            yield b"".join((b"\n", held, memoryview(more)[:end]))
            held = more[end + 1 :]
    if held and not more:
        yield b"\n" + held


def _infinite(rows: pa.Table, numbers: Collection[str]) -> bool:
    return any(pc.any(pc.is_inf(rows.column(name))).as_py() for name in numbers)
