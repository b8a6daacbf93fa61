"""A file of requests as typed rows, for requests that were not collected."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from deploy.monitor.asked import Asked, about_schema, kinds, rows_schema
from deploy.monitor.labels import REQUEST, ROW

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.model.model import Model
    from ml.raw.typed import Reading


def asked_in(path: Path, model: Model) -> Asked:
    """The rows of a CSV or Parquet file, or of a folder of them; each is a request of one row.

    It needs the model's features. The columns that requests may carry, and `request_id`, are taken
    where they are.

    Raises:
        Fault: the file is broken, a feature is missing, or a value does not fit its column.
    """
    import pyarrow as pa

    from ml.raw.folder import open_raw
    from ml.raw.typed import read_typed

    raw, wanted = open_raw(path), kinds(model)
    # A column of the problem that is itself named `request_id` is the problem's.
    own = {} if REQUEST in wanted else {REQUEST: "category"}
    needed = {feature.name for feature in model.encoder.features}
    readings = {n: kind for n, kind in (wanted | own).items() if n in needed or n in raw.columns}
    typed = read_typed(raw, cast("dict[str, Reading]", readings)).rows
    about = typed.select([name for name in own if name in readings])
    about = about.append_column(ROW, pa.array(np.zeros(typed.num_rows, dtype=np.int64)))
    return Asked(_filled(about, about_schema()), _filled(typed, rows_schema(model)), None)


def _filled(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of `schema`; those that the table does not have are null."""
    import pyarrow as pa

    absent = [field for field in schema if field.name not in table.column_names]
    for field in absent:
        table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(schema.names).cast(schema)
