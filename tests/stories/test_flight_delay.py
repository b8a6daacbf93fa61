"""A summer of real flights: what moved is seen, its labels retrain, and the retrained model takes the place."""

import datetime as dt

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ml.problem import PROBLEMS

PROBLEM = "flight-delay"
pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def flights(mlops, spring):
    """All rows of the year, as the source made them for the training."""
    (folder,) = (mlops.home / "data").glob("flights-*")
    return pq.read_table(folder)


def between(flights, since, until):
    departure = flights.column("scheduled_departure").cast("timestamp[us]")
    first, last = (dt.datetime.fromisoformat(day) for day in (since, until))
    return flights.filter(pc.and_(pc.greater_equal(departure, first), pc.less(departure, last)))


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """The shipped problem with fewer trees."""
    path = tmp_path_factory.mktemp("problem") / f"{PROBLEM}.yaml"
    text = (PROBLEMS / path.name).read_text()
    assert "num_iterations: 200" in text
    path.write_text(text.replace("num_iterations: 200", "num_iterations: 60"))
    return str(path)


@pytest.fixture(scope="module")
def spring(mlops, problem):
    """What prod serves, learnt from January to April."""
    mlops("train", problem)
    gated = mlops("gate", problem).result
    for stack in ("dev", "prod"):
        mlops("promote", problem, "--stack", stack, "--yes")
        assert mlops("release", problem, "--stack", stack).result["result"] == "released"
    return gated


def test_the_summers_requests_have_drifted_and_their_labels_are_kept(mlops, problem, spring, flights, tmp_path):
    pq.write_table(between(flights, "2013-06-01", "2013-09-01"), tmp_path / "summer.parquet")
    asked = ("--requests", str(tmp_path / "summer.parquet"), "--labels", str(tmp_path / "summer.parquet"))
    seen = mlops("monitor", problem, *asked, code=6).result
    drifted = {column["name"] for column in seen["columns"] if column["drifted"]}
    assert {"temperature", "pressure", "wind_direction"} <= drifted
    assert drifted.isdisjoint({"carrier", "origin", "destination", "distance", "weekday"})
    assert seen["labelled_rows"] > 80_000


def test_a_sample_of_the_training_months_has_not(mlops, problem, spring, flights, tmp_path):
    learnt = between(flights, "2013-01-01", "2013-05-01")
    sample = pc.random(learnt.num_rows, initializer=7)
    pq.write_table(learnt.filter(pc.less(sample, 0.1)), tmp_path / "sample.parquet")
    seen = mlops("monitor", problem, "--requests", str(tmp_path / "sample.parquet")).result
    assert [column["name"] for column in seen["columns"] if column["drifted"]] == []


def test_what_the_summer_taught_beats_the_champion_on_later_flights(mlops, problem, spring):
    trained = mlops("train", problem, "--from-monitor", "--until", "2013-09-01").result
    assert trained["model_digest"] != spring["model"]["digest"]
    verdict = mlops("gate", problem).result
    assert (verdict["decision"], verdict["champion"]["digest"]) == ("PASS", spring["model"]["digest"])
    assert verdict["metrics"]["candidate"]["mae"] < verdict["metrics"]["champion"]["mae"]
