"""The whole loop on Azure: real training in jobs of the stand-in, real scoring processes behind its endpoints."""

import json
from pathlib import Path

from deploy.platforms.azure import jobs
from deploy.runs import load_run
from ml import digest


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
