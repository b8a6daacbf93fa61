"""The entry script that a user of azureml-inference-server-http would write."""

from __future__ import annotations

import json
import os
from pathlib import Path

import joblib
import pandas as pd

model = None


def init() -> None:
    """Loads the pipeline."""
    global model
    model = joblib.load(Path(os.environ["AZUREML_MODEL_DIR"]) / "pipeline.joblib")


def run(raw_data: str) -> list[float]:
    """Answers the rows."""
    frame = pd.DataFrame(**json.loads(raw_data)["input_data"])
    return model.predict(frame).tolist()
