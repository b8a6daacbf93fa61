"""A model as it lies in a folder: encoder, estimator, task, and what its training was like."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ml.model.booster import Booster
from ml.model.encoder import Encoder

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
ENCODER, CARD = "encoder.json", "card.json"
BOOSTER, ESTIMATOR = "booster.txt", "estimator.skops"


class Estimator(Protocol):
    """What turns encoded rows into outputs."""

    def predict(self, matrix: Floats) -> Floats:
        """Regression: values (rows,). Two classes: the second's probability (rows,). More: (rows, classes)."""
        ...

    def predict_row(self, row: Floats) -> Floats:
        """The same for one row of shape (width,)."""
        ...


@dataclass(frozen=True)
class Card:
    """What a model says of itself.

    Attributes:
        problem: the problem's name.
        task: regression or classification.
        answer: what a classifier answers with: label or probability.
        target: the name of the column that it predicts.
        classes: the labels in the order of the probabilities; empty for regression.
        carried: columns that a request may carry: collected, and not used.
        identifier, time, group: which of the request's columns those are, where the problem has them.
        trained_from, trained_until: the window of the training rows by time, ISO 8601; None without time.
        rows: the number of training rows.
        dummy: what a model that learnt nothing answers: a value, or a probability for each class.
    """

    problem: str
    task: str
    answer: str
    target: str
    classes: tuple[str, ...]
    carried: tuple[str, ...]
    identifier: str | None
    time: str | None
    group: str | None
    trained_from: str | None
    trained_until: str | None
    rows: int
    dummy: tuple[float, ...]

    @classmethod
    def load(cls, path: Path) -> Card:
        """Reads what `save` wrote."""
        fields = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()})

    def save(self, path: Path) -> None:
        """Writes the card as JSON."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), encoding="utf-8")


class SklearnEstimator:
    """A scikit-learn pipeline over encoded rows, loaded by skops without pickle."""

    def __init__(self, path: Path, classifies: bool) -> None:
        import skops.io

        self._pipeline = skops.io.load(path, trusted=[])
        self._classifies = classifies

    def predict(self, matrix: Floats) -> Floats:
        """See `Estimator`."""
        if not self._classifies:
            return np.asarray(self._pipeline.predict(matrix), dtype=np.float64)
        probability = np.asarray(self._pipeline.predict_proba(matrix), dtype=np.float64)
        return probability[:, 1] if probability.shape[1] == 2 else probability

    def predict_row(self, row: Floats) -> Floats:
        """See `Estimator`."""
        return np.atleast_1d(self.predict(row.reshape(1, -1))[0])


@dataclass(frozen=True)
class Model:
    """A loaded model."""

    card: Card
    encoder: Encoder
    estimator: Estimator

    @classmethod
    def load(cls, folder: Path, threads: int = 0) -> Model:
        """The model in `folder`: an MLflow model directory, or the `model/` inside it.

        Args:
            folder: where the model lies.
            threads: threads for many rows at once; 0 is all cores. One row always takes one.
        """
        inner = folder / "model" if (folder / "MLmodel").exists() else folder
        card, encoder = Card.load(inner / CARD), Encoder.load(inner / ENCODER)
        if (inner / BOOSTER).exists():
            estimator: Estimator = Booster(inner / BOOSTER, len(encoder.outputs), threads)
        else:
            estimator = SklearnEstimator(inner / ESTIMATOR, card.task == "classification")
        return cls(card, encoder, estimator)

    def outputs(self, rows: pa.Table) -> Floats:
        """What the gate compares: values (rows,), or probabilities (rows, classes)."""
        return self.as_outputs(self.estimator.predict(self.encoder.encode(rows)))

    def as_outputs(self, raw: Floats) -> Floats:
        """An estimator's numbers for several rows as values (rows,) or probabilities (rows, classes)."""
        if self.card.task == "regression" or raw.ndim == 2:
            return raw
        return np.column_stack([1.0 - raw, raw])

    def answers(self, raw: Floats) -> list[Any]:
        """An estimator's numbers for several rows as JSON values, one a row.

        A value for regression; for classification the label, or with `answer: probability` the
        second class's probability (two classes) or the list of all (more).
        """
        if self.card.task == "regression" or self.card.answer == "probability":
            return raw.tolist()  # type: ignore[no-any-return]
        return [self.card.classes[k] for k in self.as_outputs(raw).argmax(axis=1)]
