"""The stand-in itself: it refuses what the service's own description, or the service, does not take."""

import pytest

from tests.stand_in.described import check, faults_of
from tests.stand_in.limits import check_ranges
from tests.stand_in.server import Refused

MODEL = {"properties": {"modelUri": "azureml://x", "modelType": "mlflow_model", "tags": {"a": "b"}}}
ENDPOINT = {"location": "westeurope", "properties": {"authMode": "Key", "traffic": {"blue": 100}}}
DEPLOYMENT = {
    "location": "westeurope",
    "properties": {"endpointComputeType": "Managed", "model": "m", "livenessProbe": {"period": "PT5S"}},
}


@pytest.mark.parametrize(
    ("described", "body"), [("ModelVersion", MODEL), ("OnlineEndpoint", ENDPOINT), ("OnlineDeployment", DEPLOYMENT)]
)
def test_a_right_body_passes(described, body):
    check(described, body)


@pytest.mark.parametrize(
    ("described", "body", "fault"),
    [
        ("OnlineEndpoint", {**ENDPOINT, "location": None}, r"\$\.location: it is required"),
        ("OnlineEndpoint", {**ENDPOINT, "properties": {"authMode": "Password"}}, "'Password' is none of"),
        ("OnlineEndpoint", {**ENDPOINT, "properties": {"authMode": "Key", "traffic": {"a": "5"}}}, "int is wanted"),
        ("OnlineEndpoint", {**ENDPOINT, "properties": {"authMode": "Key", "trafic": {}}}, "no such key"),
        ("OnlineEndpoint", {"location": "x"}, r"\$\.properties: it is required"),
        ("ModelVersion", {"properties": {"tags": ["a"]}}, "an object is wanted"),
        (
            "OnlineDeployment",
            {"location": "x", "properties": {"endpointComputeType": "Managed", "livenessProbe": {"period": "5s"}}},
            "no duration of ISO 8601",
        ),
        (
            "OnlineDeployment",
            {"location": "x", "properties": {"endpointComputeType": "Managed", "containerResourceRequirements": {}}},
            "ManagedOnlineDeployment has no such key",
        ),
    ],
)
def test_a_wrong_body_fails_and_its_place_is_named(described, body, fault):
    with pytest.raises(Refused, match=fault):
        check(described, body)


def test_nothing_is_wrong_with_what_is_left_out():
    assert list(faults_of("OnlineEndpointProperties", {"authMode": "Key", "compute": None}, "$")) == []


def test_a_wrong_body_from_the_sdk_is_refused_over_http(cloud, monkeypatch):
    platform = cloud.platform()
    from azure.ai.ml.entities import ManagedOnlineEndpoint

    broken = ManagedOnlineEndpoint(name="some-endpoint", auth_mode="key", tags={"a": 5})
    with pytest.raises(Exception, match="str is wanted, not 5"):
        platform.sdk.finish("write", lambda client: client.online_endpoints.begin_create_or_update(broken))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"traffic": {"nobody": 100}}, "does not exist"),
        ({"mirror_traffic": {"nobody": 10}}, "does not exist"),
    ],
)
def test_traffic_to_nobody_is_refused(cloud, change, fault):
    platform = cloud.platform()
    platform.create_endpoint("breast-cancer")

    def write(entity):
        for name, value in change.items():
            setattr(entity, name, value)

    with pytest.raises(Exception, match=fault):
        platform._endpoints.change("breast-cancer", write, lambda read: True)


PROBES = [("initialDelay", "PT0S"), ("period", "PT0S"), ("timeout", "PT0.5S"), ("failureThreshold", 0)]
SCALE = {"scaleType": "TargetUtilization", "minInstances": 1, "maxInstances": 3}
MANAGED, KUBERNETES = "Managed", "Kubernetes"


@pytest.mark.parametrize(
    ("kind", "changed", "fault"),
    [
        *[(MANAGED, {probe: {key: value}}, f"{probe}.{key}: at least 1")
          for probe in ("livenessProbe", "readinessProbe") for key, value in [*PROBES, ("successThreshold", 0)]],
        (KUBERNETES, {"livenessProbe": {"successThreshold": 2}}, "Kubernetes takes 1 alone"),
        (MANAGED, {"requestSettings": {"requestTimeout": "PT3M1S"}}, "requestTimeout: above 0 and at most 180 seconds"),
        (KUBERNETES, {"requestSettings": {"requestTimeout": "PT300.5S"}}, "at most 300 seconds"),
        (MANAGED, {"requestSettings": {"requestTimeout": "PT0S"}}, "requestTimeout: above 0"),
        (MANAGED, {"requestSettings": {"maxConcurrentRequestsPerInstance": 0}}, "PerInstance: at least 1"),
        (MANAGED, {"scaleSettings": SCALE}, "takes the type default alone"),
        (KUBERNETES, {"scaleSettings": {**SCALE, "minInstances": 0}}, "minInstances: at least 1"),
        (KUBERNETES, {"scaleSettings": {**SCALE, "minInstances": 4}}, "at most maxInstances"),
        (KUBERNETES, {"scaleSettings": {**SCALE, "targetUtilizationPercentage": 101}}, "1 to 100"),
        (KUBERNETES, {"scaleSettings": {**SCALE, "pollingInterval": "PT0S"}}, "pollingInterval: at least 1 second"),
        (MANAGED, {"instances": 0}, "sku.capacity: at least 1"),
    ],
)  # fmt: skip
def test_a_deployments_number_out_of_its_range_is_refused(kind, changed, fault):
    wanted = {"instances": 1, "endpointComputeType": kind, **changed}
    with pytest.raises(Refused, match=fault):
        check_ranges(wanted, wanted["instances"])


@pytest.mark.parametrize("kind", [MANAGED, KUBERNETES])
def test_the_ends_of_the_ranges_are_taken(kind):
    probe = {"initialDelay": "PT1S", "period": "PT1S", "timeout": "PT1S", "successThreshold": 1, "failureThreshold": 1}
    requests = {"requestTimeout": "PT3M", "maxConcurrentRequestsPerInstance": 1}
    scale = {**SCALE, "maxInstances": 1, "targetUtilizationPercentage": 100, "pollingInterval": "PT1S"}
    body = {"endpointComputeType": kind, "livenessProbe": probe, "readinessProbe": probe, "requestSettings": requests}
    body["scaleSettings"] = scale if kind == KUBERNETES else {"scaleType": "Default"}
    assert check_ranges(body, 1) is None
