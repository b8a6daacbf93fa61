"""Held-back rows as requests' bodies, to be sent as users would send them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml.fault import Fault
from ml.model.encoder import Encoder
from ml.model.model import CARD, ENCODER, Card, inner

ROWS_A_REQUEST = 5
SAMPLE_ROWS = 10_000
SEED = 20130601


class HeldBackRows:
    """The rows of a model's run that came after its training, in a shuffled order that repeats."""

    def __init__(self, rows: Path, model: Path, rows_a_request: int = ROWS_A_REQUEST) -> None:
        self.rows, self.model, self.rows_a_request = rows, model, rows_a_request

    def bodies(self) -> Iterator[bytes]:
        """All requests' bodies, once.

        Raises:
            Fault: the rows are gone, or there are none.
        """
        import numpy as np
        import pyarrow.parquet as pq

        files = inner(self.model)
        features = [feature.name for feature in Encoder.load(files / ENCODER).features]
        if not self.rows.exists():
            raise Fault("the held-back rows are gone", str(self.rows), "`mlops train` makes them again")
        table = pq.read_table(self.rows, columns=[*features, *Card.load(files / CARD).carried])
        if table.num_rows == 0:
            raise Fault("there are no held-back rows to send", str(self.rows), "train with more rows")
        order = np.random.default_rng(SEED).permutation(table.num_rows)[:SAMPLE_ROWS]
        rows = [list(row.values()) for row in table.take(order).to_pylist()]
        for start in range(0, len(rows), self.rows_a_request):
            data = rows[start : start + self.rows_a_request]
            split = {"columns": table.column_names, "index": list(range(len(data))), "data": data}
            yield json.dumps({"input_data": split}, default=_iso).encode()


def _iso(value: Any) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
