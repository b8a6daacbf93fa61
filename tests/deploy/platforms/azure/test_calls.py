"""How often Azure is called: a write for each action of the plan, none where nothing is to do."""

import time

from tests.deploy.platforms.azure.conftest import PROBLEM

ARM = "^/subscriptions/"  # what the containers carry to blob storage is none of ours
OBSERVED = 3  # the endpoint, its deployments for that, its deployments


def writes(calls):
    """By kind, how many."""
    ends = {"endpoint": r"onlineEndpoints/[^/]+$", "deployment": r"deployments/[^/]+$"}
    return {word: len([c for c in calls("PUT", end) if c.status < 300]) for word, end in ends.items()}


def test_a_release_writes_what_its_plan_says_and_no_more(cloud):
    server = cloud.azure.server
    cloud.register("1", "2")
    cloud.released("1")
    # create the endpoint, traffic, the tags; one deployment
    assert writes(server.calls) == {"endpoint": 3, "deployment": 1}
    server.ledger.clear()
    cloud.released("2")
    # traffic, the tags; one deployment, and one is deleted
    assert writes(server.calls) == {"endpoint": 2, "deployment": 1}
    assert len(server.calls("DELETE", "deployments/")) == 1
    # the code and the environment are there from the first time
    assert not server.calls("PUT", r"/(codes|environments)/|code-")
    server.ledger.clear()
    assert cloud.mlops("release", PROBLEM, "--stack", "dev") == 0
    assert {c.method for c in server.calls(path=ARM)} == {"GET"}


def test_a_status_is_a_handful_of_reads(cloud, capsys):
    server = cloud.azure.server
    cloud.register("1")
    cloud.released("1")
    server.ledger.clear()
    began = time.monotonic()
    assert cloud.mlops("status", "--stack", "dev") == 0
    assert time.monotonic() - began < 4.0
    assert {c.method for c in server.calls(path=ARM)} == {"GET", "POST"}
    assert len(server.calls("POST", "listKeys")) == len(server.calls("POST", ARM)) == 1
    # the list of the endpoints, one of them observed, and for its address it again, with its deployments, and its keys
    assert len(server.calls("GET", ARM)) <= 1 + OBSERVED + 3
    assert "healthy, in sync" in capsys.readouterr().out


def test_a_token_is_asked_for_once_and_not_by_every_client(cloud, monkeypatch):
    asked = cloud.folder / "asked"
    az = cloud.azure.folder / "bin" / "az"
    az.write_text(az.read_text().replace("import json", f"open({str(asked)!r}, 'a').write('x')\nimport json", 1))
    assert cloud.mlops("status", "--stack", "dev") == 0
    assert len(asked.read_text()) == 1
