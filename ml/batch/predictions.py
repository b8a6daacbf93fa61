"""What a model answers on typed rows, as columns: `prediction` and, of a classifier, each probability."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.model.encoder import Encoder
from ml.model.model import Card, Floats

PREDICTION = "prediction"


def column_names(card: Card) -> tuple[str, ...]:
    """The names of the columns that `prediction_columns` makes."""
    return (PREDICTION, *(f"probability_{label}" for label in card.classes))


def prediction_columns(card: Card, outputs: Floats) -> dict[str, pa.Array]:
    """The columns for the outputs of `Model.outputs`, one value a row.

    Regression has the value alone. Classification has the label of the largest probability, the first of
    equal ones, of the type that the scoring server answers with, and the probability of each class.
    """
    if card.task == "regression":
        return {PREDICTION: pa.array(outputs)}
    labels = pa.array(card.labels).take(pa.array(outputs.argmax(axis=1)))
    probabilities = (pa.array(np.ascontiguousarray(column)) for column in outputs.T)
    return dict(zip(column_names(card), (labels, *probabilities), strict=True))


def first_gap(encoder: Encoder, rows: pa.Table) -> tuple[int, str] | None:
    """The row and the column of a missing value where training saw none; the scoring server refuses it too."""
    for feature in encoder.features:
        column = rows.column(feature.name)
        if column.null_count and not feature.nullable:
            return pc.index(column.is_null(), True).as_py(), feature.name
    return None
