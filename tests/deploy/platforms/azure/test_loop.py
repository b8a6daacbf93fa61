"""The whole loop on Azure: real training in jobs of the stand-in, real scoring processes behind its endpoints."""

import argparse
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from deploy.context import Context
from deploy.platforms.azure import jobs
from deploy.platforms.local.home import Home
from deploy.runs import load_run
from deploy.screen import Screen
from deploy.verbs.train import training_inputs
from ml import digest
from ml.fault import Fault


def test_the_loop_goes_from_the_rows_to_prod_and_the_report(cloud, capsys, monkeypatch):
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.5)
    assert cloud.mlops("run", "breast-cancer", "--yes", "--json") == 0, capsys.readouterr().err
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["verdict"]["decision"] == "PASS"
    assert [step["name"] for step in result["steps"]] == ["ingest", "prepare", "train", "evaluate"]
    run = load_run(cloud.folder / "home" / "azure" / "runs", result["run_id"])
    assert digest.of_path(Path(run.model)) == result["model"]["digest"]
    for stack in ("dev", "prod"):
        observed = cloud.platform(stack).observe("breast-cancer")
        assert observed.tags.last_good.digest == result["model"]["digest"]
    assert result["monitor"] in ("ok", "drift")  # the rows that prod was asked have been collected, and were enough
    assert "<html" in Path(result["report"]).read_text()[:200]
    steps = [run for run in cloud.azure.jobs.runs.values() if run.display_name == "evaluate"]
    assert steps[0].metrics["accuracy"] > 0.88, "the step told the job's tracking server"
    assert not [line for line in printed.err.splitlines() if "Traceback" in line]
    labels_reach_training(cloud, run, monkeypatch)


def labels_reach_training(cloud, run, monkeypatch):
    """The runner that monitors prod and the one that trains in dev are both new: storage is all that is between."""
    prod, dev, kept = cloud.azure.storage["prod"], cloud.azure.storage["dev"], io.BytesIO()
    came = pq.read_table(Path(run.live) / "rows.parquet").select(["sample", "diagnosis"])
    csv.write_csv(came, kept)
    prod.put("raw", "labels/breast-cancer/arrived.csv", kept.getvalue())
    monkeypatch.setenv("MLOPS_HOME", str(cloud.folder / "one runner"))
    assert cloud.mlops("monitor", "--all", "--stack", "prod") in (0, 4, 6)
    (name,) = dev.list("raw", "labelled/breast-cancer")
    monkeypatch.setenv("MLOPS_HOME", str(cloud.folder / "another"))
    asked = argparse.Namespace(problem="breast-cancer", until=None, from_monitor=True)
    given = training_inputs(asked, Context("azure", Screen(), Home.of_this_machine())).collected
    assert given.is_relative_to(cloud.folder / "another")
    found = pq.read_table(given).select(["sample", "diagnosis"])
    assert found.num_rows >= 100
    assert set(map(tuple, map(dict.values, found.to_pylist()))) <= set(map(tuple, map(dict.values, came.to_pylist())))
    del dev.containers["raw"][name]  # somebody has taken them back
    with pytest.raises(Fault, match="no labels have come"):
        training_inputs(asked, Context("azure", Screen(), Home.of_this_machine()))
