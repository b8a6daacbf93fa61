"""What a release relies on, held by every platform: this machine, and Azure's two kinds of endpoints."""

import json
import sys

import pytest

from deploy.platforms.protocol import DeploymentFailed
from deploy.release.smoke import check_answer, load_expected
from deploy.release.state import ModelRef, Tags
from ml import digest
from ml.fault import Fault
from ml.serving.collection import PROBE
from tests.deploy.conftest import new_machine, until
from tests.deploy.platforms.azure import conftest as azure

PROBLEM = "breast-cancer"
OLD, NEW, BREAKS = "v1-stands", "v2-stands", "v3-breaks"
# A server like ours, but for one deployment, which ends as soon as it begins.
SERVER = f"""\
import os, runpy, sys
if "{BREAKS}" in (*sys.argv, os.environ.get("MLOPS_DEPLOYMENT")):
    sys.exit("it cannot be loaded")
runpy.run_module("ml.serving", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module", params=["local", "managed", "kubernetes"])
def place(request, tmp_path_factory, registered):
    """A platform's dev, and the models that are registered there."""
    folder = tmp_path_factory.mktemp(request.param)
    server = folder / "server.py"
    server.write_text(SERVER)
    with pytest.MonkeyPatch.context() as patched:
        if request.param == "local":
            patched.setenv("MLOPS_SERVER", f"{sys.executable} {server}")
            machine = new_machine(folder, registered)
            patched.setenv("MLOPS_HOME", str(machine.home.root))
            yield machine.platform("dev"), machine.models
            machine.stop()
        else:
            cloud = azure.start(folder, registered, patched, request.param)
            cloud.azure.containers.command = lambda body: [sys.executable, str(server)]
            cloud.register("1", "2")
            yield cloud.platform("dev"), cloud.models
            cloud.azure.stop()
            assert not cloud.azure.server.mishaps


@pytest.fixture(scope="module")
def standing(place):
    """An endpoint whose first deployment answers, and whose second gets nothing."""
    platform, models = place
    platform.create_endpoint(PROBLEM)
    platform.create_deployment(PROBLEM, OLD, models["1"])
    platform.create_deployment(PROBLEM, NEW, models["2"])
    platform.set_traffic(PROBLEM, {OLD: 100})
    return platform, models


@pytest.fixture
def expected(standing):
    """By version, what a model answers offline."""
    platform, models = standing
    return {version: load_expected(platform.fetch(models[version])) for version in ("1", "2")}


def test_a_model_is_found_by_its_bytes_alone(place):
    platform, models = place
    assert platform.find(PROBLEM, models["2"].digest) == models["2"]
    assert platform.find(PROBLEM, "0" * 64) is None
    assert platform.find("never-registered", models["2"].digest) is None


def test_what_is_fetched_has_the_bytes_that_were_registered(place):
    platform, models = place
    assert digest.of_path(platform.fetch(models["1"])) == models["1"].digest
    with pytest.raises(Fault, match="is not registered"):
        platform.fetch(ModelRef(PROBLEM, "9", "0" * 64))


def test_the_evidence_is_what_the_gate_registered(place):
    platform, models = place
    evidence, hash_then = platform.evidence(models["1"])
    assert digest.of_bytes(evidence) == hash_then
    assert json.loads(evidence)["model_digest"] == models["1"].digest


def test_labelled_rows_are_kept_for_training_and_the_last_of_a_name_counts(place, tmp_path):
    platform, _ = place
    assert not list(platform.labels(PROBLEM).iterdir())
    assert not list(platform.labelled(PROBLEM).iterdir())
    for words in ("some", "more"):
        (tmp_path / "rows.parquet").write_text(words)
        platform.keep_labelled(PROBLEM, tmp_path / "rows.parquet")
    assert {path.name: path.read_text() for path in platform.labelled(PROBLEM).iterdir()} == {"rows.parquet": "more"}


def test_an_endpoint_that_is_not_there_is_no_fault(place):
    platform, _ = place
    assert not platform.observe("nobody-serves-this").exists


def test_a_deployment_is_observed_with_its_model(standing):
    platform, models = standing
    observed = platform.observe(PROBLEM)
    assert {d.name: (d.model, d.state) for d in observed.deployments} == {
        OLD: (models["1"], "ready"),
        NEW: (models["2"], "ready"),
    }
    assert dict(observed.traffic) == {OLD: 100}
    assert platform.endpoints() == (PROBLEM,)


