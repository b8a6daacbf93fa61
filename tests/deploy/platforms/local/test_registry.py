import json
import stat
from dataclasses import replace

import pytest
from mlflow import MlflowClient

from deploy.platforms.local.home import Home
from deploy.platforms.local.registry import Registry
from deploy.platforms.local.tracking import Tracking
from deploy.runs import Run, StepTime, with_tracking
from ml import digest
from ml.fault import Fault


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    """One database for all: making it takes seconds."""
    return Tracking(Home(tmp_path_factory.mktemp("home")))


@pytest.fixture
def registry(tracking):
    return Registry(tracking.home, tracking)


@pytest.fixture
def trained(tmp_path):
    """Makes the run of a model whose only file holds the given text."""

    def make(text: str) -> Run:
        for name, files in {
            "model": {"MLmodel": text},
            "evaluation": {
                "measures.json": json.dumps(
                    {
                        "metrics": {"mae": 1.5},
                        "dummy_metrics": {"mae": 3.0},
                        "latency_ms": 1.0,
                        "size_mb": 0.1,
                    }
                )
            },
        }.items():
            (tmp_path / text / name).mkdir(parents=True)
            for file, content in files.items():
                (tmp_path / text / name / file).write_text(content)
        problem = tmp_path / text / "p.yaml"
        problem.write_text("name: p")
        return Run(
            run_id=f"run-{text}", problem="p", problem_file=str(problem),
            created="2026-01-01T00:00:00+00:00", seconds=2.5,
            until="default", git_commit="abc", data_digest="d", model=str(tmp_path / text / "model"),
            evaluation=str(tmp_path / text / "evaluation"), evaluation_rows="", live="",
            model_digest=digest.of_path(tmp_path / text / "model"), steps=(StepTime("train", 2.0, False),),
        )  # fmt: skip

    return make


def test_mlflow_shows_what_was_logged(tracking, trained):
    run = replace(trained("shown"), parameters={"num_leaves": 31})
    tracking_id = tracking.log_run(run)
    client = MlflowClient(f"sqlite:///{tracking.home.tracking}")
    logged = client.get_run(tracking_id)
    assert logged.data.metrics["mae"] == 1.5
    assert logged.data.metrics["seconds_train"] == 2.0
    assert logged.data.params == {"num_leaves": "31", "until": "default"}
    assert logged.data.tags["mlops.git_commit"] == "abc"
    assert {f.path for f in client.list_artifacts(tracking_id)} >= {"model", "evaluation", "code", "problem"}
    assert logged.info.status == "FINISHED"


def test_versions_count_up_and_mlflow_knows_their_digests(registry, trained):
    one, two = (registry.register(trained(text), b"{}", "PASS") for text in ("one", "two"))
    assert int(two.version) == int(one.version) + 1
    client = MlflowClient(f"sqlite:///{registry.home.tracking}")
    assert client.get_model_version("p", two.version).tags["digest"] == two.digest
    assert client.get_model_version("p", two.version).tags["verdict"] == "PASS"


def test_the_same_bytes_are_the_same_version(registry, trained):
    run = trained("same")
    assert registry.register(run, b"{}", "PASS") == registry.register(run, b"{}", "PASS")


def test_a_registration_that_died_before_its_last_word_is_finished_by_the_next(registry, trained):
    run = trained("died")
    model = registry.register(run, b"{}", "PASS")
    (registry.home.models / "p" / model.digest / "version.json").unlink()
    assert registry.find("p", model.digest) is None
    assert registry.register(run, b"{}", "PASS") == model


def test_a_registered_file_cannot_be_written(registry, trained):
    folder = registry.fetch(registry.register(trained("kept"), b"{}", "PASS"))
    assert not (folder / "MLmodel").stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def test_bytes_that_were_changed_are_not_handed_out(registry, trained):
    model = registry.register(trained("forged"), b"{}", "PASS")
    path = registry.home.models / "p" / model.digest / "model" / "MLmodel"
    path.chmod(0o644)
    path.write_text("forged!")
    with pytest.raises(Fault, match="have the digest"):
        registry.fetch(model)


def test_a_run_whose_model_was_changed_is_not_registered(registry, trained, tmp_path):
    run = trained("swapped")
    (tmp_path / "swapped" / "model" / "MLmodel").write_text("other")
    with pytest.raises(Fault, match="changed after it was trained"):
        registry.register(run, b"{}", "PASS")
    assert registry.find("p", run.model_digest) is None


def test_a_model_that_is_not_registered_is_a_fault_with_the_remedy(registry, trained):
    run = with_tracking(trained("absent"), "")
    model = registry.register(trained("present"), b"{}", "PASS")
    assert registry.find("p", run.model_digest) is None
    with pytest.raises(Fault, match="is not registered → `mlops gate`"):
        registry.fetch(type(model)("p", "99", run.model_digest))
