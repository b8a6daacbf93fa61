"""The outputs are a contract: every key, documented, of a plain kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from capture import capture
from test_profiles import at

from infra.outputs import SHARED, STACK, VERSION

DOCUMENT = Path(__file__).parents[2] / "docs" / "infrastructure-outputs.md"
KINDS = {
    "version": float, "groups": dict, "groupIds": dict, "locations": dict, "clientIds": dict, "principalIds": dict,
    "extraClusters": dict, "instanceTypes": list, "instanceNames": list, "privateNetwork": bool,
}  # fmt: skip


@pytest.mark.parametrize("stack", ["shared", "dev", "prod"])
def test_the_keys_are_exactly_the_contracts(stacks, stack):
    assert set(stacks[stack].outputs) == set(SHARED if stack == "shared" else STACK)


@pytest.mark.parametrize("stack", ["shared", "dev", "prod"])
@pytest.mark.parametrize("key", sorted({*SHARED, *STACK}))
def test_a_key_has_its_kind_and_a_value(stacks, stack, key):
    outputs = stacks[stack].outputs
    if key in outputs:
        assert isinstance(outputs[key], KINDS.get(key, str))
        optional = {"extraClusters", "instanceNames", "privateNetwork", "runnerJob"}
        assert outputs[key] or key in optional


def test_the_version_is_said(stacks):
    assert {captured.outputs["version"] for captured in stacks.values()} == {VERSION}


@pytest.mark.parametrize(("title", "contract"), [("shared", SHARED), ("dev and prod", STACK)])
def test_the_document_says_of_each_key_what_the_contract_says(title, contract):
    part = DOCUMENT.read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", part, re.M)) == contract


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_what_a_deployment_needs_is_the_name_that_the_resource_was_given(stacks, stack):
    """Each output against the resource it tells of, as it was sent."""
    captured = stacks[stack]
    wanted = {
        "workspaceName": ("workspace", "workspaceName"),
        "resourceGroup": ("workspace", "resourceGroupName"),
        "location": ("workspace", "location"),
        "clusterName": ("cluster-cpu", "computeName"),
        "kubernetesCompute": ("aks-compute", "computeName"),
        "kubernetesNamespace": ("namespace-models", "metadata.name"),
        "storageAccount": ("storage", "accountName"),
        "rawContainer": ("raw", "containerName"),
        "datastoreName": ("raw-data", "name"),
        "vaultName": ("vault", "vaultName"),
    }
    for key, (resource, path) in wanted.items():
        assert captured.outputs[key] == at(captured.one(resource).inputs, path), key
    ids = {"workspaceId": "workspace", "insightsId": "insights", "logsWorkspaceId": "logs", "actionGroupId": "people"}
    for key, resource in {**ids, "endpointIdentityId": "identity-endpoint"}.items():
        own = captured.one(resource).inputs
        assert captured.outputs[key].split("/")[-1] in own.values(), key
    types = {r.inputs["metadata"]["name"] for r in captured.resources if r.name.startswith("instance-type-")}
    assert set(captured.outputs["instanceTypes"]) == types


def test_without_aks_and_further_clusters_their_outputs_are_empty():
    outputs = capture("dev", aks="off").outputs
    empty = ("kubernetesCompute", "kubernetesCluster", "kubernetesNamespace", "endpointHost")
    assert [outputs[key] for key in empty] == ["", "", "", ""]
    assert (outputs["instanceTypes"], outputs["extraClusters"]) == ([], {})
