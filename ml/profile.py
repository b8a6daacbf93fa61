"""The distribution of rows and predictions as one small value that travels with the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.fault import invalid

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
BINS = 50  # about 1 kB a column; distances between distributions are then exact to 2 %
MOST_LEVELS = 500
MICROSECONDS_A_DAY = 86_400_000_000.0
PREDICTION = "prediction"


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, or of dates as days since 1970, counted in bins.

    Attributes:
        edges: values of the reference in rising order, the smallest and the largest among them; all
            its values where they are few, otherwise quantiles, so that ties share a bin.
        counts: rows below the first edge, on it, in each half-open (edge, next edge], and above the
            last: two more than edges. The reference has none in the first and the last.
        missing: rows without a finite value.
        mean, deviation, minimum, maximum: of the values; None where there are none.
    """

    name: str
    kind: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    missing: int
    mean: float | None
    deviation: float | None
    minimum: float | None
    maximum: float | None

    @property
    def present(self) -> int:
        """The number of rows with a value."""
        return sum(self.counts)


@dataclass(frozen=True)
class Levels:
    """A column of categories or booleans, counted by level.

    Attributes:
        levels: of the reference, those with at least `fewest` rows, the most frequent first.
        counts: rows of each.
        fewest: 1, or as much as it takes to have at most `MOST_LEVELS`.
        other: rows of any other level: the rarer ones, and in a current profile those never seen.
        missing: rows without a value.
    """

    name: str
    kind: str
    levels: tuple[str, ...]
    counts: tuple[int, ...]
    fewest: int
    other: int
    missing: int

    @property
    def present(self) -> int:
        """The number of rows with a value."""
        return sum(self.counts) + self.other


Column = Numbers | Levels


@dataclass(frozen=True)
class Profile:
    """Features in the order of the problem, and predictions: a value, or each class's probability.

    Attributes:
        rows: the number of rows.
        distinct: how many of them differ in a feature from all others before them.
        columns: the features.
        predictions: one column for regression and for two classes (the second's probability),
            otherwise one a class; empty where there were none.
    """

    rows: int
    distinct: int
    columns: tuple[Column, ...]
    predictions: tuple[Numbers, ...]

    @property
    def repeated(self) -> float:
        """The share of rows that repeat another one's features."""
        return 1.0 - self.distinct / max(self.rows, 1)

    @classmethod
    def load(cls, path: Path) -> Profile:
        """Reads what `save` wrote.

        Raises:
            Fault: the file is absent or something else.
        """
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            columns = tuple(_column(column) for column in fields["columns"])
            predictions = tuple(_numbers_from(column) for column in fields["predictions"])
            return cls(fields["rows"], fields.get("distinct", fields["rows"]), columns, predictions)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise invalid(f"is no profile ({error})", str(path), "train the model again") from None

    def save(self, path: Path) -> None:
        """Writes the profile as JSON, the same bytes for the same profile."""
        text = json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        path.write_text(text, encoding="utf-8")

    def with_outputs(self, outputs: Floats) -> Profile:
        """The same features beside the predictions for other rows.

        A model that learnt its training rows by heart answers them unlike any others; its answers to
        the rows that judged it are then the better reference.
        """
        columns = zip(self.predictions, _by_class(outputs), strict=True)
        fresh = tuple(_count_numbers(old.name, "number", values, None) for old, values in columns)
        return Profile(self.rows, self.distinct, self.columns, fresh)


def profile(rows: pa.Table, kinds: Mapping[str, str], outputs: Floats, classes: tuple[str, ...] = ()) -> Profile:
    """The reference: what the rows of training are like, and what the model says to them.

    Args:
        rows: typed columns (double, string, bool, timestamp).
        kinds: number, category, boolean or date for each feature.
        outputs: values (n,), or probabilities (n, classes); n need not be the number of rows.
        classes: the labels, to name the predictions by.
    """
    columns = tuple(_count_column(rows.column(name), name, kind) for name, kind in kinds.items())
    labels = classes[1:] if len(classes) == 2 else classes
    names = [f"{PREDICTION}: {label}" for label in labels] or _numbered(outputs)
    said = zip(names, _by_class(outputs), strict=True)
    distinct = _distinct(rows, list(kinds))
    return Profile(rows.num_rows, distinct, columns, tuple(_count_numbers(name, "number", v, None) for name, v in said))


def count(reference: Profile, rows: pa.Table, outputs: Floats | None = None) -> Profile:
    """Other rows and predictions in the reference's bins and levels.

    Args:
        reference: says which columns, edges and levels.
        rows: typed columns, at least those of the reference.
        outputs: of the same form as the reference's; None leaves the predictions out.
    """
    columns = tuple(_count_column(rows.column(old.name), old.name, old.kind, old) for old in reference.columns)
    said = zip(reference.predictions, _by_class(outputs), strict=True) if outputs is not None else ()
    predictions = tuple(_count_numbers(old.name, "number", values, old.edges) for old, values in said)
    distinct = _distinct(rows, [old.name for old in reference.columns])
    return Profile(rows.num_rows, distinct, columns, predictions)


