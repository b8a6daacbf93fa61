"""The whole loop for the small problem, chapter by chapter, as a newcomer lives it."""

import json
import random
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ml.problem import PROBLEMS

PROBLEM = "breast-cancer"
PAGE = Path(__file__).parents[2] / "docs" / "experiments.md"
OTHER = ("estimator: linear", "estimator: linear\n  parameters: {C: 0.5}")
pytestmark = pytest.mark.story


def changed(folder: Path, old: str, new: str) -> str:
    """A problem of the same name that differs from the shipped one."""
    text = (PROBLEMS / f"{PROBLEM}.yaml").read_text()
    assert old in text
    path = folder / f"{PROBLEM}.yaml"
    path.write_text(text.replace(old, new, 1))
    return str(path)


def served(mlops, stack="prod"):
    (endpoint,) = mlops("status", "--stack", stack).result["endpoints"]
    return endpoint


def digest(endpoint):
    (deployment,) = endpoint["deployments"]
    assert deployment["traffic"] == 100
    return deployment["digest"]


@pytest.fixture(scope="module")
def told(mlops):
    """What a newcomer reads who runs the loop."""
    return subprocess.run(
        ["mlops", "run", PROBLEM, "--yes"], env=environment(mlops), capture_output=True, text=True, check=True
    )


@pytest.fixture(scope="module")
def first(mlops, told):
    """What a script reads that runs the same again."""
    return mlops("run", PROBLEM, "--yes").result


def test_the_loop_ends_with_two_endpoints_and_a_report(mlops, first):
    assert set(first) >= {"problem", "run_id", "seconds", "steps", "model", "verdict", "endpoints", "report"}
    assert first["verdict"]["decision"] == "PASS"
    assert [step["name"] for step in first["steps"]] == ["ingest", "prepare", "train", "evaluate"]
    assert set(first["model"]) == {"name", "version", "digest"}
    assert "<html" in Path(first["report"]).read_text()[:200]
    for stack in ("dev", "prod"):
        endpoint = served(mlops, stack)
        assert endpoint["url"] == first["endpoints"][stack]["url"]
        assert (endpoint["healthy"], endpoint["in_sync"]) == (True, True)
        assert endpoint["pin"]["digest"] == digest(endpoint) == first["model"]["digest"]


def test_the_curl_line_works_as_it_is_printed(told):
    line = next(line for line in told.stdout.splitlines() if "curl " in line)
    answer = subprocess.run(line[line.index("curl ") :], shell=True, capture_output=True, text=True, check=True).stdout
    assert json.loads(answer)["predictions"][0] in ("benign", "malignant")


def environment(mlops):
    import os
    import sys

    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "MLOPS_HOME": str(mlops.home), "PATH": path}


def test_a_request_without_the_key_is_refused(mlops, first):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(first["endpoints"]["prod"]["url"], b"{}")
    assert caught.value.code == 401


def test_the_same_again_is_cached_and_plans_nothing(mlops, told, first):
    assert "cached" not in told.stderr
    assert all(step["cached"] for step in first["steps"])
    assert f"/{first['run_id']}/report.html" in told.stdout
    assert f"registered {first['model']['name']}:{first['model']['version']} (" in told.stderr
    assert f"({first['model']['digest'][:12]})" in told.stderr
    assert mlops("plan", PROBLEM, "--stack", "prod").result["actions"] == []


def test_without_an_approval_prod_waits(mlops, first, tmp_path):
    mlops("run", changed(tmp_path, *OTHER), code=4)
    assert digest(served(mlops)) == first["model"]["digest"]
    assert digest(served(mlops, "dev")) != first["model"]["digest"]


def test_an_approved_candidate_takes_the_champions_place_and_a_rollback_brings_it_back(mlops, first):
    mlops("promote", PROBLEM, "--yes")
    second = mlops("release", PROBLEM, "--stack", "prod").result
    assert second["result"] == "released"
    assert digest(served(mlops)) != first["model"]["digest"]
    mlops("rollback", PROBLEM)
    after = served(mlops)
    assert digest(after) == after["pin"]["digest"] == first["model"]["digest"]
    assert after["in_sync"]


