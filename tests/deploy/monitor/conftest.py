"""Real flights, a model that learnt January to April, and its evaluation on May."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from deploy.monitor.asked import Asked, about_schema, kinds
from ml.metrics import measure
from ml.model.model import PROFILE, Model
from ml.problem import Problem, find, load_problem
from ml.profile import profile
from ml.raw.folder import open_raw
from ml.raw.typed import read_typed
from ml.sources.flights import make
from ml.steps.evaluate import predictions
from ml.steps.train import targets, train

ITERATIONS = 40


@dataclass(frozen=True)
class Flights:
    """All flights, typed."""

    rows: pa.Table

    def between(self, since: str, until: str) -> pa.Table:
        """The flights that were to leave from a day on and before another."""
        departure = self.rows.column("scheduled_departure")
        first, last = (dt.datetime.fromisoformat(day) for day in (since, until))
        return self.rows.filter(pc.and_(pc.greater_equal(departure, first), pc.less(departure, last)))


@dataclass(frozen=True)
class Learnt:
    """A model's folder and its evaluation's."""

    problem: Problem
    model: Path
    evaluation: Path


@pytest.fixture(scope="session")
def flight_delay() -> Problem:
    return load_problem(find("flight-delay"))


@pytest.fixture(scope="session")
def flights(flight_delay, tmp_path_factory) -> Flights:
    folder = tmp_path_factory.mktemp("flights")
    columns = flight_delay.columns
    readings = {columns.target: "number", columns.id: "category", columns.time: "date", **columns.features}
    return Flights(read_typed(open_raw(make(folder)), readings).rows)


@pytest.fixture(scope="session")
def learn(tmp_path_factory) -> Callable[[Problem, pa.Table, pa.Table], Learnt]:
    """Trains and evaluates a model on given rows."""

    def learnt(problem: Problem, teach: pa.Table, judge: pa.Table) -> Learnt:
        folder = tmp_path_factory.mktemp(problem.name)
        (folder / "model").mkdir()
        train(teach, {"from": None, "until": None}, problem, folder / "model")
        model = Model.load(folder / "model")
        reference = profile(teach, problem.columns.features, model.outputs(teach), model.card.classes)
        reference.save(folder / "model" / PROFILE)
        evaluate(problem, model, judge, folder / "evaluation")
        return Learnt(problem, folder / "model", folder / "evaluation")

    return learnt


@pytest.fixture(scope="session")
def learnt(flight_delay, flights, learn) -> Learnt:
    parameters = {**flight_delay.model.parameters, "num_iterations": ITERATIONS}
    learner = flight_delay.model.model_copy(update={"parameters": parameters})
    problem = flight_delay.model_copy(update={"model": learner})
    return learn(problem, flights.between("2013-01-01", "2013-05-01"), flights.between("2013-05-01", "2013-06-01"))


def evaluate(problem: Problem, model: Model, rows: pa.Table, folder: Path) -> None:
    """Writes what monitoring reads of an evaluation."""
    folder.mkdir()
    target, outputs = targets(rows, problem.columns.target, model.card.classes), model.outputs(rows)
    pq.write_table(predictions(rows, problem, target, outputs), folder / "predictions.parquet")
    dummy = np.tile(model.card.dummy, (len(target), 1))
    dummy = dummy if model.card.classes else dummy[:, 0]
    found = {"dummy_metrics": measure(problem.task, target, dummy)}
    (folder / "measures.json").write_text(json.dumps(found))


@pytest.fixture(scope="session")
def ask() -> Callable[[pa.Table, Path], Asked]:
    return asked_rows


def asked_rows(rows: pa.Table, folder: Path) -> Asked:
    """The rows as if each had been a request to the model in `folder`."""
    model = Model.load(folder)
    about = [
        {
            "request_id": f"r{k}",
            "row": 0,
            "collected_at": dt.datetime(2013, 12, 1),
            "deployment": "a",
            "digest": "d",
        }
        for k in range(rows.num_rows)
    ]
    answers = tuple(model.answers(model.estimator.predict(model.encoder.encode(rows))))
    return Asked(pa.Table.from_pylist(about, about_schema()), rows.select(list(kinds(model))), answers)
