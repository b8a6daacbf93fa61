"""Training as a job through the real SDK, against a service that does what services do."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.platforms.azure import jobs, training
from deploy.platforms.azure.outputs import check
from deploy.platforms.azure.training import overrides
from deploy.platforms.protocol import Asset, TrainingInputs
from deploy.screen import Screen
from ml import digest
from ml.fault import Fault
from ml.problem import load_problem
from tests.deploy.platforms.azure import small_pipeline as small
from tests.stand_in.server import Refused

JOBS = r"/jobs/small-one-[^/]+$"
REPOSITORY = Path(__file__).parents[4]
RUNNER = """
import os, sys
from pathlib import Path
from tests.stand_in.pointing import point
point(os.environ["STAND_IN_URL"])
from deploy.platforms.azure import jobs, training
folder = Path(sys.argv.pop(1))
training.PIPELINES, training.REPOSITORY, jobs.POLL_SECONDS = folder / "pipelines", folder / "code", 0.05
from deploy.cli import main
main()
"""


@pytest.fixture
def place(cloud, tmp_path, monkeypatch):
    """A folder with the small pipeline, a problem and its rows; the jobs are asked for often."""
    monkeypatch.setattr(training, "PIPELINES", small.write(tmp_path))
    monkeypatch.setattr(training, "REPOSITORY", tmp_path / "code")
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.02)
    (tmp_path / "rows.csv").write_text("x,y\n1,2\n")
    write_problem(tmp_path)
    return tmp_path


def write_problem(folder, says="A number.", model="{}"):
    (folder / "small-one.yaml").write_text(small.PROBLEM.format(says=says, model=model))


class Trainer:
    """The platform's training of the small problem, and what the screen showed."""

    def __init__(self, cloud, folder):
        self.platform, self.folder, self.shown = cloud.platform(), folder, io.StringIO()
        self.server, self.jobs = cloud.azure.server, cloud.azure.jobs

    def submit(self):
        file = self.folder / "small-one.yaml"
        return self.platform.submit(TrainingInputs(load_problem(file), file), Screen(self.shown))

    def wait(self, name):
        return self.platform.wait(name, Screen(self.shown))

    def train(self):
        return self.wait(self.submit())

    def body(self, name):
        return self.jobs.known[name]["properties"]


@pytest.fixture
def trainer(cloud, place):
    return Trainer(cloud, place)


def fault_of(trainer):
    with pytest.raises(Fault) as caught:
        trainer.train()
    return caught.value


def test_a_run_ends_with_the_same_record_as_here_and_its_bytes_proved(trainer):
    run = trainer.train()
    assert [(step.name, step.cached) for step in run.steps] == [
        (name, False) for name in ("prepare", "train", "evaluate")
    ]
    assert run.model_digest == digest.of_path(Path(run.model))
    assert (Path(run.evaluation_rows) / "rows.parquet").read_text() == "x,y\n1,2\nuntil default\n"
    assert (Path(run.live) / "window.json").exists()
    assert (run.problem, run.until, run.tracking_id) == ("small-one", "default", run.run_id)
    tags = trainer.body(run.run_id)["tags"]
    assert tags["mlops.commit"] == (run.git_commit or "none")
    assert tags["mlops.data"] == run.data_digest
    assert trainer.wait(run.run_id) == run, "a run that has ended is read from its record"
    shown = trainer.shown.getvalue()
    assert f"began {run.run_id}  https://ml.azure.com/runs/{run.run_id}" in shown
    assert "✓ train" in shown
    assert "\x1b" not in shown


def test_nothing_is_sent_twice_and_the_service_reuses_steps_and_says_so(trainer):
    first = trainer.train()
    before = len(trainer.server.ledger)
    second = trainer.train()
    calls = trainer.server.ledger[before:]
    assert not [c.path for c in calls if c.method == "PUT" and c.path.startswith("/stdev/")], "no blob is sent"
    assert not [c.path for c in calls if c.method == "PUT" and "/codes/" in c.path]
    assert len([c for c in calls if c.method == "PUT" and "/jobs/" in c.path]) == 1
    assert first.run_id != second.run_id
    assert all(step.cached for step in second.steps)
    assert second.model_digest == first.model_digest
    assert "train  reused" in trainer.shown.getvalue()


