"""Labelled rows for the next training."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.monitor.asked import Asked, about_schema
from deploy.monitor.labels import Labels
from deploy.monitor.retraining import labelled_rows, write_labelled
from ml.model.model import Card

CARD = Card(
    problem="p", task="regression", answer="label", target="delay", classes=(), carried=("flight", "left"),
    identifier="flight", time="left", group=None, trained_from=None, trained_until=None, rows=1, dummy=(0.0,),
)  # fmt: skip


@pytest.fixture
def asked() -> Asked:
    """f1 asked twice, the later first; f2 not labelled; a row without id and time."""
    asked = [("r1", 0, 9), ("r2", 0, 8), ("r3", 0, 7), ("r4", 0, 6)]
    about = [{"request_id": r, "row": k, "collected_at": dt.datetime(2013, 6, day)} for r, k, day in asked]
    left = [dt.datetime(2013, 6, 1), dt.datetime(2013, 6, 1), dt.datetime(2013, 6, 2), None]
    rows = pa.table(
        {
            "x": [1.0, 2.0, 3.0, 4.0],
            "flight": pa.array(["f1", "f1", "f2", None], pa.string()),
            "left": pa.array(left, pa.timestamp("us")),
        }
    )
    return Asked(pa.Table.from_pylist(about, about_schema()), rows, None)


@pytest.fixture
def labels() -> Labels:
    return Labels(pa.array([10.0, 10.0, None, 40.0]), 0, "flight")


def test_labelled_rows_have_the_problems_columns_and_count_once_as_they_were_asked_last(asked, labels):
    assert labelled_rows(asked, labels, CARD).to_pylist() == [
        {"x": 1.0, "flight": "f1", "left": dt.datetime(2013, 6, 1), "delay": 10.0},
        {"x": 4.0, "flight": "r4/0", "left": dt.datetime(2013, 6, 6), "delay": 40.0},
    ]


def test_without_an_id_the_same_row_of_the_same_request_counts_once(asked, labels):
    card = replace(CARD, identifier=None, carried=("left",), time="left")
    mirrored = replace(asked, about=asked.about.set_column(0, "request_id", pa.array(["r1", "r1", "r3", "r4"])))
    rows = replace(mirrored, rows=asked.rows.drop_columns(["flight"]))
    assert labelled_rows(rows, labels, card).column("x").to_pylist() == [1.0, 4.0]


def test_a_file_is_whole_or_absent(asked, labels, tmp_path):
    path = tmp_path / "collected" / "labelled.parquet"
    assert write_labelled(asked, labels, CARD, path) == 2
    assert pq.read_table(path) == labelled_rows(asked, labels, CARD)
    assert [file.name for file in path.parent.iterdir()] == ["labelled.parquet"]
    none = replace(labels, targets=pa.nulls(4, pa.float64()))
    assert write_labelled(asked, none, CARD, path) == 0
