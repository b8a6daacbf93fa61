"""What runs by the clock: written once, pointed at new rows, begun by them, switched off before it goes."""

import io
import json
import time
from pathlib import Path

import pytest

from deploy.cli import call
from deploy.platforms.azure import jobs, training
from deploy.platforms.azure.components import files, version
from deploy.platforms.azure.schedules import trigger_in_words
from deploy.release.state import Tags
from deploy.screen import Screen
from ml.fault import Fault
from ml.problem import load_problem
from tests.deploy.platforms.azure import small_pipeline as small
from tests.deploy.platforms.azure.conftest import PROBLEM

WRITES = ("PUT", "POST", "DELETE")


class Desk:
    """A person with a small problem, whose rows change."""

    def __init__(self, cloud, folder, capsys):
        self.cloud, self.folder, self.capsys = cloud, folder, capsys
        self.server, self.azure = cloud.azure.server, cloud.azure.schedules
        self.file = folder / "small-one.yaml"
        self.file.write_text(small.PROBLEM.format(says="A number.", model="{}"))

    def rows(self, text):
        (self.folder / "rows.csv").write_text(text)

    def mlops(self, *words, code=0):
        """A command; returns what `--json` says."""
        self.capsys.readouterr()
        assert self.cloud.mlops(*words, "--json") == code
        return json.loads(self.capsys.readouterr().out)

    def push(self):
        return self.mlops("data", "push", str(self.file))

    def schedule(self, *words):
        """By kind, what became of the schedules."""
        told = self.mlops("schedule", str(self.file), *words)["schedules"]
        return {one["kind"]: one for one in told}

    def kept(self, kind, stack="dev", problem="small-one"):
        return self.azure.known[f"mlw-{stack}", f"{problem}-{kind}"]["properties"]

    def job(self, kind="new-data"):
        return self.kept(kind)["action"]["jobDefinition"]

    def ended(self, name, seconds=60):
        deadline = time.monotonic() + seconds
        while (job := self.cloud.azure.jobs.known[name]["properties"])["status"] not in ("Completed", "Failed"):
            assert time.monotonic() < deadline, job
            time.sleep(0.02)
        return job["status"]

    def written(self):
        return [(c.method, c.path) for c in self.server.ledger if c.method in WRITES and "/schedules/" in c.path]


@pytest.fixture
def desk(cloud, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training, "PIPELINES", small.write(tmp_path))
    monkeypatch.setattr(training, "REPOSITORY", tmp_path / "code")
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.02)
    made = Desk(cloud, tmp_path, capsys)
    made.rows("x,y\n1,2\n")
    return made


def test_they_are_made_once_and_nothing_is_written_where_they_say_so_already(desk):
    version = desk.push()["version"]
    told = desk.schedule()
    assert {kind: one["state"] for kind, one in told.items()} == {"training": "created", "new-data": "created"}
    assert told["training"]["when"] == "cron 0 3 * * 1 UTC"
    assert told["new-data"]["when"] == "every 1 day at 12:00 UTC"
    for kind in told:
        assert desk.job(kind)["inputs"]["raw"]["uri"].endswith(f"/data/small-one/versions/{version}")
        assert desk.job(kind)["tags"]["mlops.problem"] == "small-one"
    before = len(desk.server.ledger)
    assert {one["state"] for one in desk.schedule().values()} == {"unchanged"}
    assert {call.method for call in desk.server.ledger[before:]} == {"GET"}


def test_new_rows_begin_a_run_that_is_taken_up_like_any_other(desk):
    desk.push()
    desk.schedule()
    assert not desk.cloud.azure.jobs.known, "nothing is begun before rows are new"
    desk.rows("x,y\n1,3\n")
    pushed = desk.push()
    (name,) = desk.cloud.azure.jobs.known
    assert name.startswith("small-one-new-data-")
    assert desk.ended(name) == "Completed"
    run = desk.mlops("train", str(desk.file), "--resume", name)
    assert run["run_id"] == name
    rows = Path(desk.cloud.folder / "home/azure/runs" / name / "evaluation_rows/rows.parquet").read_text()
    assert rows.startswith("x,y\n1,3")
    assert desk.job("training")["inputs"]["raw"]["uri"].endswith(pushed["version"]), "the calendar's sees them too"
    desk.push()
    assert list(desk.cloud.azure.jobs.known) == [name], "the same rows begin nothing"
    again = desk.azure.run("mlw-dev", "small-one-new-data")
    assert desk.ended(again) == "Completed"
    children = desk.cloud.azure.jobs.runs[again].children
    assert {child.properties.get("azureml.isreused") for child in children} == {"true"}, "a day without new rows"


@pytest.mark.exhaustive
def test_rows_that_somebody_else_brought_are_seen_by_the_next_look(desk):
    desk.push()
    desk.schedule()
    desk.rows("x,y\n1,4\n")
    desk.cloud.platform()._data.push(load_problem(desk.file), desk.file, Screen(io.StringIO()))
    told = desk.schedule("--update")
    assert {kind: one["state"] for kind, one in told.items()} == {"training": "updated", "new-data": "updated"}
    assert told["training"]["job"] is None
    assert desk.ended(told["new-data"]["job"]) == "Completed"


