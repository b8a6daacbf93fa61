"""One CSV file: its delimiter, its header, its rows as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from unicodedata import category

import pyarrow as pa
from pyarrow import csv as arrow_csv

from ml.fault import Fault, invalid
from ml.raw.csv_faults import explain, has_rows, place_of, refuse_open_quote, stray_byte, text_of

DELIMITERS = ",;\t|"
SAMPLE_RECORDS, SAMPLE_CHARACTERS = 50, 64 * 1024
# A record longer than a block is a fault. The reader reads up to 32 blocks ahead, and cannot be told to read fewer.
BLOCK_BYTES = 2 * 1024 * 1024
UNREADABLE = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line and paragraph separators
WIDE_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


@dataclass(frozen=True)
class Reached:
    """How far a file has been read.

    Attributes:
        at: the byte that the next row begins at; 0 where not even the header was read.
        rows: how many rows stand before it.
    """

    at: int = 0
    rows: int = 0


@dataclass(frozen=True)
class CsvFile:
    """A CSV file as RFC 4180 describes it, with `,` `;` tab or `|` between the fields.

    Attributes:
        columns: the names in the header, unique and not empty.
        delimiter: what stands between two fields.
        blank_lines: empty lines before the header. Others are left out too.
    """

    path: Path
    columns: tuple[str, ...]
    delimiter: str
    blank_lines: int

    @classmethod
    def open(cls, path: Path) -> CsvFile:
        """Reads the header.

        Raises:
            Fault: the file is empty or not UTF-8, or a name in the header is empty or stands twice.
        """
        _refuse_wide_encodings(path)
        delimiter = _delimiter(path)
        with text_of(path) as text:
            records = csv.reader(text, delimiter=delimiter)
            for blank_lines, record in enumerate(records):
                if record:
                    return cls(path, _checked_header(record, path), delimiter, blank_lines)
        raise invalid("the file is empty", str(path), "the first line names the columns, the others are rows")

    def batches(self, columns: Sequence[str], reached: Reached = Reached()) -> Iterator[pa.Table]:
        """The named columns as text exactly as it stands in the file, some megabytes at a time, from a row on.

        Raises:
            Fault: a row has more or fewer fields than the header, a field is not UTF-8, or a quote
                is left open. The last is known only at the end of the file.
        """
        rows = reached.rows
        try:
            for batch in self._reader(columns, reached):
                rows += batch.num_rows
                yield pa.table(batch.columns, names=list(columns))
        except pa.ArrowInvalid as error:
            if has_rows(self.path, self.delimiter):  # it stumbles also over a header without a line break
                raise explain(self.path, self.delimiter, self.columns, columns, str(error)) from None
        refuse_open_quote(self.path, self.delimiter, self.blank_lines + 1 + rows)

    def _reader(self, columns: Sequence[str], reached: Reached) -> Iterator[pa.RecordBatch]:
        file = pa.OSFile(str(self.path))
        file.seek(max(reached.at - 1, 0))  # at a line break, before what would be taken for a byte order mark
        wanted = [*self.by_place(columns)]
        return arrow_csv.open_csv(  # type: ignore[no-any-return]
            file,
            arrow_csv.ReadOptions(
                column_names=[*self.by_place(self.columns)],
                skip_rows_after_names=0 if reached.at else 1 + self.blank_lines,
                block_size=BLOCK_BYTES,
                use_threads=False,
            ),
            arrow_csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
            arrow_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=False,
            ),
        )

    def by_place(self, columns: Sequence[str]) -> dict[str, str]:
        """The columns by the places they are read under, so that no name of the file means anything to the reader."""
        places = {name: str(place) for place, name in enumerate(self.columns)}
        return {places[name]: name for name in columns}

    def place(self, row: int) -> str:
        """Where a row (from 0) stands, counted as a spreadsheet counts: the header is row 1."""
        return place_of(self.path, self.delimiter, row)


def _refuse_wide_encodings(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4)
    for mark, name in WIDE_ENCODINGS.items():
        if start.startswith(mark):
            raise invalid(f"the file is {name}, not UTF-8", str(path), "save the file as UTF-8")


def _delimiter(path: Path) -> str:
    """The candidate that cuts the first records into the most fields, the same number in each.

    A broken file cuts evenly by none; its header then decides.
    """
    with text_of(path) as text:
        start = text.read(SAMPLE_CHARACTERS)
    counts = {candidate: _field_counts(start, candidate) for candidate in DELIMITERS}
    even = {c: n[0] for c, n in counts.items() if len(set(n)) == 1 and n[0] > 1}
    header = {c: n[0] for c, n in counts.items() if n}
    best = even or header
    return max(best, key=best.__getitem__, default=",")


def _field_counts(start: str, delimiter: str) -> list[int]:
    """The number of fields in each record of the sample, but for a last one that is cut off."""
    records = csv.reader(io.StringIO(start, newline=""), delimiter=delimiter)
    counts = [len(record) for record in islice((r for r in records if r), SAMPLE_RECORDS)]
    return counts[:-1] if len(start) == SAMPLE_CHARACTERS and 1 < len(counts) < SAMPLE_RECORDS else counts


def _checked_header(names: list[str], path: Path) -> tuple[str, ...]:
    for place, name in enumerate(names, start=1):
        where = f"{path}, row 1, column {place}"
        if not name.strip():
            remedy = "name it; pandas leaves its index out with index=False"
            raise invalid("the column has no name", where, remedy)
        if any(category(character) in UNREADABLE for character in name):
            raise _unreadable(name, where)
        if name in names[: place - 1]:
            first = names.index(name) + 1
            remedy = "give each column its own name"
            raise invalid(f"`{name}` is also the name of column {first}", where, remedy)
    return tuple(names)


def _unreadable(name: str, where: str) -> Fault:
    if (byte := stray_byte(name)) is not None:
        return invalid(f"byte 0x{byte:02x} in its name is not UTF-8", where, "save the file as UTF-8")
    return invalid(f"its name holds a line break or a control character: {name!r}", where, "rename it")
