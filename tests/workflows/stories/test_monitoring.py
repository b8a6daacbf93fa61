"""What prod is asked has moved: the daily look starts a training, and its result takes the road of any other."""

import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from ml.serving.collection import PROBE, read_collected
from ml.sources.breast_cancer import FILE, make

PROPOSAL, PROBLEM = "promote/breast-cancer", "breast-cancer"
KEYS = ["sample", "diagnosis"]


@pytest.fixture(scope="module")
def asked(in_prod):
    """Prod was asked about tumours that are larger than those it learnt on, under ids of their own."""
    make(in_prod.folder)
    rows = pq.read_table(in_prod.folder / FILE).slice(0, 300)
    larger = {name: pc.multiply(rows[name], 1.3) for name in rows.column_names if name not in KEYS}
    ids = pa.array([f"later-{place}" for place in range(300)])
    rows = pa.table({"sample": ids, **larger, "diagnosis": rows["diagnosis"]})
    pq.write_table(rows.drop_columns("diagnosis"), in_prod.folder / "asked.parquet")
    in_prod.mlops("score", PROBLEM, "--stack", "prod", "--data", str(in_prod.folder / "asked.parquet"))
    deadline = time.monotonic() + 60
    while collected(in_prod) < 300:
        assert time.monotonic() < deadline, collected(in_prod)
        time.sleep(0.1)
    return in_prod, rows


def place(story, name):
    return story.home / "prod" / "endpoints" / PROBLEM / name


def collected(story):
    """How many rows users have asked, as the server has kept them."""
    kept = read_collected(place(story, "collected"))
    return sum(len(one.rows) for one in kept if not one.request_id.startswith(PROBE))


def test_drift_alone_trains_anew_and_where_there_is_nothing_new_to_learn_nothing_is_proposed(asked):
    story, _ = asked
    served = story.served("dev")
    run = story.run("monitor.yml", "schedule")
    assert run.green, run.words
    assert "drift" in run.summary("monitor/monitor")
    assert run.jobs["retrain/dev/train and gate"] == "success"
    assert story.requests() == []
    assert story.served("dev") == served


def test_with_labels_in_the_stack_what_was_asked_is_learnt_and_proposed(asked):
    """No job keeps anything: the labels come to prod's data, the labelled rows go to dev's."""
    story, rows = asked
    csv.write_csv(rows.select(KEYS), place(story, "labels") / "arrived.csv")
    before = story.served("prod")
    run = story.run("monitor.yml", "schedule")
    assert run.green, run.words
    assert pq.read_table(story.home / "dev" / "labelled" / PROBLEM).num_rows == 300
    assert story.served("prod") == before != story.served("dev") == story.pin("prod", PROPOSAL)["digest"]
    story.merge(PROPOSAL)
    run = story.run()
    assert run.green, run.words
    assert story.served("prod") == story.pin("prod")["digest"] != before
