"""Every mistake and every refusal is one line with the remedy: as a person sees it, verb by verb."""

import pytest

from tests.deploy.platforms.azure.conftest import PROBLEM, ROLLOUT

WORKSPACE = r"workspaces/mlw-dev(/|$)"
READS = [
    ("status", "--stack", "dev"),
    ("plan", PROBLEM, "--stack", "dev"),
    ("release", PROBLEM, "--stack", "dev"),
    ("rollback", PROBLEM, "--stack", "dev"),
    ("logs", PROBLEM, "--stack", "dev"),
    ("down", "--stack", "dev"),
    ("score", PROBLEM, "--stack", "dev", "--data", "rows.json"),
]
words = pytest.mark.parametrize("command", READS, ids=lambda command: command[0])


@pytest.fixture
def asked(cloud, tmp_path, monkeypatch, capsys):
    """A command that has to fail, and the one line that it says."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.json").write_text("{}")
    cloud.pin("1", "dev")

    def ask(command, code=1):
        assert cloud.mlops(*command) == code
        told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("mlops:")]
        assert len(told) == 1
        return told[0]

    return ask


@words
def test_an_expired_login(cloud, asked, command):
    cloud.azure.log_out()
    assert asked(command).endswith("→ az login")


@words
def test_a_token_that_ends_before_its_time(cloud, asked, command):
    cloud.azure.server.refuse(
        "*", WORKSPACE, 401, "ExpiredAuthenticationToken", "The access token has expired.", times=99
    )
    assert "az login" in asked(command)


@words
def test_missing_rights(cloud, asked, command):
    message = "The client 'a' does not have authorization to perform action 'x/read' over scope '/y'."
    cloud.azure.server.refuse("*", WORKSPACE, 403, "AuthorizationFailed", message, times=99)
    told = asked(command)
    assert "does not have authorization" in told
    assert "ask whoever owns the stack dev for the role AzureML Data Scientist" in told


@words
def test_a_stack_that_was_never_brought_up(cloud, asked, command):
    cloud.azure.bring_up()
    assert asked(command).endswith("the stack dev was never brought up → pulumi up --stack dev")


@words
def test_a_workspace_that_is_gone(cloud, asked, command):
    del cloud.azure.assets.workspaces["mlw-dev"]
    told = asked(command)
    assert "the workspace mlw-dev is not there any more" in told
    assert told.endswith("→ pulumi up --stack dev")


def test_a_service_that_fails_again_and_again(cloud, asked):
    cloud.azure.server.refuse("GET", "onlineEndpoints", 503, "ServiceUnavailable", "The service is busy.", times=99)
    assert "Azure fails with 503" in asked(("status", "--stack", "dev"))


def test_no_rights_on_the_locks(cloud, asked):
    cloud.register("1")
    cloud.pin("1", "dev")
    cloud.azure.server.refuse("PUT", "/mlops/dev/locks", 403, "AuthorizationPermissionMismatch", "no", times=99)
    assert "Storage Blob Data Contributor" in asked(("release", PROBLEM, "--stack", "dev"))


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
