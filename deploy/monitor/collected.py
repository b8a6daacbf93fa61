"""Collected requests as typed rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from deploy.monitor.asked import Asked, about_schema, rows_schema
from ml.fault import Fault
from ml.serving.values import Mismatch, Read, date, reader

if TYPE_CHECKING:
    from ml.model.model import Model
    from ml.serving.collection import Collected

ROWS_A_BATCH = 20_000


def asked_of(records: Iterable[Collected], model: Model, digest: str | None = None) -> Asked:
    """The rows of collected requests.

    Args:
        records: what `ml.serving.collection.read_collected` gives.
        model: says which columns there are, and of what kind. A value that is not of its column's
            kind, or a column that an older model did not ask for, is missing.
        digest: keeps what was answered by the model with these bytes; None keeps all.

    Raises:
        Fault: a request has another number of answers than of rows.
    """
    import pyarrow as pa

    reads, schema = _reads(model), rows_schema(model)
    kept = (record for record in records if digest is None or record.digest == digest)
    flat = (line for record in kept for line in _lines(record))
    about: list[pa.RecordBatch] = []
    rows: list[pa.RecordBatch] = []
    answers: list[Any] = []
    while batch := list(islice(flat, ROWS_A_BATCH)):
        about.append(pa.RecordBatch.from_pylist([line[0] for line in batch], about_schema()))
        columns = {name: [_read(read, line[1].get(name)) for line in batch] for name, read in reads.items()}
        rows.append(pa.RecordBatch.from_pydict(columns, schema))
        answers += [line[2] for line in batch]
    return Asked(pa.Table.from_batches(about, about_schema()), pa.Table.from_batches(rows, schema), tuple(answers))


def _lines(record: Collected) -> Iterator[tuple[dict[str, Any], dict[str, Any], Any]]:
    if len(record.rows) != len(record.answers):
        message = f"request {record.request_id} has {len(record.rows)} rows and {len(record.answers)} answers"
        raise Fault(message, "the collected requests", "remove it")
    for place, (row, answer) in enumerate(zip(record.rows, record.answers, strict=True)):
        yield (
            {
                "request_id": record.request_id,
                "row": place,
                "collected_at": record.time.astimezone(dt.UTC).replace(tzinfo=None),
                "deployment": record.deployment,
                "digest": record.digest,
            },
            row,
            answer,
        )


def _reads(model: Model) -> dict[str, Read]:
    carried = {name: date if name == model.card.time else _text for name in model.card.carried}
    return {feature.name: reader(feature) for feature in model.encoder.features} | carried


def _text(value: Any) -> str:
    """An id or a group as a file of labels would have it: 4711 and 4711.0 are `4711`."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _read(read: Read, value: Any) -> Any:
    try:
        return None if value is None else read(value)
    except Mismatch:
        return None