def _distinct(rows: pa.Table, names: list[str]) -> int:
    numbered = rows.select(names).rename_columns([str(number) for number in range(len(names))])
    return int(numbered.group_by(numbered.column_names).aggregate([]).num_rows)


def _by_class(outputs: Floats) -> list[Floats]:
    """One array a prediction; of two probabilities that sum to one the second says all."""
    outputs = np.asarray(outputs, dtype=np.float64)
    if outputs.ndim == 1:
        return [outputs]
    return [outputs[:, k] for k in (range(1, 2) if outputs.shape[1] == 2 else range(outputs.shape[1]))]


def _numbered(outputs: Floats) -> list[str]:
    number = len(_by_class(outputs))
    return [PREDICTION] if number == 1 else [f"{PREDICTION}: {k}" for k in range(number)]


def _column(fields: dict[str, Any]) -> Column:
    if "edges" in fields:
        return _numbers_from(fields)
    return Levels(**{**fields, "levels": tuple(fields["levels"]), "counts": tuple(fields["counts"])})


def _numbers_from(fields: dict[str, Any]) -> Numbers:
    return Numbers(**{**fields, "edges": tuple(fields["edges"]), "counts": tuple(fields["counts"])})


def _count_column(column: pa.ChunkedArray, name: str, kind: str, old: Column | None = None) -> Column:
    if kind in ("category", "boolean"):
        return _count_levels(name, kind, column, old if isinstance(old, Levels) else None)
    return _count_numbers(name, kind, _floats(column, kind), old.edges if isinstance(old, Numbers) else None)


def _floats(column: pa.ChunkedArray, kind: str) -> Floats:
    import pyarrow as pa

    if kind == "date":
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    values = np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    return values / MICROSECONDS_A_DAY if kind == "date" else values


def _count_numbers(name: str, kind: str, values: Floats, edges: tuple[float, ...] | None) -> Numbers:
    present = np.sort(values[np.isfinite(values)])
    if edges is None:
        edges = _edges(present)
    mean, deviation = _moments(present)
    return Numbers(
        name=name, kind=kind, edges=edges, counts=_in_bins(present, edges),
        missing=len(values) - len(present), mean=mean, deviation=deviation,
        minimum=float(present[0]) if len(present) else None,
        maximum=float(present[-1]) if len(present) else None,
    )  # fmt: skip


def _edges(present: Floats) -> tuple[float, ...]:
    """Every distinct value where they are few, otherwise the values at equal ranks."""
    starts = np.flatnonzero(np.append(True, present[1:] != present[:-1])[: len(present)])
    if len(starts) > BINS + 1:
        starts = np.linspace(0, len(present) - 1, BINS + 1).round().astype(np.int64)
    return tuple(np.unique(present[starts]).tolist())


def _in_bins(present: Floats, edges: tuple[float, ...]) -> tuple[int, ...]:
    if not edges:  # the reference had no value at all
        return (0, len(present))
    below = np.searchsorted(present, edges[0], side="left")
    up_to = np.searchsorted(present, edges, side="right")
    return tuple(np.diff(np.concatenate([[0, below], up_to, [len(present)]])).tolist())


def _moments(present: Floats) -> tuple[float | None, float | None]:
    """Mean and standard deviation; None where there are no values, or too large ones to add up."""
    if not len(present):
        return None, None
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(present.mean()), float(present.std())
    return (mean, deviation) if np.isfinite([mean, deviation]).all() else (None, None)


def _count_levels(name: str, kind: str, column: pa.ChunkedArray, old: Levels | None) -> Levels:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = column.drop_null().cast(pa.string()).value_counts()
    values, amounts = found.field("values"), np.asarray(found.field("counts"), dtype=np.int64)
    levels, fewest = (old.levels, old.fewest) if old else _listed(values, amounts)
    places = pc.index_in(values, value_set=pa.array(levels, pa.string())).fill_null(len(levels))
    counts = np.bincount(np.asarray(places, dtype=np.int64), weights=amounts, minlength=len(levels) + 1)
    *known, other = counts.astype(np.int64).tolist()
    return Levels(name, kind, levels, tuple(known), fewest, other, column.null_count)


def _listed(values: pa.Array, amounts: NDArray[np.int64]) -> tuple[tuple[str, ...], int]:
    """The levels that are listed, and how many rows each of them has at least.

    A level is listed by its number of rows alone, so that statistics know how it was chosen.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    fewest = 1 if len(amounts) <= MOST_LEVELS else int(np.sort(amounts)[-MOST_LEVELS - 1]) + 1
    table = pa.table({"values": values, "counts": pa.array(amounts)}).filter(pa.array(amounts >= fewest))
    order = pc.sort_indices(table, sort_keys=[("counts", "descending"), ("values", "ascending")])
    return tuple(table.column("values").take(order).to_pylist()), fewest
