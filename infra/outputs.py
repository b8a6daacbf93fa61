"""The contract of each stack's outputs: ids, names and URLs, never a key."""

from __future__ import annotations

VERSION = 1
# Each name with what it holds; docs/infrastructure-outputs.md is held to these tables by a test.
SHARED: dict[str, str] = {
    "version": "the version of this contract",
    "tenantId": "the Entra tenant",
    "subscriptionId": "the subscription of all three stacks",
    "repository": "owner/name on GitHub",
    "registryName": "the Azure ML registry through which models are promoted",
    "registryId": "the resource id of that registry",
    "groups": "resource group name by stack",
    "groupIds": "resource group id by stack",
    "locations": "region by stack",
    "clientIds": "client id of each deployer, by purpose and stack: `ml-dev`, `infrastructure-prod`, …",
    "principalIds": "object id of each deployer, by the same words",
    "runnerLabel": "what a workflow asks for in `runs-on` to reach prod",
}
STACK: dict[str, str] = {
    "version": "the version of this contract",
    "stack": "dev or prod",
    "subscriptionId": "the subscription",
    "tenantId": "the Entra tenant",
    "location": "the region",
    "resourceGroup": "the resource group's name",
    "workspaceName": "the Azure ML workspace",
    "workspaceId": "its resource id",
    "registryName": "the Azure ML registry through which models are promoted",
    "clusterName": "the CPU cluster that trains",
    "extraClusters": "the further clusters by their word in `mlops:clusters`",
    "kubernetesCompute": "the attached AKS compute, or empty with `aks: off`",
    "kubernetesCluster": "the AKS cluster's name, or empty",
    "kubernetesNamespace": "the namespace of the deployments, or empty",
    "instanceTypes": "the instance types a deployment on AKS may ask for",
    "instanceNames": "the compute instances",
    "endpointIdentityId": "the resource id of the identity that endpoints run as",
    "endpointIdentityClientId": "its client id, by which a container asks for that identity's token",
    "endpointHost": "the name under which AKS endpoints are reached, or empty",
    "storageAccount": "the storage account's name",
    "rawContainer": "the container of the raw data",
    "datastoreName": "the datastore of the raw data",
    "vaultUri": "the key vault's URL",
    "imagesServer": "the container registry's login server",
    "logsWorkspaceId": "the Log Analytics workspace's resource id",
    "actionGroupId": "the action group's resource id",
    "privateNetwork": "whether the stack is reached from its own network only",
    "runnerJob": "the container job that starts a runner, or empty",
}
