"""From a request's bytes to an answer's, with no frame and no thread in between."""

from __future__ import annotations

import struct
from math import isfinite
from threading import Lock
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ml.model.model import Model
from ml.serving.refusal import Headers, Refusal, too_large
from ml.serving.request import Limits, Row, RowReader

Floats = NDArray[np.float64]
JSON, PROBLEM = b"application/json", b"application/problem+json"

_encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True):
    """What a request is answered with; status 200 where the model answered.

    Attributes:
        status: the HTTP status.
        media: the content type.
        body: JSON without a line break.
        headers: what the status asks for beside those.
    """

    status: int
    media: bytes
    body: bytes
    headers: Headers = ()


class Scorer:
    """Answers with one model. The same in the server and, to measure it, in the evaluation.

    Several threads may use it: rows that come alone take turns at one buffer.
    """

    def __init__(self, model: Model, limits: Limits | None = None) -> None:
        self.model, self.limits = model, limits or Limits()
        self._reader = RowReader(model.encoder, model.card.carried, self.limits)
        self._encoders = model.encoder.row_encoders
        self._has_dates = len(model.encoder.outputs) > len(self._encoders)
        self._turn = Lock()
        self._row = np.zeros(len(model.encoder.outputs), dtype=np.float64)
        self._memory = self._row.data
        self._fill = struct.Struct(f"{len(self._row)}d").pack_into

    def score(self, body: bytes, content_type: bytes = JSON) -> Answer:
        """The answer to a request's body: the predictions, or the problem document that says why not."""
        try:
            self.refuse_other_than_json(content_type)
            self.refuse_too_large(len(body))
            rows = self._reader.read(body)
            answers = self._answers(rows.values)
        except Refusal as refusal:
            return refused(refusal)
        return Answer(200, JSON, _encode(answers if rows.bare else {"predictions": answers}))

    def outputs(self, body: bytes) -> Floats:
        """What the answers are made of: values (rows,), or probabilities (rows, classes).

        Raises:
            Refusal: the body is not answered.
        """
        rows = self._reader.read(body).values
        if len(rows) > 1:
            return self.model.as_outputs(self._predict(rows))
        alone = np.asarray(self._predict_alone(rows[0]))
        return self.model.as_outputs(alone if len(alone) == 1 else alone.reshape(1, -1))

    def refuse_other_than_json(self, content_type: bytes) -> None:
        """Raises the refusal (415) of a body that is not said to be JSON in UTF-8."""
        if content_type != JSON and not _is_json(content_type):
            raise Refusal(415, "the content type must be application/json, in UTF-8")

    def refuse_too_large(self, length: int) -> None:
        """Raises the refusal (413) of a body of `length` bytes where that is too long."""
        if length > self.limits.body:
            raise too_large(self.limits.body)

    def _answers(self, rows: list[Row]) -> list[Any]:
        if len(rows) == 1:
            return [self.model.answer(self._predict_alone(rows[0]))]
        return self.model.answers(self._predict(rows))

    def _predict_alone(self, row: Row) -> list[float]:
        numbers = self._numbers(row)
        with self._turn:
            self._fill(self._memory, 0, *numbers)
            outputs: list[float] = self.model.estimator.predict_row(self._row).tolist()
        if not all(map(isfinite, outputs)):
            raise _not_finite()
        return outputs

    def _predict(self, rows: list[Row]) -> Floats:
        outputs = self.model.estimator.predict(np.array([self._numbers(row) for row in rows], dtype=np.float64))
        if not np.isfinite(outputs).all():
            raise _not_finite()
        return outputs

    def _numbers(self, row: Row) -> list[Any]:
        """The encoded row; carried columns, which stand last, have no encoder."""
        numbers = [encode(value) for encode, value in zip(self._encoders, row, strict=False)]
        return _flat(numbers) if self._has_dates else numbers


def refused(refusal: Refusal) -> Answer:
    """The answer that says why there is none."""
    return Answer(refusal.status, PROBLEM, refusal.document(), refusal.headers)


def _flat(numbers: list[Any]) -> list[float]:
    flat: list[float] = []
    for number in numbers:
        flat.extend(number) if type(number) is tuple else flat.append(number)
    return flat


def _is_json(content_type: bytes) -> bool:
    media, *parameters = (part.strip().lower() for part in content_type.split(b";"))
    charsets = [p.partition(b"=")[2].strip(b' "') for p in parameters if p.startswith(b"charset")]
    return media == JSON and all(charset in (b"utf-8", b"utf8") for charset in charsets)


def _not_finite() -> Refusal:
    return Refusal(500, "the model answered with a number that is not finite")
