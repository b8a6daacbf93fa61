"""Which files hold the raw rows: one file, or a folder of them that grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa

from ml.fault import invalid
from ml.raw.csv_file import CsvFile
from ml.raw.parquet_file import MAGIC, ParquetFile

RawFile = CsvFile | ParquetFile
SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq")
OTHER_FORMATS = {
    b"PK\x03\x04": ("an Excel workbook or a zip archive", "save the sheet as CSV"),
    b"\x1f\x8b": ("compressed with gzip", "unpack it"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "save the sheet as CSV"),
}


@dataclass(frozen=True)
class Raw:
    """Raw rows, in the order of the files' paths and of the rows in them.

    Attributes:
        path: the file or folder that was named.
        files: at least one; all have the same columns.
    """

    path: Path
    files: tuple[RawFile, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the order of the first file."""
        return self.files[0].columns

    def batches(self, columns: Sequence[str]) -> Iterator[tuple[RawFile, pa.Table]]:
        """The named columns, each batch with the file that it came from: text from CSV, typed from Parquet.

        Raises:
            Fault: a column is not there, or a file is broken.
        """
        for name in columns:
            self.require(name)
        for file in self.files:
            for rows in file.batches(columns):
                yield file, rows

    def require(self, column: str, wanted_by: str = "") -> None:
        """Refuses a column that the files do not have.

        Args:
            column: its name.
            wanted_by: the option or key that named it.

        Raises:
            Fault: with the name that was probably meant.
        """
        if column in self.columns:
            return
        folded = {name.strip().casefold(): name for name in reversed(self.columns)}
        near = get_close_matches(column.strip().casefold(), folded, n=1)
        remedy = f"did you mean `{folded[near[0]]}`?" if near else f"there are {_listed(self.columns)}"
        asked = f"{wanted_by}: " if wanted_by else ""
        raise invalid(f"{asked}there is no column `{column}`", str(self.files[0].path), remedy)


def open_raw(path: Path) -> Raw:
    """The rows in a CSV or Parquet file, or in all such files of a folder and the folders in it.

    Names that start with `.` or `_` are left out, as Spark and Hadoop do.

    Raises:
        Fault: there is no such path, no file in it, a file of another format, or files whose columns differ.
    """
    if not path.exists():
        raise invalid("there is no such file or folder", str(path), "check the path")
    paths = [path] if path.is_file() else _inside(path)
    files = tuple(_open(file) for file in paths)
    for file in files[1:]:
        _refuse_other_columns(file, files[0])
    return Raw(path, files)


def _inside(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file())
    found = sorted(path for path in files if not _hidden(path.relative_to(folder)))
    for path in found:
        if path.suffix.lower() not in SUFFIXES:
            raise invalid("the file is neither CSV nor Parquet", str(path), "convert it, or move it elsewhere")
    if not found:
        remedy = f"the names of such files end in {', '.join(SUFFIXES)}"
        raise invalid("the folder holds no CSV or Parquet file", str(folder), remedy)
    return found


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _open(path: Path) -> RawFile:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        remedy = "check its permissions"
        raise invalid(f"the file cannot be read: {error.strerror}", str(path), remedy) from None
    for magic, (name, remedy) in OTHER_FORMATS.items():
        if start.startswith(magic):
            raise invalid(f"the file is {name}", str(path), remedy)
    return ParquetFile.open(path) if start == MAGIC or _named_parquet(path) else CsvFile.open(path)


def _named_parquet(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".pq")


def _refuse_other_columns(file: RawFile, first: RawFile) -> None:
    for name in first.columns:
        if name not in file.columns:
            raise invalid(f"column `{name}` of {first.path.name} is missing", str(file.path), "add it")
    for name in file.columns:
        if name not in first.columns:
            remedy = "give all files the same columns"
            raise invalid(f"column `{name}` is not in {first.path.name}", str(file.path), remedy)


def _listed(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"`{name}`" for name in names[:most]) + more
