"""`mlops monitor` with labels that lie in the stack: what it keeps for training."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from deploy.exit_codes import DONE, DRIFT, FAULT, WAITING
from ml.fault import Fault
from ml.problem import find
from ml.raw.folder import open_raw

PROBLEM, ROWS, DAY = "breast-cancer", 120, "2026-11-20"
Machine = Any  # of conftest.py


@pytest.fixture(scope="module")
def evaluated(registered: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evaluation of the first version."""
    home, models = registered
    given = {
        "problem": find(PROBLEM), "model": home / "models" / PROBLEM / models["1"].digest / "model",
        "evaluation": home / "live", "evaluated": tmp_path_factory.mktemp("evaluated"),
    }  # fmt: skip
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    subprocess.run([sys.executable, "-m", "ml.steps.evaluate", *words], check=True)
    return given["evaluated"]


@pytest.fixture
def asked(machine: Machine, evaluated: Path) -> Machine:
    """A machine whose prod was asked about rows of its own; nothing runs."""
    place, model = machine.home.endpoints("prod") / PROBLEM, machine.models["1"]
    machine.with_own_models()
    version = machine.home.models / PROBLEM / model.digest / "version.json"
    version.write_text(json.dumps({**json.loads(version.read_text()), "evaluation": str(evaluated)}))
    (place / "collected").mkdir(parents=True)
    tags = {"good": [asdict(model)], "rejected": {}}
    record = {"name": PROBLEM, "port": 0, "deployments": {}, "traffic": {}, "mirror": {}, "tags": tags}
    (place / "endpoint.json").write_text(json.dumps(record))
    rows = pq.read_table(machine.registered / "breast_cancer.parquet").slice(0, ROWS)
    given = rows.drop_columns("diagnosis")
    values = [[*row.values()] for row in given.to_pylist()]
    line = {
        "request_id": "a-users", "time": f"{DAY}T12:00:00Z", "deployment": "one", "model": str(model),
        "digest": model.digest, "response": rows["diagnosis"].to_pylist(),
        "request": {"input_data": {"columns": given.column_names, "data": values}},
    }  # fmt: skip
    (place / "collected" / "0.jsonl").write_text(json.dumps(line) + "\n")
    (place / "labels").mkdir()
    csv.write_csv(rows.select(["sample", "diagnosis"]), place / "labels" / "arrived.csv")
    return machine


def labels(machine: Machine) -> Path:
    return machine.home.endpoints("prod") / PROBLEM / "labels"


def kept(machine: Machine) -> int:
    """How many labelled rows dev has to train with."""
    return sum(pq.read_table(path).num_rows for path in machine.platform("dev").labelled(PROBLEM).iterdir())


def test_a_narrower_look_leaves_what_was_kept_of_the_stacks_labels(asked: Machine) -> None:
    asked.mlops("monitor", PROBLEM, "--stack", "prod")
    assert kept(asked) == ROWS
    few = pq.read_table(asked.registered / "breast_cancer.parquet").slice(0, 7)
    pq.write_table(few, asked.home.root / "few.parquet")
    for narrowed in (("--requests", str(asked.home.root / "few.parquet")), ("--since", f"{DAY}T13:00:00")):
        assert asked.mlops("monitor", PROBLEM, "--stack", "prod", *narrowed) == WAITING
    assert kept(asked) == ROWS


def test_of_all_problems_one_that_cannot_be_looked_at_stops_no_other(
    asked: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    of_no_problem = asked.home.endpoints("prod") / "another"
    shutil.copytree(labels(asked).parent, of_no_problem)
    record = of_no_problem / "endpoint.json"
    record.write_text(record.read_text().replace(PROBLEM, "another"))
    assert asked.mlops("monitor", "--all", "--stack", "prod", "--json") == FAULT
    found = json.loads(capsys.readouterr().out)["problems"]
    assert found[PROBLEM]["labelled_rows"] == ROWS
    assert "another" in found["another"]["error"]


def test_who_may_not_write_where_dev_trains_has_the_answer_all_the_same(
    asked: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise Fault("is forbidden", "dev's storage", "ask for the role")

    monkeypatch.setattr(type(asked.platform("dev")), "keep_labelled", refuse)
    assert asked.mlops("monitor", PROBLEM, "--stack", "prod") == WAITING
    assert "the labelled rows were not kept for training: dev's storage: is forbidden" in capsys.readouterr().out


def test_a_hidden_file_is_no_label(asked: Machine) -> None:
    """A file manager's own, or what a job that writes many files leaves beside them."""
    (labels(asked) / "arrived.csv").unlink()
    for name in (".DS_Store", "_SUCCESS"):
        (labels(asked) / name).touch()
    assert asked.mlops("monitor", PROBLEM, "--stack", "prod") in (DONE, DRIFT)
    assert kept(asked) == 0


def test_what_a_killed_look_leaves_is_not_trained_with(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(source: Path, to: Path) -> None:
        Path(to).write_bytes(Path(source).read_bytes()[:100])
        raise KeyboardInterrupt

    whole = machine.registered / "breast_cancer.parquet"
    dev = machine.platform("dev")
    dev.keep_labelled(PROBLEM, whole)
    monkeypatch.setattr("shutil.copyfile", killed)
    with pytest.raises(KeyboardInterrupt):
        dev.keep_labelled(PROBLEM, whole)
    assert [file.path.name for file in open_raw(dev.labelled(PROBLEM)).files] == [whole.name]
