"""Every mistake and every refusal is one line with the remedy: as a person sees it, verb by verb."""

import json

import pytest

from deploy.platforms.azure import jobs, sdk
from tests.deploy.platforms.azure.conftest import PROBLEM
from tests.quick_rollout import ROLLOUT
from tests.stand_in.server import Answer

STORAGE = "^/+stdev/"
WORKSPACE = r"workspaces/mlw-dev(/|$)"
READS = [
    ("data", "push", PROBLEM, "--stack", "dev"),
    ("data", "pull", PROBLEM, "--stack", "dev"),
    ("train", PROBLEM, "--no-wait"),
    ("train", PROBLEM, "--resume", "a-run"),
    ("batch", PROBLEM, "--stack", "dev", "--data", "rows.json", "--out", "out.csv"),
    ("monitor", PROBLEM, "--stack", "dev"),
    ("promote", PROBLEM, "--stack", "prod", "--yes"),
    ("promote", PROBLEM, "--stack", "dev", "--digest", "a" * 64),
    ("propose", PROBLEM),
    ("run", PROBLEM, "--yes"),
    ("status", "--stack", "dev"),
    ("plan", PROBLEM, "--stack", "dev"),
    ("release", PROBLEM, "--stack", "dev"),
    ("rollback", PROBLEM, "--stack", "dev"),
    ("logs", PROBLEM, "--stack", "dev"),
    ("down", "--stack", "dev"),
    ("score", PROBLEM, "--stack", "dev", "--data", "rows.json"),
]
STAGES = ("Train", "  ")  # what the screen tells while it works


