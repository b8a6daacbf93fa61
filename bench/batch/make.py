"""Makes what all ways of scoring start from: one model in each of their forms, and the rows.

The model is 200 trees of 31 leaves over ten numbers and two categories, learnt by LightGBM in a scikit-learn pipeline.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from lightgbm import LGBMRegressor
from pyarrow import csv
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from ml.model.encoder import Encoder, Feature
from ml.model.model import Card

TRAINING_ROWS = 100_000
AMOUNTS = tuple(f"amount_{place}" for place in range(10))
LEVELS = {"origin": 12, "destination": 300}


def rows(count: int) -> pa.Table:
    """Ten numbers and two categories."""
    rng = np.random.default_rng(0)
    columns = {name: pa.array(rng.normal(size=count)) for name in AMOUNTS}
    for name, levels in LEVELS.items():
        codes = pa.array(rng.integers(0, levels, count), pa.int32())
        texts = pa.array([f"{name}-{code}" for code in range(levels)])
        columns[name] = pa.DictionaryArray.from_arrays(codes, texts).cast(pa.string())
    return pa.table(columns)


def pipeline(frame: pd.DataFrame) -> Pipeline:
    """What a user would train."""
    target = 2 * frame.amount_0 + frame.origin.str.len() + np.sin(frame.amount_1) * frame.amount_2
    noise = np.random.default_rng(1).normal(size=len(frame))
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = ColumnTransformer([("amounts", "passthrough", list(AMOUNTS)), ("codes", ordinal, list(LEVELS))])
    model = make_pipeline(columns, LGBMRegressor(n_estimators=200, num_leaves=31, verbose=-1))
    return model.fit(frame, target + noise, lgbmregressor__categorical_feature=[10, 11])


def write_ours(model: Pipeline, folder: Path) -> Encoder:
    """The same model as `ml.batch` takes it."""
    levels = dict(zip(LEVELS, model[0].named_transformers_["codes"].categories_, strict=True))
    encoder = Encoder(
        tuple(
            Feature(name, "category" if name in levels else "number", False, tuple(levels.get(name, ())))
            for name in (*AMOUNTS, *LEVELS)
        )
    )
    card = Card(
        problem="bench", task="regression", answer="label", target="target", classes=(), carried=(),
        identifier=None, time=None, group=None, trained_from=None, trained_until=None,
        rows=TRAINING_ROWS, dummy=(0.0,),
    )  # fmt: skip
    folder.mkdir()
    encoder.save(folder / "encoder.json")
    card.save(folder / "card.json")
    model[-1].booster_.save_model(folder / "booster.txt")
    return encoder


def main(folder: Path, count: int) -> None:
    """Writes them all."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow.sklearn

    table = rows(count)
    model = pipeline(table.slice(0, TRAINING_ROWS).to_pandas())
    joblib.dump(model, folder / "pipeline.joblib")
    mlflow.sklearn.save_model(model, folder / "mlflow", serialization_format="cloudpickle")
    np.save(folder / "matrix.npy", write_ours(model, folder / "model").encode(table))
    pq.write_table(table, folder / "rows.parquet")
    csv.write_csv(table, folder / "rows.csv", csv.WriteOptions(quoting_style="none"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
