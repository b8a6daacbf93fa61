"""How a typed row becomes a row of float64: one encoder for both kinds of model, kept as JSON."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

NAN = float("nan")
MOST_CATEGORIES = 10_000
DATE_PARTS = ("day", "month", "weekday", "hour")
EPOCH = dt.datetime(1970, 1, 1)
MICROSECOND = dt.timedelta(microseconds=1)
MICROSECONDS_A_DAY = 86_400_000_000.0


@dataclass(frozen=True)
class Feature:
    """One input column.

    Attributes:
        kind: number, category, boolean or date.
        nullable: whether training saw a missing value, so that a request may have one.
        categories: the levels seen in training, the most frequent first; a level's place is its code,
            and an unseen level is encoded as missing.
    """

    name: str
    kind: str
    nullable: bool
    categories: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the numbers that this column becomes."""
        return tuple(f"{self.name}.{part}" for part in DATE_PARTS) if self.kind == "date" else (self.name,)


@dataclass(frozen=True)
class Encoder:
    """The features of a model in their order."""

    features: tuple[Feature, ...]

    @classmethod
    def fit(cls, rows: pa.Table, kinds: Mapping[str, str]) -> Encoder:
        """Learns the levels and the missing values of the training rows."""
        return cls(tuple(_fit_feature(rows.column(name), name, kind) for name, kind in kinds.items()))

    @classmethod
    def load(cls, path: Path) -> Encoder:
        """Reads what `save` wrote."""
        fields = json.loads(path.read_text(encoding="utf-8"))["features"]
        return cls(tuple(Feature(**{**f, "categories": tuple(f["categories"])}) for f in fields))

    def save(self, path: Path) -> None:
        """Writes the encoder as JSON."""
        features = [asdict(feature) for feature in self.features]
        path.write_text(json.dumps({"features": features}, ensure_ascii=False, indent=1), encoding="utf-8")

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The names of the encoded columns."""
        return tuple(name for feature in self.features for name in feature.outputs)

    @cached_property
    def categorical(self) -> tuple[int, ...]:
        """The places of the encoded columns that hold codes rather than amounts."""
        kinds = [feature.kind for feature in self.features for _ in feature.outputs]
        return tuple(place for place, kind in enumerate(kinds) if kind == "category")

    def encode(self, rows: pa.Table) -> NDArray[np.float64]:
        """A table of typed columns as a row-major matrix (rows, encoded columns); missing is NaN."""
        matrix = np.empty((rows.num_rows, len(self.outputs)), dtype=np.float64)
        place = 0
        for feature in self.features:
            for column in _encode_column(rows.column(feature.name), feature):
                matrix[:, place] = column
                place += 1
        return matrix

    @cached_property
    def row_encoders(self) -> tuple[Callable[[Any], float | tuple[float, ...]], ...]:
        """For each feature the function from one JSON value (already of the right type) to its number(s)."""
        return tuple(_row_encoder(feature) for feature in self.features)


def _fit_feature(column: pa.ChunkedArray, name: str, kind: str) -> Feature:
    levels = _levels(column) if kind == "category" else ()
    return Feature(name, kind, nullable=column.null_count > 0, categories=levels)


def _levels(column: pa.ChunkedArray) -> tuple[str, ...]:
    counts = column.drop_null().value_counts().to_pylist()
    ordered = sorted(counts, key=lambda c: (-c["counts"], c["values"]))
    return tuple(c["values"] for c in ordered[:MOST_CATEGORIES])


def _encode_column(column: pa.ChunkedArray, feature: Feature) -> Iterable[NDArray[np.float64]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if feature.kind == "category":
        codes = pc.index_in(column, value_set=pa.array(feature.categories, pa.string()))
        return [_floats(codes)]
    if feature.kind == "date":
        # Unsafe casts round to the nearest double, as Python does; a safe one refuses the years after 2255.
        moments = pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64())
        days = pc.divide(pc.cast(moments, pa.float64(), safe=False), MICROSECONDS_A_DAY)
        parts = (days, pc.month(column), pc.day_of_week(column), pc.hour(column))
        return [_floats(part) for part in parts]
    return [_floats(column)]


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    import pyarrow as pa

    numbers = column.cast(pa.float64()).to_numpy()
    return np.asarray(numbers, dtype=np.float64)


class _Codes(dict[Any, float]):
    """A level's code; missing for what training did not see."""

    def __missing__(self, level: Any) -> float:
        return NAN


def _row_encoder(feature: Feature) -> Callable[[Any], float | tuple[float, ...]]:
    # One row is answered in microseconds, so these are C functions wherever they can be.
    if feature.kind == "category":
        return _Codes((level, float(code)) for code, level in enumerate(feature.categories)).__getitem__
    if feature.kind == "date":
        return _encode_date
    return _encode_nullable if feature.nullable else float


def _encode_nullable(value: float | None) -> float:
    return NAN if value is None else float(value)


def _encode_date(value: dt.datetime | None) -> tuple[float, ...]:
    if value is None:
        return (NAN,) * len(DATE_PARTS)
    days = ((value - EPOCH) // MICROSECOND) / MICROSECONDS_A_DAY
    return (days, float(value.month), float(value.weekday()), float(value.hour))
