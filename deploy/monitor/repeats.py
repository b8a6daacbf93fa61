"""Which of the asked rows count: a row that was asked again counts once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deploy.monitor.asked import Asked

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.profile import Profile

Chosen = NDArray[np.bool_]
OWN_REPEATS = 0.05  # of the training rows; where more of them repeat others, two alike are not the same one


def distinct(asked: Asked, identifier: str | None, reference: Profile, labelled: Chosen) -> Chosen:
    """The rows that count: of each that was asked more than once the last that has a label, or else the last.

    Two rows are the same one by their id. Without an id they are by their content, unless the training rows
    repeat each other: then rows of different requests are alike by nature, and each counts.
    """
    count = asked.rows.num_rows
    named = np.zeros(count, dtype=bool)
    if identifier is not None:
        named = np.asarray(asked.rows.column(identifier).is_valid().to_numpy(), dtype=bool)
    order = np.lexsort((asked.times(None), labelled))  # rising: without a label first, then by time
    places = np.empty(count, dtype=np.int64)
    places[order] = np.arange(count)
    kept = [_last(asked.rows, [identifier], places, named)] if identifier is not None else []
    if reference.repeated <= OWN_REPEATS:
        kept.append(_last(asked.rows, asked.rows.column_names, places, ~named))
    else:
        kept.append(places[~named])
    chosen = np.zeros(count, dtype=bool)
    chosen[order[np.concatenate(kept)]] = True
    return chosen


def _last(rows: pa.Table, columns: Sequence[str], places: NDArray[np.int64], among: Chosen) -> NDArray[np.int64]:
    """The largest place of each group of rows that have the same values."""
    import pyarrow as pa

    keys = rows.select(columns).rename_columns([str(number) for number in range(len(columns))])
    table = keys.append_column("place", pa.array(places)).filter(pa.array(among))
    found = table.group_by(keys.column_names).aggregate([("place", "max")])
    return np.asarray(found.column("place_max").to_numpy(), dtype=np.int64)
