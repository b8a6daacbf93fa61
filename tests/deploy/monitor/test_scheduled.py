"""The monitor as a scheduled job runs it: the component's own command over what was collected."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.monitor.asked import kinds
from deploy.pipeline import load_pipeline
from ml.digest import of_path
from ml.model.model import Model
from ml.problem import find
from ml.serving.collector import Collector
from ml.serving.scorer import Scorer
from ml.serving.served import Served

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def collect(learnt, tmp_path):
    """Asks the real scorer rows and lets the real collector keep them."""

    def asked(rows, model=learnt.model):
        served = Served("green", "flight-delay", "3", of_path(model))
        scorer, collector = Scorer(Model.load(model)), Collector(tmp_path / "collected", served)
        names = list(kinds(scorer.model))
        for number, row in enumerate(rows.select(names).to_pylist()):
            request = {"input_data": {"columns": names, "data": [list(row.values())]}}
            body = json.dumps(request, default=lambda moment: moment.isoformat()).encode()
            collector.offer(f"r{number}", body, scorer.score(body).body)
        collector.close()
        return tmp_path / "collected"

    return asked


def monitor(collected, learnt, out):
    (step,) = load_pipeline(REPOSITORY / "ml/pipelines/monitoring.yml").steps
    given = {"problem": find("flight-delay"), "model": learnt.model, "collected": collected, "days": 7, "verdict": out}
    command = re.sub(r"\$\{\{(?:in|out)puts\.(\w+)\}\}", lambda found: str(given[found[1]]), step.component.command)
    words = [sys.executable, *command.split()[1:]]
    return subprocess.run(
        words, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=False
    )


def test_rows_like_those_of_training_end_well_and_others_fail_with_the_reason(collect, learnt, flights, tmp_path):
    calm = collect(flights.between("2013-01-01", "2013-05-01").take(list(range(0, 90_000, 120))))
    done = monitor(calm, learnt, tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["decision"] == "ok"
    collect(flights.between("2013-07-01", "2013-08-01").slice(0, 2_000))
    done = monitor(calm, learnt, tmp_path / "out")
    assert done.returncode == 6
    assert json.loads(done.stderr.splitlines()[-1])["error"]["message"].startswith("drift: feature")
    assert "temperature" in (tmp_path / "out" / "verdict.json").read_text()


def test_requests_of_an_older_model_or_none_are_no_pass(collect, learnt, tmp_path):
    (tmp_path / "none").mkdir()
    done = monitor(tmp_path / "none", learnt, tmp_path / "out")
    assert done.returncode == 4