@pytest.fixture
def asked(cloud, tmp_path, monkeypatch, capsys):
    """A command that has to fail, and the one line that it says, with and without `--json`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jobs, "HICCUP_SECONDS", 0.1)
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.1)
    (tmp_path / "rows.json").write_text("{}")
    cloud.pin("1", "dev")

    def ask(command, code=1):
        assert cloud.mlops(*command, "--json") == code
        printed = capsys.readouterr()
        told = [line for line in printed.err.splitlines() if not line.startswith(STAGES)]
        assert len(told) == 1, told
        assert told[0].startswith("mlops: ")
        error = json.loads(printed.out)["error"]
        assert error["code"] == code
        assert error["message"] in told[0]
        assert error["remedy"]
        return told[0]

    return ask


def test_an_expired_login(cloud, asked):
    cloud.azure.log_out()
    for command in READS:
        told = asked(command)
        assert "AADSTS700082: The refresh token has expired due to inactivity" in told
        assert "Credential" not in told
        assert told.partition("→")[2].startswith(" az login")


def test_a_token_that_ends_before_its_time(cloud, asked):
    cloud.azure.server.refuse(
        "*", WORKSPACE, 401, "ExpiredAuthenticationToken", "The access token has expired.", times=99
    )
    for command in READS:
        assert "az login" in asked(command)


def test_missing_rights(cloud, asked):
    message = "The client 'a' does not have authorization to perform action 'x/read' over scope '/y'."
    cloud.azure.server.refuse("*", WORKSPACE, 403, "AuthorizationFailed", message, times=99)
    for command in READS:
        told = asked(command)
        assert "does not have authorization" in told
        assert "ask whoever owns the stack dev for the role AzureML Data Scientist" in told


def test_a_stack_that_was_never_brought_up(cloud, asked):
    cloud.azure.bring_up()
    for command in READS:
        assert asked(command).endswith("the stack dev was never brought up → pulumi up --stack dev")


def test_of_both_stacks_the_one_that_is_up_is_looked_at_and_stopped(cloud, asked, capsys):
    cloud.serve_sham()
    cloud.azure.bring_up(dev=cloud.azure.outputs("dev"))
    assert cloud.mlops("status") == 0
    told = capsys.readouterr()
    assert "100 %  ready" in told.out
    assert "the stack prod was never brought up → pulumi up --stack prod" in told.err
    assert cloud.mlops("down") == 0
    assert capsys.readouterr().out == "stopped 1 endpoint(s)\n"
    cloud.azure.bring_up()
    assert asked(("status",)).endswith("the stack dev was never brought up → pulumi up --stack dev")


def test_a_network_that_is_gone(cloud, asked):
    cloud.azure.server.stop()
    for command in READS:
        told = asked(command)
        assert "Azure does not answer: 127.0.0.1: Failed to establish a new connection: Connection refused →" in told


def test_a_connection_that_breaks_off(cloud, asked):
    cloud.azure.server.trouble("GET", "onlineEndpoints", times=99)
    assert "does not answer: Remote end closed connection without response →" in asked(("status", "--stack", "dev"))


def test_a_page_in_the_place_of_azure(cloud, asked, caplog):
    page = b"<html>Sign in to this network</html>"
    cloud.azure.server.trouble("POST", "stdev", Answer(502, page, {"Content-Type": "text/html"}), times=99)
    cloud.azure.server.trouble("PUT", "stdev", Answer(502, page, {"Content-Type": "text/html"}), times=99)
    assert "Azure fails with 502" in asked(("rollback", PROBLEM, "--stack", "dev"))
    cloud.azure.server.troubles.clear()
    cloud.azure.server.trouble("PUT", "stdev", Answer(200, page, {"Content-Type": "text/html"}), times=99)
    assert "what answers is not Azure: " in asked(("rollback", PROBLEM, "--stack", "dev"))
    cloud.azure.server.trouble("GET", "subscriptions", Answer(200, page, {"Content-Type": "text/html"}), times=99)
    assert "what answers is not Azure: it speaks no JSON → see" in asked(("status", "--stack", "dev"))
    assert not caplog.records


def test_who_waits_for_a_busy_service_is_told_once(cloud, asked, monkeypatch, capsys):
    monkeypatch.setattr(sdk, "TOLD_AFTER_SECONDS", 0.0)
    busy = cloud.azure.server.refuse("GET", "onlineEndpoints", 429, "TooManyRequests", "Slow down.", times=12)
    assert cloud.mlops("status", "--stack", "dev") == 0
    assert busy.happened == busy.times
    told = capsys.readouterr().err
    assert told == "  ! list the endpoints: Azure is busy with it: Slow down; asked again for up to 5 s\n"


def test_a_run_that_was_not_begun_here_is_not_waited_for_before_it_was_seen(cloud, asked, monkeypatch):
    monkeypatch.setattr(jobs, "HICCUP_SECONDS", 600.0)
    cloud.azure.server.refuse("GET", "jobs", 503, "ServiceUnavailable", "The service is busy.", times=99)
    told = asked(("train", PROBLEM, "--resume", "a-run"))
    assert told.endswith("then mlops train --resume a-run --stack dev --platform azure")


def test_a_machine_without_the_azure_cli(cloud, asked, monkeypatch):
    (cloud.azure.folder / "bin" / "az").unlink()
    monkeypatch.setenv("PATH", str(cloud.azure.folder / "bin"))
    for command in READS:
        assert "the Azure CLI is not installed → install it (https://aka.ms/azure-cli)" in asked(command)


def test_a_machine_without_pulumi(cloud, asked, monkeypatch):
    (cloud.azure.folder / "bin" / "pulumi").unlink()
    monkeypatch.setenv("PATH", str(cloud.azure.folder / "bin"))
    for command in READS:
        assert "Pulumi is not installed → install Pulumi, or name a file" in asked(command)


def test_a_workspace_that_is_gone(cloud, asked):
    del cloud.azure.assets.workspaces["mlw-dev"]
    for command in READS:
        told = asked(command)
        assert "the workspace mlw-dev is not there any more" in told
        assert told.partition("→")[2].startswith(" pulumi up --stack dev")


def test_a_service_that_fails_again_and_again(cloud, asked):
    cloud.azure.server.refuse("GET", "onlineEndpoints", 503, "ServiceUnavailable", "The service is busy.", times=99)
    assert "Azure fails with 503" in asked(("status", "--stack", "dev"))


def test_no_rights_on_the_locks(cloud, asked):
    cloud.register("1")
    cloud.pin("1", "dev")
    cloud.azure.server.refuse("PUT", "/mlops/dev/locks", 403, "AuthorizationPermissionMismatch", "no", times=99)
    assert "Storage Blob Data Contributor" in asked(("release", PROBLEM, "--stack", "dev"))


def test_a_quota_that_is_refused_at_once_names_what_is_to_be_asked_for(cloud, asked):
    cloud.register("1")
    cloud.pin("1", "dev")
    cloud.azure.server.refuse("PUT", "/deployments/", 400, "OutOfQuota", "Not enough cores.", times=9)
    told = asked(("release", PROBLEM, "--stack", "dev"))
    assert "Not enough cores. → ask for more quota" in told


def test_an_endpoint_that_is_not_there(cloud, asked):
    told = asked(("score", PROBLEM, "--stack", "dev", "--data", "rows.json"))
    assert told.endswith(f"dev has no endpoint for {PROBLEM} → mlops release {PROBLEM} --stack dev --platform azure")


def test_a_model_that_was_never_registered(cloud, asked):
    assert "has not passed the gate" in asked(("release", PROBLEM, "--stack", "dev"), code=3)


def test_a_cluster_that_is_not_attached(cloud, asked):
    rollout = ROLLOUT.replace("dev:\n", "dev:\n  serving: {compute: kubernetes}\n")
    (cloud.folder / "rollout" / "azure.yaml").write_text(rollout)
    assert "no AKS cluster is attached to dev" in asked(("status", "--stack", "dev"), code=2)


def test_a_machine_without_the_sdk(cloud, asked, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *a: None if name == "azure.ai.ml" else found(name, *a))
    assert asked(("status", "--stack", "dev")).endswith("the Azure SDK is not installed → make azure")


@pytest.fixture
def served(cloud):
    """Dev's endpoint, which serves version 1."""
    cloud.serve_sham()
    cloud.pin("1", "dev")
    return cloud


