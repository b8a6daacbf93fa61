"""The asked rows whose labels have come, as raw rows for the next training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deploy.monitor.asked import Asked
from deploy.monitor.labels import Labels, request_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.model.model import Card


def labelled_rows(asked: Asked, labels: Labels, card: Card) -> pa.Table:
    """Features, carried columns and target of the labelled rows.

    A row that was asked more than once, by its id or as the same row of the same request, counts once,
    as it was asked last. Where a request did not carry its time, the time of its collection stands for
    it, and where it did not carry its id, `request_id/row`: the split needs both.
    """
    import pyarrow as pa

    rows = asked.rows.append_column(card.target, pa.chunked_array([labels.targets]))
    if card.time is not None and card.time not in _features(asked, card):
        rows = _replaced(rows, card.time, pa.array(asked.times(card.time)))
    keys = _identities(asked, card)
    if card.identifier is not None:
        rows = _replaced(rows, card.identifier, keys)
    return rows.take(pa.array(_last_of_each(keys, labels.known, asked.times(None))))


def write_labelled(asked: Asked, labels: Labels, card: Card, path: Path) -> int:
    """Writes `labelled_rows` as Parquet, whole or not at all; returns the number of rows."""
    import pyarrow.parquet as pq

    rows = labelled_rows(asked, labels, card)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    pq.write_table(rows, new, compression="zstd")
    new.replace(path)
    return int(rows.num_rows)


def _features(asked: Asked, card: Card) -> set[str]:
    return set(asked.rows.column_names) - set(card.carried)


def _identities(asked: Asked, card: Card) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    asked_as = request_rows(asked.about)
    return asked_as if card.identifier is None else pc.coalesce(asked.rows.column(card.identifier), asked_as)


def _last_of_each(keys: pa.ChunkedArray, known: NDArray[np.bool_], times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """The labelled rows in their order, the last of each key; those without a key all stay."""
    order = np.argsort(times, kind="stable")
    last: dict[str, int] = {}
    alone = []
    names = keys.to_pylist()
    for place in order[known[order]].tolist():
        if names[place] is None:
            alone.append(place)
        else:
            last[names[place]] = place
    return np.sort(np.array([*alone, *last.values()], dtype=np.int64))


def _replaced(rows: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    place = rows.column_names.index(name)
    return rows.set_column(place, name, column)
