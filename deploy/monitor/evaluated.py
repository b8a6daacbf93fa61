"""What the evaluation of a model recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.fault import Fault, invalid
from ml.metrics import Floats, Targets

if TYPE_CHECKING:
    import pyarrow as pa

Times = NDArray[np.datetime64]


@dataclass(frozen=True)
class Answered:
    """Rows whose labels are known.

    Attributes:
        target: values, or the numbers of the classes, shape (rows,).
        output: values (rows,), or probabilities (rows, classes).
        time: of each row; rows without time may all have the same.
    """

    target: Targets
    output: Floats
    time: Times

    @classmethod
    def load(cls, folder: Path, task: str) -> Answered:
        """What the evaluation kept in `predictions.parquet`.

        Raises:
            Fault: the file is absent or something else.
        """
        import pyarrow.parquet as pq

        path = folder / "predictions.parquet"
        try:
            table = pq.read_table(path)
            target = table.column("target").to_numpy()
        except (OSError, ValueError, KeyError) as error:
            raise _no_evaluation(path, error) from None
        names = [name for name in table.column_names if name.startswith("output_")]
        output = np.column_stack([table.column(name).to_numpy() for name in names]).astype(np.float64)
        time = _times(table)
        return cls(target, output[:, 0] if task == "regression" else output, time)


@dataclass(frozen=True)
class Recorded:
    """What the evaluation found on the rows that judged, of the model and of what learnt nothing."""

    rows: Answered
    dummy_metrics: Mapping[str, float | None]

    @classmethod
    def load(cls, folder: Path, task: str) -> Recorded:
        """The evaluation in `folder`.

        Raises:
            Fault: it is absent or something else.
        """
        path = folder / "measures.json"
        try:
            return cls(Answered.load(folder, task), json.loads(path.read_text(encoding="utf-8"))["dummy_metrics"])
        except (OSError, ValueError, KeyError) as error:
            raise _no_evaluation(path, error) from None


def _no_evaluation(path: Path, error: Exception) -> Fault:
    """A library's words name the file once more, which the fault has told already."""
    if isinstance(error, FileNotFoundError):
        return invalid("there is no evaluation", str(path), "evaluate the model again")
    told = str(error).replace(str(path), path.name)
    return invalid(f"is no evaluation ({told})", str(path), "evaluate the model again")


def _times(table: pa.Table) -> Times:
    if "time" not in table.column_names:
        return np.zeros(table.num_rows, dtype="datetime64[us]")
    return np.asarray(table.column("time").to_numpy(), dtype="datetime64[us]")
