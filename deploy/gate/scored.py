"""A model's answers on the rows that judge, as the step `evaluate` wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.fault import invalid
from ml.metrics import Floats

if TYPE_CHECKING:
    import pyarrow as pa

PREDICTIONS, MEASURES, SLICE = "predictions.parquet", "measures.json", "slice:"
MISSING = "(missing)"
Objects = NDArray[np.object_]
Codes = NDArray[np.int64]
Times = NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Levels:
    """A column of text: the levels in order, and for each row the place of its level.

    A million rows of text cost seconds to compare; a million numbers do not.
    """

    names: tuple[str, ...]
    codes: Codes

    @classmethod
    def of(cls, values: Sequence[str | None]) -> Levels:
        """The levels of plain values; None is the level `(missing)`."""
        known = sorted({MISSING if value is None else value for value in values})
        place = {name: code for code, name in enumerate(known)}
        codes = (place[MISSING if value is None else value] for value in values)
        return cls(tuple(known), np.fromiter(codes, dtype=np.int64, count=len(values)))

    def take(self, rows: NDArray[np.intp]) -> Levels:
        """The same levels for some rows."""
        return replace(self, codes=self.codes[rows])

    def present(self) -> frozenset[str]:
        """The levels that at least one row has."""
        return frozenset(self.names[code] for code in np.unique(self.codes))


@dataclass(frozen=True)
class Measures:
    """What was measured beside the answers; None where the file has no number.

    Attributes:
        metrics, dummy_metrics: by name, of the model and of what learnt nothing.
        latency_ms: the 95th percentile of answering one row, in milliseconds.
        size_mb: the model's files, in megabytes.
        parity: the largest absolute difference between the scoring server's and the offline outputs.
        classes: the labels in the order of the outputs; empty for regression.
        model_digest, data_digest: sha256 of the model's files and of the rows.
    """

    metrics: Mapping[str, float | None]
    dummy_metrics: Mapping[str, float | None]
    latency_ms: float | None
    size_mb: float | None
    parity: float | None
    classes: tuple[str, ...]
    model_digest: str
    data_digest: str


@dataclass(frozen=True, eq=False)
class Scored:
    """One model on the rows that judge.

    Attributes:
        keys: what names each row: its id, or the hash of its content.
        target: (rows,); for classification the number of the class.
        outputs: values (rows,) for regression, probabilities (rows, classes) for classification.
        slices: the slice columns by name.
        time: when each row happened, where the problem has a time column.
        group: what rows belong together, where the problem has a group column.
    """

    keys: Objects
    target: Floats
    outputs: Floats
    measures: Measures
    slices: Mapping[str, Levels] = field(default_factory=dict)
    time: Times | None = None
    group: Levels | None = None

    def __post_init__(self) -> None:
        lengths = {"target": len(self.target), "outputs": len(self.outputs)}
        lengths |= {f"slice `{name}`": len(levels.codes) for name, levels in self.slices.items()}
        lengths |= {} if self.time is None else {"time": len(self.time)}
        lengths |= {} if self.group is None else {"group": len(self.group.codes)}
        for name, length in lengths.items():
            if length != len(self.keys):
                raise invalid(f"{name} has {length} rows, the keys have {len(self.keys)}")

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.keys)

    def take(self, rows: NDArray[np.intp]) -> Scored:
        """The same model on some of the rows, in the given order. The measures stay those of all rows."""
        return replace(
            self,
            keys=self.keys[rows],
            target=self.target[rows],
            outputs=self.outputs[rows],
            slices={name: levels.take(rows) for name, levels in self.slices.items()},
            time=None if self.time is None else self.time[rows],
            group=None if self.group is None else self.group.take(rows),
        )


def read_scored(folder: Path) -> Scored:
    """What `evaluate` wrote into `folder`.

    Raises:
        Fault: a file or column is absent or of another type.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / PREDICTIONS
    try:
        table = pq.read_table(path)
        return _scored(table, _measures(folder / MEASURES))
    except FileNotFoundError as fault:
        raise invalid("there is no such file", str(fault.filename or path), "run the step `evaluate`") from None
    except KeyError as fault:
        raise invalid(f"has no column `{fault.args[0]}`", str(path), "run the step `evaluate` again") from None
    except pa.ArrowInvalid as fault:
        raise invalid(str(fault).split("\n")[0], str(path), "run the step `evaluate` again") from None


def _scored(table: pa.Table, measures: Measures) -> Scored:
    import pyarrow as pa

    columns = {name: table.column(name) for name in table.column_names}
    outputs = [columns[f"output_{k}"] for k in range(max(1, len(measures.classes)))]
    numbers = [column.cast(pa.float64()).to_numpy() for column in outputs]
    sliced = {name.removeprefix(SLICE): column for name, column in columns.items() if name.startswith(SLICE)}
    return Scored(
        keys=columns["key"].to_numpy(),
        target=columns["target"].cast(pa.float64()).to_numpy(),
        outputs=np.column_stack(numbers) if measures.classes else numbers[0],
        measures=measures,
        slices={name: _levels(column) for name, column in sliced.items()},
        time=columns["time"].cast(pa.timestamp("us")).to_numpy() if "time" in columns else None,
        group=_levels(columns["group"]) if "group" in columns else None,
    )


def _levels(column: pa.ChunkedArray) -> Levels:
    import pyarrow as pa

    coded = column.cast(pa.string()).fill_null(MISSING).combine_chunks().dictionary_encode()
    return Levels(tuple(coded.dictionary.to_pylist()), coded.indices.to_numpy().astype(np.int64))


def _measures(path: Path) -> Measures:
    try:
        given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Measures(
            metrics=_numbers(given["metrics"]),
            dummy_metrics=_numbers(given["dummy_metrics"]),
            latency_ms=_number(given.get("latency_ms")),
            size_mb=_number(given.get("size_mb")),
            parity=_number(given.get("parity")),
            classes=tuple(map(str, given.get("classes") or ())),
            model_digest=str(given["model_digest"]),
            data_digest=str(given["data_digest"]),
        )
    except KeyError as fault:
        raise invalid(f"has no `{fault.args[0]}`", str(path), "run the step `evaluate` again") from None
    except (ValueError, TypeError, AttributeError) as fault:
        raise invalid(f"is not what `evaluate` writes: {fault}", str(path), "run it again") from None


def _numbers(given: Mapping[str, Any]) -> dict[str, float | None]:
    return {str(name): _number(value) for name, value in given.items()}


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    return float(value)
