"""Deployments: taken up where they are being made, and whose fault it is where they do not come up."""

import pytest

from deploy.platforms.protocol import DeploymentFailed
from deploy.release.state import Deployment, ModelRef
from ml.fault import Fault
from tests.deploy.platforms.azure.conftest import PROBLEM
from tests.stand_in.server import Refused


def test_a_deployment_that_is_being_made_is_taken_up(cloud, standing, server):
    cloud.azure.endpoints.operation_seconds = 0.5
    server.trouble("PUT", "deployments/three", applied=True, times=1)  # its answer is lost, and then it is there
    standing.create_deployment(PROBLEM, "three", cloud.models["1"])
    assert standing.observe(PROBLEM).deployment("three").state == "ready"


def test_a_full_region_is_not_the_models_fault(cloud, standing):
    def refuse(body):
        raise Refused(400, "OutOfQuota", "Not enough quota is available.")

    cloud.azure.containers.command = refuse
    with pytest.raises(Fault, match=r"OutOfQuota|quota"):
        standing.create_deployment(PROBLEM, "three", cloud.models["1"])


def test_a_container_that_ends_is_the_models_fault(cloud, standing):
    cloud.azure.containers.command = lambda body: ["python3", "-c", "raise SystemExit('a tree is missing')"]
    with pytest.raises(DeploymentFailed, match="a tree is missing"):
        standing.create_deployment(PROBLEM, "three", cloud.models["1"])
    assert standing.observe(PROBLEM).deployment("three").state == "failed"


def test_an_endpoint_has_at_most_twenty_deployments(standing, monkeypatch, cloud):
    monkeypatch.setattr("deploy.platforms.azure.deployments.MOST", 2)
    with pytest.raises(Fault, match="2 deployments, the most it may have"):
        standing.create_deployment(PROBLEM, "three", cloud.models["1"])


def test_a_foreign_deployment_is_shown_and_is_no_ones_model(standing, cloud):
    body = cloud.azure.deployments.deployment("mlw-dev", standing._endpoints.azure_name(PROBLEM), "two").body
    body["tags"] = {}
    assert standing.observe(PROBLEM).deployment("two") == Deployment("two", ModelRef("", "", ""), "ready")


def test_what_the_service_does_not_take_is_not_the_models_fault(cloud, standing, monkeypatch):
    made = type(standing._deployments)._entity

    def wrong(self, *words):
        entity = made(self, *words)
        entity.liveness_probe.failure_threshold, entity.request_settings.request_timeout_ms = 0, 200_000
        return entity

    monkeypatch.setattr(type(standing._deployments), "_entity", wrong)
    with pytest.raises(Fault, match=r"Probe\.failureThreshold: at least 1; .*at most 180 seconds") as caught:
        standing.create_deployment(PROBLEM, "three", cloud.models["1"])
    assert not isinstance(caught.value, DeploymentFailed), "which would reject the model"
    assert standing.observe(PROBLEM).deployment("three") is None
