"""One Parquet file: its columns, its rows in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from ml.fault import Fault, invalid

MAGIC = b"PAR1"
BATCH_ROWS = 128 * 1024
BUFFER_BYTES = 1024 * 1024  # for each column


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file.

    Attributes:
        columns: the names of the top-level columns, unique.
    """

    path: Path
    columns: tuple[str, ...]

    @classmethod
    def open(cls, path: Path) -> ParquetFile:
        """Reads the schema.

        Raises:
            Fault: the file is broken, or a name stands twice in it.
        """
        names = _opened(path).schema_arrow.names
        for place, name in enumerate(names):
            if name in names[:place]:
                raise invalid(f"two columns are named `{name}`", str(path), "give each column its own name")
        return cls(path, tuple(names))

    def batches(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """The named columns in their own types, `BATCH_ROWS` rows at a time.

        Raises:
            Fault: the file is broken.
        """
        try:
            for batch in _opened(self.path).iter_batches(BATCH_ROWS, columns=list(columns)):
                yield pa.table(batch).select(list(columns))
        except (pa.ArrowException, OSError) as error:
            raise _broken(self.path, error) from None

    def place(self, row: int) -> str:
        """Where a row (from 0) stands; a Parquet file has no header, its first row is 1."""
        return f"{self.path}, row {row + 1}"


def _opened(path: Path) -> Any:
    try:
        # Read ahead, a file would come into memory whole.
        return parquet.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER_BYTES)
    except (pa.ArrowException, OSError) as error:
        raise _broken(path, error) from None


def _broken(path: Path, error: Exception) -> Fault:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return invalid(f"the Parquet file cannot be read: {reason}", str(path), "write it anew")