def test_the_loop_pins_nothing_that_prod_has_rejected(mlops, first, tmp_path):
    again = mlops("run", changed(tmp_path, *OTHER), "--yes", code=5)
    after = served(mlops)
    assert again.result["verdict"]["decision"] == "PASS"
    assert digest(after) == after["pin"]["digest"] == first["model"]["digest"]
    assert after["in_sync"]


def test_what_was_rolled_back_is_not_released_again_by_itself(mlops, first):
    mlops("promote", PROBLEM, "--yes")
    before = (mlops.home / "prod" / "endpoints" / PROBLEM / "endpoint.json").read_bytes()
    refused = mlops("release", PROBLEM, "--stack", "prod", code=5)
    assert refused.result["result"] == "refused"
    assert (mlops.home / "prod" / "endpoints" / PROBLEM / "endpoint.json").read_bytes() == before
    out_of_sync = served(mlops)
    assert not out_of_sync["in_sync"]
    assert "rejected" in out_of_sync["why"]
    assert digest(out_of_sync) == first["model"]["digest"]


def test_shuffled_labels_are_refused_by_the_gate_and_prod_is_as_it_was(mlops, first, tmp_path):
    from ml.sources.breast_cancer import __name__ as source

    subprocess.run(["python", "-m", source, "--out", str(tmp_path / "raw")], env=environment(mlops), check=True)
    import pyarrow.parquet as pq

    rows = pq.read_table(tmp_path / "raw")
    labels = rows["diagnosis"].to_pylist()
    random.Random(0).shuffle(labels)
    pq.write_table(
        rows.set_column(rows.column_names.index("diagnosis"), "diagnosis", [labels]), tmp_path / "rows.parquet"
    )
    shuffled = changed(tmp_path, "  source: breast_cancer", "  path: rows.parquet\n  # source")
    before = served(mlops)
    refused = mlops("run", shuffled, "--yes", code=3).result
    assert refused["verdict"]["decision"] == "FAIL"
    assert refused["model"] is None
    assert Path(refused["report"]).exists()
    assert served(mlops) == before


def test_the_gate_says_what_it_saw(mlops, first):
    verdict = mlops("gate", PROBLEM, code=3).result
    assert set(verdict) >= {"decision", "metrics", "intervals", "reasons"}


def test_the_monitor_says_what_it_saw(mlops, first):
    result = mlops("monitor", PROBLEM, "--stack", "prod").result
    assert result["decision"] == "ok"
    assert set(result["columns"][0]) >= {"name", "statistic", "value", "threshold", "drifted"}


def test_the_page_on_experiments_works_as_it_stands(mlops, first, tmp_path):
    *notebook, source = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / ".mlops").symlink_to(mlops.home)
    (tmp_path / "orders.py").write_text(source)
    looked = python(mlops, tmp_path, "-c", "".join(notebook) + "print(len(runs), len(rows), model.metadata.signature)")
    assert "diagnosis" in looked
    assert Path(python(mlops, tmp_path, "orders.py", "--out", str(tmp_path / "raw")).strip()).is_file()


def python(mlops, folder, *words):
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment(mlops), check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def test_an_error_is_one_object_with_its_remedy(mlops):
    error = mlops("release", "brest-cancer", code=2).result["error"]
    assert set(error) == {"code", "message", "where", "remedy"}
    assert mlops("releas", code=2).result["error"]["remedy"]


def test_down_stops_everything_and_a_release_starts_it_again(mlops, first):
    assert sorted(mlops("down").result["stopped"]) == [f"dev/{PROBLEM}", f"prod/{PROBLEM}"]
    assert not served(mlops)["healthy"]
    assert mlops("down").result["stopped"] == []
    mlops("release", PROBLEM, "--stack", "dev")
    assert served(mlops, "dev")["healthy"]