def test_making_what_is_there_changes_nothing(standing):
    platform, models = standing
    before = platform.observe(PROBLEM)
    platform.create_endpoint(PROBLEM)
    platform.create_deployment(PROBLEM, OLD, models["1"])
    assert platform.observe(PROBLEM) == before


def test_a_header_chooses_the_deployment(standing, expected):
    platform, models = standing
    reply = platform.invoke(PROBLEM, expected["2"].body, NEW)
    assert check_answer(expected["2"], reply.status, reply.body) is None
    headers = {name.lower(): value for name, value in reply.headers.items()}
    assert headers["mlops-model-digest"] == models["2"].digest
    assert headers["azureml-model-deployment"] == NEW
    assert headers["x-request-id"].startswith(PROBE)


def test_without_a_header_requests_go_where_the_traffic_goes(standing, expected):
    platform, _ = standing
    platform.set_traffic(PROBLEM, {OLD: 40, NEW: 60})
    assert dict(platform.observe(PROBLEM).traffic) == {OLD: 40, NEW: 60}
    replies = [platform.invoke(PROBLEM, expected["1"].body) for _ in range(20)]
    names = [{n.lower(): v for n, v in r.headers.items()}["azureml-model-deployment"] for r in replies]
    platform.set_traffic(PROBLEM, {OLD: 100})
    assert set(names) == {OLD, NEW}
    assert platform.invoke(PROBLEM, expected["1"].body).headers["azureml-model-deployment"] == OLD


def test_a_refused_body_has_the_models_own_status(standing):
    platform, _ = standing
    assert platform.invoke(PROBLEM, b'{"input_data": []}').status in (400, 422)


def test_the_tags_are_read_as_they_were_written(standing):
    platform, models = standing
    tags = Tags((models["2"], models["1"]), {"f" * 64: "p95 latency 900 ms is above 500 ms"})
    platform.write_tags(PROBLEM, tags)
    assert platform.observe(PROBLEM).tags == tags
    platform.write_tags(PROBLEM, Tags((models["1"],)))
    assert platform.observe(PROBLEM).tags == Tags((models["1"],))
    assert dict(platform.observe(PROBLEM).traffic) == {OLD: 100}


def test_a_mirror_is_taken_up_and_ended(standing):
    platform, _ = standing
    platform.set_mirror(PROBLEM, {NEW: 20})
    mirrors = getattr(platform, "name", "") == "local" or not platform.outputs.has_kubernetes
    assert dict(platform.observe(PROBLEM).mirror) == ({NEW: 20} if mirrors else {})
    platform.set_mirror(PROBLEM, {})
    assert not platform.observe(PROBLEM).mirror
    assert dict(platform.observe(PROBLEM).traffic) == {OLD: 100}


def test_what_flows_is_told_by_deployment(standing, expected):
    platform, models = standing
    since = platform.now()
    live = {}

    def enough():
        platform.invoke(PROBLEM, expected["1"].body)
        live.update(platform.live(PROBLEM, since))
        return OLD in live and live[OLD].requests >= 10 and live[OLD].predictions >= 10

    with platform.requests(PROBLEM, models["1"]):
        until(enough)
    assert live[OLD].requests >= 10
    assert live[OLD].failures == 0
    assert live[OLD].latency_p95_ms > 0
    assert set(live[OLD].shares) <= {"benign", "malignant"}


def test_one_release_at_a_time(standing):
    platform, _ = standing
    with platform.lock(PROBLEM), pytest.raises(Fault, match="another release is under way"):
        platform.lock(PROBLEM).__enter__()
    with platform.lock(PROBLEM):
        pass


def test_a_model_that_does_not_come_up_is_told_as_such(standing):
    platform, models = standing
    with pytest.raises(DeploymentFailed, match="it cannot be loaded"):
        platform.create_deployment(PROBLEM, BREAKS, models["1"])
    platform.delete_deployment(PROBLEM, BREAKS)
    assert platform.observe(PROBLEM).deployment(BREAKS) is None


def test_logs_are_told_by_deployment(standing):
    platform, _ = standing
    assert {OLD, NEW} <= set(platform.logs(PROBLEM, 5))


def test_what_is_stopped_keeps_its_tags(standing):
    platform, models = standing
    assert platform.stop(PROBLEM)
    observed = platform.observe(PROBLEM)
    assert observed.exists
    assert observed.tags == Tags((models["1"],))
    assert not any(d.state == "ready" for d in observed.deployments)
    assert not platform.stop(PROBLEM)
