"""The table that Azure ML's model monitor reads, made of what the real collector wrote."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ml.serving.collector import Collector
from ml.serving.served import Served

SCRIPT = Path(__file__).parents[3] / "ml/pipelines/components/collected_window/run.py"
ROWS = [{"a": 1.5, "b": "x"}, {"a": 2.5, "b": None}]
REQUESTS = {
    "split": {"input_data": {"columns": ["a", "b"], "data": [list(row.values()) for row in ROWS]}},
    "records": {"dataframe_records": ROWS},
    "columns": {"inputs": {"a": [1.5, 2.5], "b": ["x", None]}},
    "probe-1": {"dataframe_records": ROWS},
}


@pytest.fixture
def collected(tmp_path):
    collector = Collector(tmp_path / "collected", Served("green", "m", "3", "d"))
    for name, request in REQUESTS.items():
        answer = {"predictions": [[0.1, 0.9], [0.3, 0.7]]} if name == "columns" else [0.5, 0.25]
        collector.offer(name, json.dumps(request).encode(), json.dumps(answer).encode())
    collector.close()
    with (tmp_path / "collected" / "zzz.jsonl").open("w") as torn:
        torn.write('{"request_id":"torn","ti')
    return tmp_path / "collected"


def window(collected, part, since, until):
    out = collected.parent / part
    words = ["--part", part, "--input_data", f"{collected}/", "--preprocessed_input_data", str(out)]
    moments = ["--data_window_start", since.isoformat(), "--data_window_end", until.isoformat()]
    return subprocess.run([sys.executable, SCRIPT, *words, *moments], capture_output=True, text=True, check=False), out


NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def table(out):
    """The rows as the file MLTable leads to them."""
    document = yaml.safe_load((out / "MLTable").read_text())
    assert document["type"] == "mltable"
    assert document["transformations"] == ["read_parquet"]
    return pd.read_parquet(out / document["paths"][0]["file"])


def test_requests_of_every_form_become_rows_without_the_probes(collected):
    done, out = window(collected, "inputs", NOW - DAY, NOW + DAY)
    assert done.returncode == 0, done.stderr
    rows = table(out)
    assert rows["a"].tolist() == [1.5, 2.5] * 3
    assert rows["b"].isna().tolist() == [False, True] * 3


def test_answers_become_columns_one_for_each_class(collected):
    done, out = window(collected, "outputs", NOW - DAY, NOW + DAY)
    assert done.returncode == 0, done.stderr
    rows = table(out)
    assert rows["prediction"].dropna().tolist() == [0.5, 0.25] * 2
    assert rows["probability_1"].dropna().tolist() == [0.9, 0.7]


def test_a_window_that_holds_nothing_is_no_pass(collected):
    done, out = window(collected, "inputs", NOW - 2 * DAY, NOW - DAY)
    assert done.returncode == 1
    assert "nothing was collected" in done.stderr
    assert not out.exists()
