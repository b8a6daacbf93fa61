"""Cuts rows into files that several machines score, and joins what comes back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from ml.batch.mini_batch import scored_name
from ml.batch.predictions import column_names
from ml.batch.scoring import PART_ROWS, refuse_own_output, refuse_taken_names
from ml.batch.sinks import Sink, csv_header, sink_for, suffix_of
from ml.batch.whole_file import whole_file, writing
from ml.fault import Fault, invalid
from ml.model.encoder import Encoder
from ml.model.model import CARD, ENCODER, Card, inner
from ml.raw.csv_file import CsvFile
from ml.raw.folder import open_raw
from ml.raw.stream import Part, PartReader, StreamReading, parts

FILE_ROWS = 8 * PART_ROWS


@dataclass(frozen=True)
class Cut:
    """One file of consecutive rows.

    Attributes:
        name: as `ml.batch.mini_batch` understands it.
        source: where its first row stands.
        rows: how many it has.
    """

    name: str
    source: str
    rows: int

    @property
    def scored(self) -> str:
        """What its rows are called with their predictions."""
        return scored_name(Path(self.name))


def cut(model: Path, data: Path, out: Path, folder: Path, most_rows: int = FILE_ROWS) -> tuple[Cut, ...]:
    """Writes the rows of `data` as they stand to files in `folder`, each scored alike wherever it is.

    How dates are written in CSV is known only from all the rows, so where the model has some they stay in
    one file.

    Args:
        model: the folder of the model that will score them.
        data: a CSV or Parquet file, or a folder of such files.
        out: the file that they are wanted in; its name says in which format.
        folder: where the files go.
        most_rows: of one file, roughly.

    Raises:
        Fault: the data cannot be scored by this model, as far as its columns tell; or the disk is full.
    """
    suffix, raw = suffix_of(out), open_raw(data)
    refuse_own_output(data, out)
    features = Encoder.load(inner(model) / ENCODER).features
    refuse_taken_names(raw, column_names(Card.load(inner(model) / CARD)))
    PartReader.of(raw, {f.name: cast("StreamReading", f.kind) for f in features})
    undivided = any(f.kind == "date" for f in features) and any(isinstance(file, CsvFile) for file in raw.files)
    with _Cutter(folder, suffix, None if undivided else most_rows) as cutter:
        for part in parts(raw, raw.columns, PART_ROWS):
            cutter.add(part)
    if not cutter.made:
        raise invalid("there is no row to score", str(data), "add rows")
    return tuple(cutter.made)


@dataclass
class _Cutter:
    """Writes parts into one file after the other."""

    folder: Path
    suffix: str
    most_rows: int | None
    made: list[Cut] = field(default_factory=list)
    _open: ExitStack = field(default_factory=ExitStack)
    _sink: Sink | None = None
    _like: object = None

    def add(self, part: Part) -> None:
        """Adds a part to the current file, or begins another."""
        if not part.rows.num_rows:
            return
        like = (isinstance(part.file, CsvFile), None if isinstance(part.file, CsvFile) else part.rows.schema)
        full = self.most_rows is not None and bool(self.made) and self.made[-1].rows >= self.most_rows
        if self._sink is None or full or like != self._like:
            self._begin(part)
        self._like = like
        assert self._sink is not None
        with writing(self.folder):
            self._sink.write(self._sink.shape(part.rows), part.file.path)
        last = self.made[-1]
        self.made[-1] = Cut(last.name, last.source, last.rows + part.rows.num_rows)

    def _begin(self, part: Part) -> None:
        self._end()
        written = ".csv" if isinstance(part.file, CsvFile) else ".parquet"
        name = f"{len(self.made):05}{self.suffix}{written}"
        self._sink = sink_for(Path(name), self._open.enter_context((self.folder / name).open("wb")))
        self.made.append(Cut(name, part.place(0), 0))

    def _end(self) -> None:
        if self._sink is not None:
            with writing(self.folder):
                self._sink.close()
        self._open.close()
        self._sink = None

    def __enter__(self) -> _Cutter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._end()
        elif self._sink is not None:
            self._sink.abandon()
        self._open.close()


def join(scored: Sequence[Path], raw_columns: Sequence[str], out: Path, predictions: Sequence[str]) -> None:
    """Writes scored files, in their order, as one file.

    Args:
        scored: files of one format, that of `out`.
        raw_columns: the columns of what was scored.
        out: a file that ends in .parquet or .csv; it is there only when it is whole.
        predictions: the columns that scoring added.

    Raises:
        Fault: their columns differ, or the disk is full.
    """
    with whole_file(out) as file:
        if suffix_of(out) == ".csv":
            _join_csv(scored, bytes(csv_header([*raw_columns, *predictions])), file, out)
        else:
            _join_parquet(scored, file, out)


def _join_csv(scored: Sequence[Path], header: bytes, file: BinaryIO, out: Path) -> None:
    file.write(header)
    for path in scored:
        with path.open("rb") as part:
            if part.read(len(header)) != header:
                raise Fault(
                    "it has other columns than were asked for",
                    str(path),
                    "give the same command again: it scores all parts anew",
                )
            with writing(out):
                shutil.copyfileobj(part, file, 2**20)


def _join_parquet(scored: Sequence[Path], file: BinaryIO, out: Path) -> None:
    sink = sink_for(out, file)
    try:
        for path in scored:
            for batch in _batches(path):
                with writing(out):
                    sink.write(sink.shape(batch), path)
        with writing(out):
            sink.close()
    except BaseException:
        sink.abandon()
        raise


def _batches(path: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(PART_ROWS):
            yield pa.Table.from_batches([batch])
