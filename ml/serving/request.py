"""A request's body as rows of typed values in the order of the model's features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from ml.model.encoder import Encoder
from ml.serving.body import decode
from ml.serving.formats import AZURE, Columns, Grid, unpack
from ml.serving.refusal import MOST_ERRORS, Flaw, Refusal, misfit
from ml.serving.values import Mismatch, Read, reader, scalar

Row = list[Any]
MOST_LAYOUTS = 256


@dataclass(frozen=True)
class Limits:
    """How much one request may ask.

    Attributes:
        body: bytes of the body.
        rows: rows in it.
    """

    body: int = 16 * 2**20
    rows: int = 100_000


class Rows(NamedTuple):
    """The checked rows of one request.

    Attributes:
        values: for each row its features' values in the model's order; carried columns may follow.
        bare: whether the client wants a bare list, as Azure ML's do, or MLflow's `{"predictions": […]}`.
    """

    values: list[Row]
    bare: bool


class _Layout(NamedTuple):
    """Where the model's columns stand among a body's.

    Attributes:
        positions: for each feature, then each carried column that is there, its position.
        pick: takes the values at those positions.
        reads: what reads each of them.
    """

    positions: tuple[int, ...]
    pick: Callable[[Sequence[Any]], Sequence[Any]]
    reads: tuple[Read, ...]


class RowReader:
    """Reads the bodies that one model is asked."""

    def __init__(self, encoder: Encoder, carried: tuple[str, ...], limits: Limits) -> None:
        self._reads = {feature.name: reader(feature) for feature in encoder.features}
        self._carried, self._limits = carried, limits
        self._layouts: dict[Columns, _Layout] = {}

    def read(self, body: bytes) -> Rows:
        """The rows in `body`.

        Raises:
            Refusal: 400 where the body is no strict JSON, 413 where it has too many rows, 422 where
                it does not fit the model; with the first faults.
        """
        grid = unpack(decode(body))
        if grid.length > self._limits.rows:
            raise Refusal(413, f"the request has more than {self._limits.rows} rows; send them in parts")
        flaws: list[Flaw] = []
        rows = list(self._checked(grid, flaws))
        if flaws:
            raise misfit(flaws)
        return Rows(rows, grid.member == AZURE)

    def _checked(self, grid: Grid, flaws: list[Flaw]) -> Iterator[Row]:
        """The rows that fit; the faults of the others go to `flaws`, until there are enough."""
        known: Columns | None = None
        layout: _Layout | None = None
        for place, (columns, values) in enumerate(grid.rows()):
            if columns is not known:
                layout, known = self._layout(columns), columns
                if layout is None:
                    flaws += islice(self._column_flaws(grid, place, columns), MOST_ERRORS)
            if layout is not None:
                try:
                    yield [read(value) for read, value in zip(layout.reads, layout.pick(values), strict=True)]
                except Mismatch:
                    flaws += islice(_value_flaws(grid, place, columns, values, layout), MOST_ERRORS)
            if len(flaws) >= MOST_ERRORS:
                return

    def _layout(self, columns: Columns) -> _Layout | None:
        """How to read a row with these columns; None where they are not the model's."""
        try:
            if columns in self._layouts:
                return self._layouts[columns]
            layout = self._lay_out(columns)
        except TypeError:  # a column's name is no string
            return None
        if layout is not None and len(self._layouts) < MOST_LAYOUTS:
            self._layouts[columns] = layout
        return layout

    def _lay_out(self, columns: Columns) -> _Layout | None:
        position = {name: place for place, name in enumerate(columns)}
        carried = [name for name in self._carried if name in position]
        if len(position) != len(columns) or position.keys() != {*self._reads, *carried}:
            return None
        positions = tuple(position[name] for name in (*self._reads, *carried))
        reads = (*self._reads.values(), *[scalar] * len(carried))
        return _Layout(positions, _picker(positions), reads)

    def _column_flaws(self, grid: Grid, row: int, columns: Columns) -> Iterator[Flaw]:
        seen: set[str] = set()
        for position, name in enumerate(columns):
            if type(name) is not str:
                yield Flaw(grid.column_place(row, position, name), "must be the name of a column")
            elif name in seen:
                yield Flaw(grid.column_place(row, position, name), "this column appears twice")
            elif name not in self._reads and name not in self._carried:
                yield Flaw(grid.column_place(row, position, name), "the model has no such column")
            else:
                seen.add(name)
        missing = (name for name in self._reads if name not in seen)
        yield from (Flaw(grid.columns_place(row), f"the column `{name}` is missing") for name in missing)


def _picker(positions: tuple[int, ...]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    if len(positions) > 1:
        return itemgetter(*positions)
    (only,) = positions
    return lambda values: (values[only],)


def _value_flaws(grid: Grid, row: int, columns: Columns, values: Any, layout: _Layout) -> Iterator[Flaw]:
    for position, read in zip(layout.positions, layout.reads, strict=True):
        try:
            read(values[position])
        except Mismatch as mismatch:
            yield Flaw(grid.value_place(row, position, columns[position]), str(mismatch))