def test_changed_rows_are_a_new_version_and_train_again(trainer, place):
    first = trainer.train()
    (place / "rows.csv").write_text("x,y\n1,3\n")
    second = trainer.train()
    assert first.data_digest != second.data_digest
    assert not any(step.cached for step in second.steps)


def test_a_step_that_tells_its_fault_is_told_with_it_and_where_to_look(trainer, place):
    write_problem(place, "told fault")
    fault = fault_of(trainer)
    assert (fault.message, fault.where, fault.code) == ("the target has 1 distinct value(s)", "y", 2)
    assert fault.remedy.startswith("choose another; see https://ml.azure.com/runs/small-one-")


def test_a_step_that_dies_without_a_word_shows_the_end_of_its_own_log(trainer, place, cloud, capsys):
    write_problem(place, "no word")
    assert cloud.mlops("train", str(place / "small-one.yaml")) == 1
    told = capsys.readouterr().err
    assert "step `train` failed; the end of its log:\nline 85\n" in told
    assert "line 99 → see https://ml.azure.com/runs/small-one-" in told
    assert "prepare begins" not in told
    assert "Traceback" not in told


def test_a_job_that_the_service_gives_up_says_what_the_service_says(trainer):
    name = trainer.submit()
    deadline = time.monotonic() + 20
    while trainer.body(name)["status"] != "Completed" and time.monotonic() < deadline:
        time.sleep(0.02)
    run = trainer.jobs.runs[name]
    run.children.clear()
    run.error, trainer.body(name)["status"] = "The image could not be built.", "Failed"
    with pytest.raises(Fault, match="The image could not be built"):
        trainer.wait(name)
    trainer.body(name)["status"] = "Canceled"
    with pytest.raises(Fault, match="was cancelled"):
        trainer.wait(name)


TROUBLES = {
    "too much is asked at once": lambda s: s.refuse("PUT", JOBS, 429, "TooManyRequests", "Slow down.", retry_after=1),
    "the service fails": lambda s: s.refuse("GET", JOBS, 503, "ServiceUnavailable", "Later.", times=3),
    "the run history fails": lambda s: s.refuse("GET", "/children$", 500, "InternalError", "Oops.", times=12),
    "the job is not seen at once": lambda s: s.refuse("GET", JOBS, 404, "NotFound", "No such job.", times=4),
    "the connection breaks while the job is begun": lambda s: s.trouble("PUT", JOBS, None, applied=True),
    "the connection breaks while it is asked for": lambda s: s.trouble("GET", "/children$", None, times=2),
    "the history is slow": lambda s: s.trouble("GET", "/children$", delay=0.5, only_slow=True),
    "a log cannot be read": lambda s: s.refuse("GET", "/joblogs/", 500, "InternalError", "Oops.", times=30),
}


@pytest.mark.parametrize("what", TROUBLES)
def test_the_run_is_waited_for_whatever_happens(trainer, what, monkeypatch):
    monkeypatch.setitem(jobs.__dict__, "HICCUP_SECONDS", 30.0)
    trouble = TROUBLES[what](trainer.server)
    run = trainer.train()
    assert run.model_digest == digest.of_path(Path(run.model))
    assert trouble.happened or what == "a log cannot be read", "the trouble came"
    assert len([name for name in trainer.jobs.known if name.startswith("small-one")]) == 1, "one job and no more"