@pytest.mark.parametrize(
    ("command", "method", "path", "role"),
    [
        (("score", PROBLEM, "--stack", "dev", "--data", "rows.json"), "*", "listKeys", "AzureML Data Scientist"),
        (("logs", PROBLEM, "--stack", "dev"), "*", "getLogs", "AzureML Data Scientist"),
        (("monitor", PROBLEM, "--stack", "dev"), "*", STORAGE, "Storage Blob Data Contributor"),
        (("down", "--stack", "dev"), "*", f"{STORAGE}mlops", "Storage Blob Data Contributor"),
        (("data", "push", PROBLEM), "*", STORAGE, "Storage Blob Data Contributor"),
        (("components",), "HEAD", STORAGE, "Storage Blob Data Contributor"),
        (("components",), "PUT", STORAGE, "Storage Blob Data Contributor"),
        (("promote", PROBLEM, "--yes"), "*", "registr", "AzureML Registry User"),
    ],
    ids=["keys", "logs", "collected", "lock", "rows", "code", "writing code", "registry"],
)
def test_missing_rights_on_one_thing_name_the_role_for_it(served, asked, command, method, path, role):
    refusal = {"error": {"code": "AuthorizationFailed", "message": "It is not allowed."}}
    headers = {"x-ms-error-code": "AuthorizationPermissionMismatch"} if path.startswith(STORAGE) else {}
    served.azure.server.trouble(method, path, Answer(403, refusal, headers), times=999)
    assert f"ask whoever owns the stack dev for the role {role}" in asked(command)


def test_a_status_without_the_right_to_keys_is_told_all_the_same(served, capsys):
    served.azure.server.refuse("POST", "listKeys", 403, "AuthorizationFailed", "It is not allowed.", times=99)
    assert served.mlops("status", "--stack", "dev") == 0
    printed = capsys.readouterr()
    assert "no address  healthy" in printed.out
    assert "read the keys of" in printed.err


def test_a_registry_that_is_gone(served, asked):
    served.azure.assets.registry.id = served.azure.assets.registry.id.replace("mlr-shared", "another")
    assert "pulumi up --stack shared" in asked(("promote", PROBLEM, "--yes"))


def test_the_logs_of_an_endpoint_that_is_not_there(asked):
    assert f"dev has no endpoint for {PROBLEM} → mlops release" in asked(("logs", PROBLEM, "--stack", "dev"))
