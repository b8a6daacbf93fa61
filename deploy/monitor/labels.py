"""Labels that came later, joined to the rows that were asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from deploy.monitor.asked import Asked
from ml.fault import invalid

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.model.model import Card
    from ml.raw.folder import Raw
    from ml.raw.typed import Reading, Typed

REQUEST, ROW = "request_id", "row"


@dataclass(frozen=True)
class Labels:
    """Each asked row's label.

    Attributes:
        targets: one a row, null where none has come: double for regression, string for classification.
        unmatched: labels of the file that belong to no asked row.
        key: the column that joined them.
    """

    targets: pa.Array
    unmatched: int
    key: str

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which rows have a label."""
        return np.asarray(self.targets.is_valid().to_numpy(zero_copy_only=False), dtype=bool)

    def where(self, chosen: NDArray[np.bool_]) -> Labels:
        """Those of the chosen rows."""
        import pyarrow as pa

        return replace(self, targets=self.targets.filter(pa.array(chosen)))

    def named(self, chosen: NDArray[np.bool_]) -> tuple[str, ...]:
        """The different labels of the chosen rows, in their order."""
        return tuple(sorted(map(str, set(self.where(chosen).targets.to_pylist()))))


def join_labels(path: Path, asked: Asked, card: Card) -> Labels:
    """The labels of a CSV or Parquet file.

    It has the target's column and either `request_id`, with `row` (from 0) for requests of several
    rows, or the problem's id column. An empty label has not come yet.

    Raises:
        Fault: a column is missing, a value does not fit, two labels contradict each other, or a
            request of several rows has a label without `row`.
    """
    import pyarrow.compute as pc

    from ml.raw.folder import open_raw

    raw = open_raw(path)
    raw.require(card.target, "the target")
    key = _key(raw, card)
    by_id = key == card.identifier
    typed = _read(raw, key, card)
    if not by_id and ROW not in typed.rows.column_names:
        _refuse_several_rows(typed, asked)
    came = pc.indices_nonzero(typed.rows.column(card.target).is_valid())
    keys = _flat((typed.rows.column(key) if by_id else request_rows(typed.rows)).take(came))
    values = _flat(typed.rows.column(card.target).take(came))
    _refuse_contradictions(typed, keys, values, came, card.target)
    ours = _flat(asked.rows.column(key) if by_id else request_rows(asked.about))
    matched = pc.sum(pc.is_in(keys, value_set=ours, skip_nulls=True)).as_py() or 0
    targets = values.take(pc.index_in(ours, value_set=keys, skip_nulls=True))
    return Labels(targets, len(values) - matched, key)


def _key(raw: Raw, card: Card) -> str:
    if REQUEST in raw.columns and card.identifier != REQUEST:
        return REQUEST
    if card.identifier is not None and card.identifier in raw.columns:
        return card.identifier
    either = f"`{REQUEST}`" + (f" or the id `{card.identifier}`" if card.identifier else "")
    raise invalid(f"there is no column {either} to join labels by", str(raw.path), f"add {either}")


def _read(raw: Raw, key: str, card: Card) -> Typed:
    from ml.raw.typed import read_typed

    target = "number" if card.task == "regression" else "label"
    numbered = {ROW: "number"} if key != card.identifier and ROW in raw.columns else {}
    typed = read_typed(raw, cast("dict[str, Reading]", {key: "category", card.target: target} | numbered))
    if numbered:
        _refuse_fractions(typed)
    return typed


def _refuse_fractions(typed: Typed) -> None:
    import pyarrow.compute as pc

    places = typed.rows.column(ROW)
    row = pc.index(pc.equal(places, pc.floor(places)), False).as_py()
    if row >= 0:
        raise invalid(f"{places[row].as_py()} is no row's place", typed.place(row, ROW), "count from 0")


def request_rows(rows: pa.Table) -> pa.ChunkedArray:
    """The request's id with the row's place in it, 0 where there are no places; null where either is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if ROW not in rows.column_names:
        return pc.binary_join_element_wise(rows.column(REQUEST), "0", "/")
    place = rows.column(ROW).cast(pa.int64(), safe=False).cast(pa.string())
    return pc.binary_join_element_wise(rows.column(REQUEST), place, "/")


def _refuse_several_rows(typed: Typed, asked: Asked) -> None:
    import pyarrow.compute as pc

    several = asked.about.filter(pc.greater(asked.about.column(ROW), 0)).column(REQUEST)
    row = pc.index(pc.is_in(typed.rows.column(REQUEST), value_set=_flat(several), skip_nulls=True), True).as_py()
    if row >= 0:
        remedy = "add a column `row`: the row's place in the request, from 0"
        raise invalid("the request has several rows", typed.place(row, REQUEST), remedy)


def _refuse_contradictions(typed: Typed, keys: pa.Array, values: pa.Array, places: pa.Array, target: str) -> None:
    """Refuses two different labels for one key; the same label twice is harmless."""
    import pyarrow.compute as pc

    first = pc.index_in(keys, value_set=keys, skip_nulls=True)
    differs = pc.index(pc.not_equal(values, values.take(first)), True).as_py()
    if differs >= 0:
        other = typed.place(places[first[differs].as_py()].as_py())
        where = typed.place(places[differs].as_py(), target)
        raise invalid(f"another label than in {other}", where, "keep one label for each row")


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
