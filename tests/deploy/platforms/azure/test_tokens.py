"""Endpoints that take tokens in the place of keys: Entra's on managed ones, the service's own on both."""

import pytest

from deploy.platforms.azure.invoke import Invoker
from tests.deploy.platforms.azure.conftest import PROBLEM
from tests.quick_rollout import ROLLOUT
from tests.stand_in.server import token


def serving(cloud, auth):
    """Version 1 behind an endpoint that takes such tokens."""
    rollout = ROLLOUT.replace("dev:\n", f"dev:\n  serving: {{auth: {auth}}}\n")
    (cloud.folder / "rollout" / "azure.yaml").write_text(rollout)
    cloud.register("1")
    platform = cloud.platform()
    platform.create_endpoint(PROBLEM)
    platform.create_deployment(PROBLEM, "one", cloud.models["1"])
    platform.set_traffic(PROBLEM, {"one": 100})
    return platform


def body_of(platform, cloud):
    from deploy.release.smoke import load_expected

    return load_expected(platform.fetch(cloud.models["1"])).body


@pytest.mark.parametrize("auth", ["aad_token", "aml_token"])
def test_an_endpoint_that_takes_tokens_is_asked_with_one(cloud, auth):
    platform = serving(cloud, auth)
    assert platform.invoke(PROBLEM, body_of(platform, cloud)).status == 200
    assert not cloud.azure.server.calls("POST", "listKeys")
    assert "accessToken" in platform.address(PROBLEM).key_command


def test_a_token_that_has_ended_is_read_anew(cloud):
    platform = serving(cloud, "aad_token")
    asked, body = platform._invoker, body_of(platform, cloud)
    assert isinstance(asked, Invoker)
    address = platform.address(PROBLEM)
    object.__setattr__(address, "key", token(-60))
    assert platform.invoke(PROBLEM, body).status == 200
