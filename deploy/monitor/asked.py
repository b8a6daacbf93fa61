"""The rows that a model was asked, typed, with what is known of each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.fault import Fault

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.model.model import Model

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]


@dataclass(frozen=True)
class Asked:
    """Rows that were asked. The columns of `about` stand apart, so that a feature may have any name.

    Attributes:
        about: request_id (string), row (its place in the request, from 0), collected_at (timestamp[us],
            UTC), deployment and digest (string); null where a file of requests does not say.
        rows: the features, each in the type of its kind, then the columns that requests carry: the time
            as timestamp[us], id and group as string; null where a request did not carry it.
        answers: one a row, as JSON values; None where they were not recorded.
    """

    about: pa.Table
    rows: pa.Table
    answers: tuple[Any, ...] | None

    def times(self, column: str | None) -> Times:
        """When each row was: its time column, or else when it was collected; NaT where neither is known."""
        collected = np.asarray(self.about.column("collected_at").to_numpy(), dtype="datetime64[us]")
        if column is None:
            return collected
        carried = np.asarray(self.rows.column(column).to_numpy(), dtype="datetime64[us]")
        return np.where(np.isnat(carried), collected, carried)

    def between(self, column: str | None, since: dt.datetime | None, until: dt.datetime | None) -> Asked:
        """The rows from `since` on and before `until`, by `times`; a moment with an offset means UTC.

        A row without any time is left out where a bound is given.
        """
        times = self.times(column)
        inside = np.ones(len(times), dtype=bool)
        if since is not None:
            inside &= times >= np.datetime64(_naive(since), "us")
        if until is not None:
            inside &= times < np.datetime64(_naive(until), "us")
        return self.where(inside)

    def where(self, chosen: NDArray[np.bool_]) -> Asked:
        """The chosen rows."""
        import pyarrow as pa

        mask = pa.array(chosen)
        answers = self.answers
        if answers is not None:
            answers = tuple(answer for answer, kept in zip(answers, chosen, strict=True) if kept)
        return Asked(self.about.filter(mask), self.rows.filter(mask), answers)

    def outputs(self, model: Model) -> Floats:
        """What was answered, as the evaluation has it: values (rows,), or probabilities (rows, classes).

        A label has lost its probabilities, and a file of requests has no answers: there the model is
        asked again.

        Raises:
            Fault: an answer is not of the model's kind.
        """
        if self.answers is None or (model.card.task == "classification" and model.card.answer == "label"):
            return model.outputs(self.rows)
        try:
            return model.as_outputs(np.array(self.answers, dtype=np.float64))
        except (TypeError, ValueError):
            raise Fault("an answer is no number", "the collected requests", "pass the digest of one model") from None


def about_schema() -> pa.Schema:
    """The columns of `Asked.about`."""
    import pyarrow as pa

    text, moment = pa.string(), pa.timestamp("us")
    names = ("request_id", "row", "collected_at", "deployment", "digest")
    return pa.schema(list(zip(names, (text, pa.int64(), moment, text, text), strict=True)))


def kinds(model: Model) -> dict[str, str]:
    """The kind of each column of `Asked.rows`, in their order."""
    features = {feature.name: feature.kind for feature in model.encoder.features}
    return features | {name: "date" if name == model.card.time else "category" for name in model.card.carried}


def rows_schema(model: Model) -> pa.Schema:
    """The columns of `Asked.rows`."""
    import pyarrow as pa

    types = {
        "number": pa.float64(),
        "category": pa.string(),
        "boolean": pa.bool_(),
        "date": pa.timestamp("us"),
    }
    return pa.schema([(name, types[kind]) for name, kind in kinds(model).items()])


def _naive(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo is None else moment.astimezone(dt.UTC).replace(tzinfo=None)
