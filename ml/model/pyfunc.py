"""The loader that MLflow calls: `mlflow.pyfunc.load_model` and everything built on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.model.frame import typed_table
from ml.model.model import Model

if TYPE_CHECKING:
    import pandas as pd


class FrameModel:
    """Answers a data frame."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> list[Any]:
        """One answer a row, as the scoring server gives it."""
        matrix = self.model.encoder.encode(typed_table(frame, self.model.encoder))
        return self.model.answers(self.model.estimator.predict(matrix))


def _load_pyfunc(path: str) -> FrameModel:
    """MLflow's hook."""
    return FrameModel(Model.load(Path(path)))
