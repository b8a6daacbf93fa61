"""Stories of releases on Azure: the whole command, the real SDK, real scoring processes, on both kinds."""

import json

import pytest

from tests.deploy.platforms.azure.conftest import PROBLEM

pytestmark = pytest.mark.story


def test_a_model_goes_from_the_gate_to_prod_and_back(either, capsys):
    either.register("1", "2")
    either.released("1")
    assert either.served() == {"1": 100}
    assert either.mlops("promote", PROBLEM, "--yes") == 0  # dev's to prod
    assert either.mlops("release", PROBLEM, "--stack", "prod") == 0
    either.released("2")
    assert either.mlops("promote", PROBLEM, "--yes") == 0
    capsys.readouterr()
    assert either.mlops("release", PROBLEM, "--stack", "prod", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    traffic = [event["traffic"] for event in told["events"]]
    steps = [sorted(t.values()) for t in traffic if t]
    assert [10, 90] in steps
    assert steps[-1] == [100]
    assert either.served("prod") == {"2": 100}
    assert either.mlops("rollback", PROBLEM, "--stack", "prod") == 0
    assert either.served("prod") == {"1": 100}
    assert either.pins.read("prod", PROBLEM).version == "1"
    assert either.mlops("release", PROBLEM, "--stack", "prod") == 0  # the pin says the same: nothing to do
    either.pin("2", "prod")
    assert either.mlops("release", PROBLEM, "--stack", "prod") == 5  # rejected here


def test_down_frees_what_costs_and_release_brings_it_back(either):
    either.register("1")
    either.released("1")
    assert either.mlops("down", "--stack", "dev") == 0
    (endpoint,) = either.azure.endpoints.known.values()
    assert not endpoint.deployments, "on AKS their pods are what keeps the nodes"
    assert either.mlops("release", PROBLEM, "--stack", "dev") == 0
    assert either.served() == {"1": 100}
