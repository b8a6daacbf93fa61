"""A data frame as MLflow hands it over, turned into the typed table that the encoder takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml.model.encoder import Encoder

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def typed_table(frame: pd.DataFrame, encoder: Encoder) -> pa.Table:
    """The encoder's columns of `frame`, each with the Arrow type of its kind.

    Raises:
        KeyError: a column is missing (MLflow's signature has refused that before).
    """
    import pyarrow as pa

    types = {
        "number": pa.float64(),
        "category": pa.string(),
        "boolean": pa.bool_(),
        "date": pa.timestamp("us"),
    }
    columns = {f.name: _column(frame[f.name], f.kind, types[f.kind]) for f in encoder.features}
    return pa.table(columns)


def _column(series: pd.Series, kind: str, wanted: pa.DataType) -> pa.Array:
    import pandas as pd
    import pyarrow as pa

    if kind == "date":
        series = pd.to_datetime(series).astype("datetime64[us]")
    if kind == "category":
        series = series.map(lambda value: None if pd.isna(value) else str(value)).astype(object)
    return pa.array(series, type=wanted, from_pandas=True)