def test_a_service_that_stays_away_is_told_with_the_command_that_goes_on(trainer, monkeypatch):
    monkeypatch.setattr(jobs, "HICCUP_SECONDS", 0.2)
    name = trainer.submit()
    trainer.server.refuse("GET", "/children$", 503, "ServiceUnavailable", "Later.", times=10_000)
    with pytest.raises(Fault) as caught:
        trainer.wait(name)
    assert "mlops train --resume " + name in caught.value.remedy
    assert "asked for again" in trainer.shown.getvalue()
    trainer.server.troubles.clear()
    assert trainer.wait(name).run_id == name


def test_a_login_that_expires_in_the_middle_says_so_and_the_run_goes_on_after_it(trainer, cloud):
    name = trainer.submit()
    expired = Refused(401, "ExpiredAuthenticationToken", "The access token has expired.").answer
    trainer.server.trouble("GET", JOBS, expired, times=50)
    cloud.azure.log_out()
    with pytest.raises(Fault) as caught:
        Trainer(cloud, trainer.folder).wait(name)
    assert "az login" in caught.value.remedy
    assert f"--resume {name}" in caught.value.remedy
    cloud.azure.log_in()
    trainer.server.troubles.clear()
    assert Trainer(cloud, trainer.folder).wait(name).run_id == name


def test_tokens_are_renewed_before_they_end(trainer, cloud, place):
    """A token of five minutes and a second is renewed at once; the job lasts until that was seen."""
    cloud.azure.log_in(301)
    done = place / "done"
    write_problem(place, f"waits for {done} .")
    name = trainer.submit()

    cloud.azure.log_in(7200)
    asked = len(trainer.server.ledger)
    time.sleep(1.1)  # the token's last second of use
    done.write_text("")
    assert trainer.wait(name).run_id == name
    assert len(trainer.server.ledger) > asked
    assert not [call for call in trainer.server.ledger if call.status == 401]


def test_an_unknown_run_is_one_line(trainer, cloud, capsys):
    assert cloud.mlops("train", "--resume", "small-one-none") == 2
    assert "there is no run `small-one-none`" in capsys.readouterr().err


def test_not_waiting_returns_at_once_and_the_run_is_taken_up_from_another_clone(trainer, cloud, place, capsys):
    assert cloud.mlops("train", str(place / "small-one.yaml"), "--no-wait", "--json") == 0
    begun = json.loads(capsys.readouterr().out)
    assert set(begun) == {"run_id", "problem"}
    (trainer.platform.home.root / "dev" / "begun" / f"{begun['run_id']}.json").unlink()  # as it is elsewhere
    assert cloud.mlops("train", "--resume", begun["run_id"]) == 2
    assert "there is no problem `small-one`" in capsys.readouterr().err
    assert cloud.mlops("train", str(place / "small-one.yaml"), "--resume", begun["run_id"], "--json") == 0
    assert json.loads(capsys.readouterr().out)["run_id"] == begun["run_id"]


def environment():
    """Of a process that is pointed at the stand-in itself, after the SDK's import."""
    kept = {name: value for name, value in os.environ.items() if name != "AZUREML_CURRENT_CLOUD"}
    return {**kept, "PYTHONPATH": str(REPOSITORY)}


