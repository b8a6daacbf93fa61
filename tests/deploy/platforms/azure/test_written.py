"""What endpoints and deployments are written with, read from the bodies that the service received."""

import json

from tests.deploy.platforms.azure.conftest import PROBLEM
from tests.quick_rollout import ROLLOUT

PROBE = {"initialDelay": "PT5S", "period": "PT5S", "timeout": "PT2S", "successThreshold": 1, "failureThreshold": 12}
LIMITS = {"requestTimeout": "PT10S", "maxConcurrentRequestsPerInstance": 64, "maxQueueWait": "PT1S"}
SERVING = {
    "managed": "{auth: aad_token, instances: 2, instance_type: Standard_F4s_v2}",
    "kubernetes": "{auth: aml_token, instances: 2, most_instances: 5}",
}


def serving(cloud, words: str) -> None:
    """The rollout policy of dev says so."""
    (cloud.folder / "rollout" / "azure.yaml").write_text(ROLLOUT.replace("dev:\n", f"dev:\n  serving: {words}\n"))


def written(cloud, words: str):
    """The endpoint's body and the deployment's, as one of each is made."""
    serving(cloud, words)
    cloud.sham()
    cloud.register("1")
    platform = cloud.platform()
    platform.create_endpoint(PROBLEM)
    platform.create_deployment(PROBLEM, "one", cloud.models["1"])
    (endpoint,) = cloud.azure.server.calls("PUT", r"onlineEndpoints/[^/]+$")
    (deployment,) = cloud.azure.server.calls("PUT", r"/deployments/one$")
    return json.loads(endpoint.body), json.loads(deployment.body)


def test_the_values_of_an_endpoint_and_its_deployment_reach_the_service(either):
    endpoint, deployment = written(either, SERVING[either.kind])
    managed, properties = either.kind == "managed", deployment["properties"]
    assert properties["livenessProbe"] == properties["readinessProbe"] == PROBE
    assert properties["requestSettings"] == LIMITS
    assert deployment["sku"]["capacity"] == 2
    asked = either.platform().outputs
    variables, digest = properties["environmentVariables"], either.models["1"].digest
    assert variables["MLOPS_COLLECT_TO"].endswith(f"/stdev/raw/collected/{PROBLEM}")
    assert variables["MLOPS_COLLECT"], "the container's own folder, from which it carries them there"
    assert variables["MLOPS_IDENTITY"] == asked.endpoint_identity_client_id
    assert (variables["MLOPS_DEPLOYMENT"], variables["MLOPS_DIGEST"]) == ("one", digest)
    assert deployment["tags"] == {"mlops.model": PROBLEM, "mlops.version": "1", "mlops.digest": digest}
    if managed:
        assert endpoint["properties"]["authMode"] == "AADToken"
        assert endpoint["properties"]["publicNetworkAccess"].lower() == "enabled"
        assert endpoint["identity"]["type"] == "UserAssigned"
        assert list(endpoint["identity"]["userAssignedIdentities"]) == [asked.endpoint_identity_id]
        assert properties["scaleSettings"] == {"scaleType": "Default"}
        assert properties["instanceType"] == "Standard_F4s_v2"
    else:
        assert endpoint["properties"]["authMode"] == "AMLToken"
        assert endpoint["properties"]["compute"].endswith("/computes/aks")
        scale = properties["scaleSettings"]
        assert (scale["scaleType"], scale["minInstances"], scale["maxInstances"]) == ("TargetUtilization", 2, 5)
        assert (scale["targetUtilizationPercentage"], scale["pollingInterval"]) == (70, "PT10S")
        assert properties["instanceType"] == "serving", "the one that the cluster has"


def test_without_most_instances_their_number_is_kept(either):
    _, deployment = written(either, "{instances: 3}")
    assert deployment["properties"]["scaleSettings"] == {"scaleType": "Default"}
    assert deployment["sku"]["capacity"] == 3


def test_an_endpoint_of_a_private_stack_is_closed_to_the_public(cloud):
    cloud.azure.bring_up(dev=cloud.azure.outputs("dev", privateNetwork=True))
    cloud.platform().create_endpoint(PROBLEM)
    (endpoint,) = cloud.azure.server.calls("PUT", r"onlineEndpoints/[^/]+$")
    assert json.loads(endpoint.body)["properties"]["publicNetworkAccess"].lower() == "disabled"


REFUSED = {
    "managed": [
        ("{most_instances: 4}", "a managed deployment does not scale by a setting of its own", "az monitor autoscale"),
    ],
    "kubernetes": [
        ("{auth: aad_token}", "endpoints on AKS take no Entra token", "key or aml_token"),
        ("{instance_type: huge}", "the cluster has no instance type `huge`", "it has: serving"),
    ],
}


def test_what_a_kind_does_not_support_is_refused_before_anything_is_asked(either, capsys):
    for words, message, remedy in REFUSED[either.kind]:
        serving(either, words)
        assert either.mlops("status", "--stack", "dev") == 2
        said = capsys.readouterr().err
        assert message in said
        assert remedy in said
    assert not either.azure.server.calls()
