"""A model as it lies in a folder: encoder, estimator, task, and what its training was like."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ml.fault import invalid
from ml.model.booster import Booster
from ml.model.encoder import Encoder

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
ENCODER, CARD, PROFILE, SMOKE = "encoder.json", "card.json", "profile.json", "smoke.json"
BOOSTER, ESTIMATOR = "booster.txt", "estimator.skops"
SERVING_EXAMPLE = "serving_input_example.json"
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,14}")  # as a number is written back; 007 and longer ones stay texts
# What a pipeline of our learners holds beside numbers; skops refuses everything else.
TRUSTED = ["numpy.dtype", "sklearn.tree._tree.Tree"]


def inner(folder: Path) -> Path:
    """Where our own files lie in an MLflow model directory; a folder that is none is taken as it is."""
    return folder / "data" / "model" if (folder / "MLmodel").exists() else folder


class Estimator(Protocol):
    """What turns encoded rows into outputs."""

    def predict(self, matrix: Floats) -> Floats:
        """Regression: values (rows,). Two classes: the second's probability (rows,); more: of each class."""
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

    @cached_property
    def labels(self) -> tuple[Any, ...]:
        """The classes as an answer has them: whole numbers, or true and false, where all are; otherwise texts."""
        if all(WHOLE.fullmatch(name) for name in self.classes):
            return tuple(map(int, self.classes))
        return (False, True) if self.classes == ("false", "true") else self.classes

    @classmethod
    def load(cls, path: Path) -> Card:
        """Reads what `save` wrote."""
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        lists = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
        return cls(**{**fields, **lists})

    def save(self, path: Path) -> None:
        """Writes the card as JSON."""
        path.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), encoding="utf-8")


class SklearnEstimator:
    """A scikit-learn pipeline over encoded rows, loaded by skops without pickle."""

    def __init__(self, path: Path, classifies: bool) -> None:
        import skops.io

        self._pipeline = skops.io.load(path, trusted=TRUSTED)
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
        """The model in `folder`: an MLflow model directory, or our own files inside it.

        Args:
            folder: where the model lies.
            threads: threads for many rows at once; 0 is all cores. One row always takes one.

        Raises:
            Fault: the folder holds no whole model, or one with types that skops does not trust.
        """
        try:
            return cls._load(inner(folder), threads)
        except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
            reason = f"{type(error).__name__}: {error}".split("\n")[0]
            raise invalid(
                f"is no folder of a model: {reason}", str(folder), "name the folder with MLmodel in it"
            ) from None

    @classmethod
    def _load(cls, files: Path, threads: int) -> Model:
        card, encoder = Card.load(files / CARD), Encoder.load(files / ENCODER)
        if (files / BOOSTER).exists():
            estimator: Estimator = Booster(files / BOOSTER, len(encoder.outputs), threads)
        elif not (files / ESTIMATOR).exists():
            raise FileNotFoundError(f"there is neither {BOOSTER} nor {ESTIMATOR}")
        else:
            estimator = SklearnEstimator(files / ESTIMATOR, card.task == "classification")
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
        return [self.card.labels[k] for k in self.as_outputs(raw).argmax(axis=1)]

    def answer(self, numbers: list[float]) -> Any:
        """The estimator's numbers for one row as its JSON value; `answers` says which."""
        if self.card.task == "regression" or self.card.answer == "probability":
            return numbers if len(numbers) > 1 else numbers[0]
        if len(numbers) > 1:
            return self.card.labels[numbers.index(max(numbers))]
        return self.card.labels[numbers[0] > 1.0 - numbers[0]]
