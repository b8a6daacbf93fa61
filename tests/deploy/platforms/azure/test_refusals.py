"""What the service refuses, as whoever writes it is told."""

import re

import pytest

from ml.fault import Fault
from tests.deploy.platforms.azure.conftest import PROBLEM


def put(platform, name, **values):
    """What the service says to an endpoint that is written as it stands."""
    from azure.ai.ml.entities import KubernetesOnlineEndpoint, ManagedOnlineEndpoint

    kind = KubernetesOnlineEndpoint if "compute" in values else ManagedOnlineEndpoint
    entity = kind(name=name, **{"auth_mode": "key", **values})
    with pytest.raises(Fault) as caught:
        platform.sdk.finish("write", lambda client: client.online_endpoints.begin_create_or_update(entity))
    return caught.value.message


def test_the_service_refuses_a_name_that_the_sdk_lets_through(cloud):
    assert "The endpoint name a--b is not valid" in put(cloud.platform(), "a--b")


@pytest.mark.parametrize("name", ["ab", "1-model", "model-", "a" * 33, "a_b"])
def test_what_the_sdk_refuses_by_itself_is_told_without_its_colours_and_advice(cloud, name):
    said = put(cloud.platform(), name)
    assert said.startswith("The name for an endpoint must ")
    assert not re.search(r"\x1b|Resolutions|Details|https?://", said)
    assert not cloud.azure.server.calls("PUT")


def test_the_service_refuses_a_name_that_another_workspace_of_the_region_has(cloud):
    cloud.platform("dev").create_endpoint(PROBLEM)
    taken = cloud.platform("dev")._endpoints.azure_name(PROBLEM)
    assert "already taken in this region" in put(cloud.platform("prod"), taken)


def test_the_service_refuses_a_cluster_that_is_not_attached_and_an_entra_token_on_one(cloud):
    assert "The compute aks was not found" in put(cloud.platform(), "some-endpoint", compute="aks")
    cloud.azure.kubernetes("dev")
    said = put(cloud.platform(), "some-endpoint", compute="aks", auth_mode="aad_token")
    assert "do not support AADToken" in said


@pytest.mark.parametrize(
    ("traffic", "mirror", "said"),
    [
        ({"one": 150, "two": -50}, {}, "shares of 0 to 100"),
        ({"one": 60, "two": 30}, {}, "must sum to 0 or 100"),
        ({"one": 100}, {"two": 51}, "at most 50 percent"),
        ({"one": 100}, {"two": -5}, "at most 50 percent"),
        ({}, {"one": 10, "two": 10}, "one deployment"),
        ({"one": 100}, {"one": 10}, "live or mirrored traffic, not both"),
    ],
)
def test_the_service_refuses_a_traffic_that_it_could_not_share_out(standing, traffic, mirror, said):
    def write(entity):
        entity.traffic, entity.mirror_traffic = traffic, mirror

    with pytest.raises(Fault, match=said):
        standing._endpoints.change(PROBLEM, write, lambda read: True)


def test_the_service_deletes_what_serves_so_that_refusing_is_ours(standing):
    standing._deployments.delete(PROBLEM, "one")
    assert standing.observe(PROBLEM).deployment("one") is None


def test_the_service_counts_the_deployments_too(standing, cloud, monkeypatch):
    monkeypatch.setattr("tests.stand_in.deployments.MOST_DEPLOYMENTS", 2)
    with pytest.raises(Fault, match="An endpoint has at most 2 deployments"):
        standing.create_deployment(PROBLEM, "three", cloud.models["1"])


def test_the_service_refuses_a_deployment_of_the_other_kind(standing, cloud, monkeypatch):
    from azure.ai.ml.entities import KubernetesOnlineDeployment

    made = type(standing._deployments)._entity

    def other(self, *words):
        entity = made(self, *words)
        kept = ("name", "endpoint_name", "model", "environment", "code_configuration")
        return KubernetesOnlineDeployment(**{word: getattr(entity, word) for word in kept}, instance_type="serving")

    monkeypatch.setattr(type(standing._deployments), "_entity", other)
    with pytest.raises(Exception, match="is of its endpoint's kind"):
        standing.create_deployment(PROBLEM, "three", cloud.models["1"])