def test_one_that_was_switched_off_stays_off_and_begins_nothing(desk):
    desk.push()
    desk.schedule()
    desk.kept("new-data")["isEnabled"] = False
    desk.rows("x,y\n1,5\n")
    desk.push()
    assert desk.kept("new-data")["isEnabled"] is False
    assert desk.kept("training")["isEnabled"] is True
    assert not desk.cloud.azure.jobs.known
    assert [one["enabled"] for one in desk.schedule().values()] == [True, False]


def test_they_are_switched_off_before_they_go_and_go_once(desk):
    desk.push()
    desk.schedule()
    desk.server.ledger.clear()
    assert {one["state"] for one in desk.schedule("--remove").values()} == {"removed"}
    assert [method for method, _ in desk.written()] == ["PUT", "DELETE"] * 2
    assert not desk.azure.known
    assert {one["state"] for one in desk.schedule("--remove").values()} == {"absent"}
    assert {one["state"] for one in desk.schedule("--update").values()} == {"absent"}
    desk.rows("x,y\n1,6\n")
    desk.push()
    assert not desk.azure.known, "a push makes none"


@pytest.mark.exhaustive
def test_changed_code_is_another_schedule(desk, monkeypatch):
    desk.push()
    desk.schedule()
    pipeline = training.PIPELINES / "train.yml"
    pipeline.write_text(pipeline.read_text().replace("python -m", "python3 -m"))
    told = desk.schedule()
    assert {one["state"] for one in told.values()} == {"updated"}
    assert {one["job"] for one in told.values()} == {None}, "the rows are the same"


@pytest.mark.exhaustive
def test_a_lost_answer_and_a_busy_service_are_waited_through(desk):
    desk.push()
    desk.server.trouble("PUT", "/schedules/small-one-training", None, applied=True)
    desk.server.refuse("PUT", "/schedules/small-one-new-data", 429, "TooManyRequests", "slow down", times=2)
    assert {one["state"] for one in desk.schedule().values()} == {"created"}
    assert len(desk.azure.known) == 2


def test_without_rows_it_is_said_how_they_come(desk):
    told = desk.mlops("schedule", str(desk.file), code=1)["error"]
    assert told["remedy"] == "mlops data push small-one --stack dev --platform azure"


def test_missing_rights_are_told_with_the_role(desk):
    desk.push()
    desk.server.refuse("PUT", "/schedules/", 403, "AuthorizationFailed", "no", times=9)
    assert "AzureML Data Scientist" in desk.mlops("schedule", str(desk.file), code=1)["error"]["remedy"]


@pytest.mark.parametrize("words", [("schedule", PROBLEM), ("schedule", PROBLEM, "--remove")])
def test_on_this_machine_cron_does_it(words, capsys, home):
    assert call([*words]) == 2
    assert f".venv/bin/mlops monitor {PROBLEM}" in capsys.readouterr().err


def serving_at(cloud, folder, capsys):
    """A desk whose prod serves version 1; its container answers nothing, as only what is written matters here."""
    cloud.sham()
    cloud.register("1")
    cloud.platform().share(cloud.models["1"])
    platform = cloud.platform("prod")
    platform.create_endpoint(PROBLEM)
    platform.create_deployment(PROBLEM, "one", cloud.models["1"])
    platform.set_traffic(PROBLEM, {"one": 100})
    platform.write_tags(PROBLEM, Tags(good=(cloud.models["1"],)))
    return Desk(cloud, folder, capsys)


@pytest.fixture
def serving(cloud, tmp_path, capsys):
    """Prod serves from a managed endpoint."""
    return serving_at(cloud, tmp_path, capsys)


def test_prod_is_watched_by_our_monitor_and_by_the_services(serving):
    words = ("schedule", PROBLEM, "--stack", "prod", "--email", "models@example.com")
    told = serving.mlops(*words)["schedules"]
    assert [(one["kind"], one["state"]) for one in told] == [("monitoring", "created"), ("model-monitor", "created")]
    model = serving.cloud.models["1"]
    ours = serving.kept("monitoring", "prod", PROBLEM)["action"]["jobDefinition"]["inputs"]
    assert ours["model"]["uri"].endswith(f"/models/{PROBLEM}/versions/1-{model.digest[:12]}")
    assert ours["collected"]["uri"].endswith(f"/paths/collected/{PROBLEM}/")
    monitor = serving.kept("model-monitor", "prod", PROBLEM)["action"]["monitorDefinition"]
    assert monitor["monitoringTarget"]["taskType"].lower() == "classification"
    assert monitor["monitoringTarget"]["deploymentId"].endswith("/deployments/one")
    assert monitor["alertNotificationSetting"]["emailNotificationSetting"]["emails"] == ["models@example.com"]
    assert {signal["mode"] for signal in monitor["signals"].values()} == {"Enabled"}, "those who are told hear of each"
    features = monitor["signals"]["requests"]["features"]
    assert set(features["features"]) == set(load_problem(find_file()).columns.features)
    (table,) = (file for file in files() if file.stem == "collected_outputs")
    read = monitor["signals"]["answers"]["productionData"]["preprocessingComponentId"]
    assert read.endswith(f"/components/collected_outputs/versions/{version(table)}")
    before = len(serving.server.ledger)
    assert {one["state"] for one in serving.mlops(*words)["schedules"]} == {"unchanged"}
    assert {c.method for c in serving.server.ledger[before:]} == {"GET"}
    assert {one["state"] for one in serving.mlops(*words[:4])["schedules"]} == {"unchanged"}, "it tells whom it told"
    other = serving.mlops(*words[:5], "others@example.com")["schedules"]
    assert [one["state"] for one in other] == ["unchanged", "updated"]