def test_a_killed_command_is_taken_up_again_and_its_job_is_not_begun_twice(trainer, cloud, place):
    done = place / "done"
    write_problem(place, f"waits for {done} .")
    command = subprocess.Popen(
        [sys.executable, "-c", RUNNER, place, "train", place / "small-one.yaml", "--platform", "azure"],
        cwd=REPOSITORY, env=environment(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not any(run.display_name == "train" for run in list(trainer.jobs.runs.values())):
        assert command.poll() is None, command.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    command.kill()
    command.communicate()
    done.write_text("")
    (name,) = (name for name in trainer.jobs.known if name.startswith("small-one"))
    assert trainer.wait(name).run_id == name


def test_the_first_interrupt_leaves_the_job_alone_and_says_how_to_go_on(trainer, monkeypatch):
    name = trainer.submit()

    def interrupt(self, name):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(jobs.Jobs, "_get", interrupt)
        with pytest.raises(Fault) as caught:
            trainer.wait(name)
    assert caught.value.code == 7
    assert f"--resume {name}" in caught.value.remedy
    assert trainer.wait(name).run_id == name


def test_several_nodes_are_asked_for_and_meet_through_the_services_variables(trainer, place):
    write_problem(place, model="{nodes: 2}")
    run = trainer.train()
    step = trainer.body(run.run_id)["jobs"]["train"]
    assert step["resources"]["instance_count"] == 2
    assert step["distribution"]["process_count_per_instance"] == 1
    assert (Path(run.model) / "nodes").read_text() == "2"


def test_a_sweep_runs_as_many_trials_as_the_problem_wants_and_trains_with_the_best(trainer, place):
    write_problem(place, model="{sweep: {trials: 5, at_once: 2, parameters: {num_leaves: [7, 31]}}}")
    run = trainer.train()
    assert run.parameters == {"leaves": 3}
    assert '"leaves": 3' in (Path(run.model) / "MLmodel").read_text()
    limits = trainer.body(run.run_id)["jobs"]["sweep"]["limits"]
    assert (limits["max_total_trials"], limits["max_concurrent_trials"]) == (5, 2)
    assert [step.name for step in run.steps] == ["prepare", "sweep", "train", "evaluate"]


def test_the_champion_is_measured_by_a_job_on_the_same_rows_once(trainer, cloud):
    run = trainer.train()
    model = trainer.platform.register(run, b"{}", "PASS")
    for _ in range(2):
        folder = trainer.platform.evaluate(run, model, Screen(trainer.shown))
        known = json.loads((folder / "measures.json").read_text())
        assert known["model_digest"] == model.digest
    assert len([name for name in trainer.jobs.known if "champion" in name]) == 1
    (folder / "measures.json").write_text(json.dumps({**known, "data_digest": "other"}))
    with pytest.raises(Fault, match="not what the job has measured"):
        trainer.platform.evaluate(run, model, Screen(trainer.shown))


def test_models_are_trained_in_dev(cloud, capsys):
    assert cloud.mlops("train", "breast-cancer", "--stack", "prod") == 2
    assert "prod takes its bytes" in capsys.readouterr().err


@pytest.fixture
def settings(cloud, place):
    def made(model="{}", more="", **outputs):
        write_problem(place, model=model)
        with (place / "small-one.yaml").open("a") as file:
            file.write(more)
        file = place / "small-one.yaml"
        of = check(cloud.azure.outputs("dev", **outputs), "dev", "outputs")
        return overrides(TrainingInputs(load_problem(file), file), Asset("small-one", "v", "d", "p"), of)

    return made


def test_a_step_goes_to_the_cluster_that_the_problem_names(settings):
    made = settings(more="compute: {train: memory-optimised}\n", extraClusters={"memory": "cpu-memory-1"})
    assert made["jobs.train.compute"] == "azureml:cpu-memory-1"
    assert made["settings.default_compute"] == "azureml:cpu-small"
    assert made["inputs.raw.path"] == "azureml:small-one:v"


def test_a_cluster_that_the_stack_has_not_is_told_before_anything_is_begun(settings):
    with pytest.raises(Fault, match="no cluster `gpu`"):
        settings(more="compute: {train: gpu}\n")


def test_without_a_setting_nothing_is_asked_of_nodes_or_trials(settings):
    assert not [key for key in settings() if key.startswith("jobs.")]


def test_a_forged_model_is_not_taken(trainer, cloud):
    name = trainer.submit()
    deadline = time.monotonic() + 20
    while trainer.body(name)["status"] != "Completed" and time.monotonic() < deadline:
        time.sleep(0.02)
    blobs = cloud.azure.storage["dev"]
    path = next(p for p in blobs.list("azureml-blobstore-1", "azureml/") if p.endswith("MLmodel"))
    blobs.put("azureml-blobstore-1", path, b"forged")
    with pytest.raises(Fault, match="not what the job has measured"):
        trainer.wait(name)
