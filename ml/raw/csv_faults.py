"""Where a CSV file is broken: a second, slow reading by Python's own reader, which names row and column."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TextIO

from ml.fault import Fault, invalid

LONGEST_ROW = 1024 * 1024  # at up to two bytes a character this is the block that the fast reader takes
SPOKEN = {",": "comma", ";": "semicolon", "\t": "tab"}


def text_of(path: Path) -> TextIO:
    """The file as text; what is not UTF-8 becomes lone surrogates, which only a message looks at."""
    csv.field_size_limit(2**31 - 1)  # the default of 128 KiB is a limit of this reader, not of the format
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def stray_byte(text: str) -> int | None:
    """The first byte that is not UTF-8, from its lone surrogate."""
    return next((ord(c) - 0xDC00 for c in text if 0xDC80 <= ord(c) <= 0xDCFF), None)


def explain(path: Path, delimiter: str, header: Sequence[str], read: Sequence[str], said: str) -> Fault:
    """The fault for a file that the fast reader refused.

    Args:
        path: the file.
        delimiter: what stands between two fields.
        header: the names of all columns.
        read: the columns that were read; text in others is not looked at.
        said: the fast reader's own words, for a fault that the second reading does not find.
    """
    if opened := _open_quote(path, delimiter):
        return _left_open(opened)
    numbers = {name: header.index(name) for name in read}
    for row, line, record in _rows(path, delimiter):
        place = partial(_spoken_place, path, row, line)
        if len(record) != len(header):
            return _ragged(record, len(header), delimiter, place())
        for name, number in numbers.items():
            if not record[number].isascii() and (byte := stray_byte(record[number])) is not None:
                where = f"{place()}, column `{name}`"
                return invalid(f"byte 0x{byte:02x} is not UTF-8", where, "save the file as UTF-8")
        if sum(map(len, record)) > LONGEST_ROW:
            return invalid(f"the row has more than {LONGEST_ROW:,} characters", place(), "shorten it")
    return invalid(f"the file is no CSV: {said.splitlines()[0]}", str(path), "write it anew")


def _ragged(record: list[str], wanted: int, delimiter: str, place: str) -> Fault:
    given, spoken = len(record), SPOKEN.get(delimiter, f"`{delimiter}`")
    if given > wanted:
        remedy = f"put fields that hold a {spoken} in quotes"
    else:
        remedy = f"leave a field empty, not out: {wanted - 1} {spoken}s a row"
    return invalid(f"the row has {given} fields, the header {wanted}", place, remedy)


def place_of(path: Path, delimiter: str, row: int) -> str:
    """Where the row with this number (from 0) stands; row 1 is the header."""
    number, line, _ = next(islice(_rows(path, delimiter), row, None))
    return _spoken_place(path, number, line)


def has_rows(path: Path, delimiter: str) -> bool:
    """Whether anything stands below the header."""
    return next(_rows(path, delimiter), None) is not None


def _rows(path: Path, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Each row below the header with its number and its first line."""
    with text_of(path) as text:
        reader = csv.reader(text, delimiter=delimiter)
        line, header_seen = 1, False
        for number, record in enumerate(reader, start=1):
            if record and header_seen:
                yield number, line, record
            header_seen = header_seen or bool(record)
            line = reader.line_num + 1


def _spoken_place(path: Path, row: int, line: int) -> str:
    """The line is told where quoted line breaks made it differ from the row."""
    return f"{path}, row {row}" + (f" (line {line})" if line != row else "")


def refuse_open_quote(path: Path, delimiter: str, expected_lines: int) -> None:
    """Refuses a quote that swallowed the lines below it, which no reader notices by itself.

    Only a file with quotes and with more lines than expected, or with an odd number of quotes, is read a
    second time.

    Args:
        path: the file.
        delimiter: what stands between two fields.
        expected_lines: how many lines it has if no field holds a line break.

    Raises:
        Fault: with the line in which the quote was opened.
    """
    lines, quotes = _lines_and_quotes(path)
    if not quotes or (lines <= expected_lines and quotes % 2 == 0):
        return
    if opened := _open_quote(path, delimiter):
        raise _left_open(opened)


def _left_open(place: str) -> Fault:
    message = "the row opens a quote that is not closed, or closed in the middle of a field"
    return invalid(message, place, 'close it; within a quoted field write "" for "')


def _lines_and_quotes(path: Path) -> tuple[int, int]:
    feeds = returns = quotes = 0
    last = b""
    with path.open("rb") as content:
        while block := content.read(1 << 20):
            feeds += block.count(b"\n")
            returns += block.count(b"\r")
            quotes += block.count(b'"')
            last = block[-1:]
    return (feeds or returns) + (last not in b"\r\n"), quotes


def _open_quote(path: Path, delimiter: str) -> str:
    """The row that opens a quote which the end of the file, or text after a later quote, leaves open."""
    with text_of(path) as text:
        reader, row, line, lines_before = csv.reader(text, delimiter=delimiter, strict=True), 1, 1, 0
        while True:
            try:
                if next(reader, None) is None:
                    return ""
                line = reader.line_num + 1
            except csv.Error as error:
                # Text after a closing quote on the same line is read as it stands, as Python does.
                if reader.line_num > line or "end of data" in str(error):
                    return _spoken_place(path, row, lines_before + line)
                lines_before += reader.line_num
                reader, line = csv.reader(text, delimiter=delimiter, strict=True), 1
            row += 1