@pytest.mark.parametrize("either", ["kubernetes"], indirect=True)
def test_a_prod_on_kubernetes_is_watched_with_the_models_bytes_in_its_own_workspace(either, tmp_path, capsys):
    desk = serving_at(either, tmp_path, capsys)
    words = ("schedule", PROBLEM, "--stack", "prod")
    assert [one["state"] for one in desk.mlops(*words)["schedules"]] == ["created", "created"]
    ours = desk.kept("monitoring", "prod", PROBLEM)["action"]["jobDefinition"]["inputs"]
    assert ours["model"]["uri"].endswith(f"/workspaces/mlw-prod/models/{PROBLEM}/versions/1")
    named = either.platform("prod").sdk.workspace.models.get(PROBLEM, "1")
    assert named.tags["mlops.digest"] == either.models["1"].digest
    monitor = desk.kept("model-monitor", "prod", PROBLEM)["action"]["monitorDefinition"]
    endpoint = either.platform("prod")._endpoints.azure_name(PROBLEM)
    assert monitor["monitoringTarget"]["deploymentId"].endswith(f"/onlineEndpoints/{endpoint}/deployments/one")
    before = len(desk.server.ledger)
    assert {one["state"] for one in desk.mlops(*words)["schedules"]} == {"unchanged"}
    assert {c.method for c in desk.server.ledger[before:]} == {"GET"}


def find_file():
    from ml.problem import find

    return find(PROBLEM)


def test_the_scheduled_monitor_runs_and_too_few_requests_are_no_pass(serving):
    serving.mlops("schedule", PROBLEM, "--stack", "prod")
    serving.cloud.azure.storage["prod"].put("raw", f"collected/{PROBLEM}/20990101T000000.000000Z-a.jsonl", b"")
    name = serving.azure.run("mlw-prod", f"{PROBLEM}-monitoring")
    assert serving.ended(name) == "Failed"
    (step,) = serving.cloud.azure.jobs.runs[name].children
    log = serving.cloud.azure.jobs.folder / step.id / "user_logs" / "std_log.txt"
    assert "inconclusive" in log.read_text()


def test_a_prod_that_serves_nothing_is_not_watched(cloud, tmp_path, capsys):
    told = Desk(cloud, tmp_path, capsys).mlops("schedule", PROBLEM, "--stack", "prod", code=1)["error"]
    assert told["message"] == "nothing has been released to prod"
    assert told["remedy"].startswith(f"mlops release {PROBLEM}")


def test_triggers_in_words():
    assert trigger_in_words({"type": "cron", "expression": "1 2 * * *"}) == "cron 1 2 * * * UTC"
    every = {"type": "recurrence", "frequency": "week", "interval": 2, "schedule": {"hours": 3, "minutes": 5}}
    assert trigger_in_words({**every, "time_zone": "CET"}) == "every 2 week at 03:05 CET"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"trigger": {"triggerType": "Cron", "expression": "monday"}}, "cron expression monday is invalid"),
        ({"trigger": {"triggerType": "Recurrence", "frequency": "Day"}}, "interval: it is required"),
        ({"trigger": {"triggerType": "Moon"}}, "'Moon' is none of"),
        ({"action": {"actionType": "CreateMonitor", "monitorDefinition": {}}}, "the task type None is none"),
    ],
)
def test_the_stand_in_refuses_what_the_service_refuses(cloud, change, fault):
    action = {"actionType": "CreateMonitor", "monitorDefinition": {"signals": {"a": {"signalType": "DataDrift"}}}}
    trigger = {"triggerType": "Cron", "expression": "0 3 * * 1"}
    body = {"properties": {"action": action, "trigger": trigger, **change}}
    sdk = cloud.platform().sdk
    path = f"{sdk.outputs.workspace_id}/schedules/one"
    with pytest.raises(Fault, match=fault):
        sdk.rest("write", "PUT", path, query={"api-version": "2024-04-01"}, body=body)
