"""What Azure, Kubernetes and GitHub would answer: the outputs that the program reads, shaped like theirs."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Any

SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"
TENANT = "99999999-8888-7777-6666-555555555555"
STORAGE_KEY = base64.b64encode(b"a stand-in's storage key, 64 bytes long, shaped like Azure's own!").decode()
INSTRUMENTATION_KEY = "deadbeef-dead-beef-dead-beefdeadbeef"
CONNECTION = (
    f"InstrumentationKey={INSTRUMENTATION_KEY};IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/"
)
TOKEN = "cluster-admin-token-0123456789abcdef"
SECRETS = (STORAGE_KEY, INSTRUMENTATION_KEY, TOKEN)
KUBECONFIG = base64.b64encode(
    f"""apiVersion: v1
kind: Config
clusters: [{{name: aks, cluster: {{server: "https://aks.example:443", certificate-authority-data: Y2E=}}}}]
contexts: [{{name: aks, context: {{cluster: aks, user: clusterUser}}}}]
current-context: aks
users: [{{name: clusterUser, user: {{token: {TOKEN}}}}}]
""".encode()
).decode()


def guid(word: str) -> str:
    """An id that is the same for the same word."""
    return str(uuid.UUID(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest()))


_NAME_KEYS = {
    "azure-native:containerservice:ManagedCluster": "resourceName",
    "azure-native:managedidentity:UserAssignedIdentity": "resourceName",
    "azure-native:applicationinsights:Component": "resourceName",
}


def physical_name(type_: str, name: str, inputs: dict[str, Any]) -> str:
    """The name that the resource gets in Azure."""
    if type_ in _NAME_KEYS:
        return str(inputs[_NAME_KEYS[type_]])
    keys = [
        k
        for k in inputs
        if k.endswith("Name")
        and k
        not in (
            "resourceGroupName",
            "workspaceName",
            "accountName",
            "virtualNetworkName",
            "resourceName",
            "clusterName",
            "vaultName",
            "privateZoneName",
            "privateEndpointName",
            "clusterResourceName",
        )
    ]
    own = {
        "StorageAccount": "accountName",
        "Workspace": "workspaceName",
        "Vault": "vaultName",
        "VirtualNetwork": "virtualNetworkName",
        "ResourceGroup": "resourceGroupName",
        "PrivateZone": "privateZoneName",
        "PrivateEndpoint": "privateEndpointName",
    }
    kind = type_.rsplit(":", 1)[-1]
    return str(inputs.get(own.get(kind, ""), inputs[keys[0]] if keys else inputs.get("name", name)))


def made(type_: str, name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:  # noqa: C901 a table of Azure's own answers
    """The id and the state of a resource that was made."""
    if not type_.startswith("azure-native:"):
        return name, {**inputs, "name": inputs.get("name", name)}
    module, kind = type_.split(":")[1:]
    own = physical_name(type_, name, inputs)
    group = inputs.get("resourceGroupName", "none")
    identity = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.{module}/{kind}/{own}"
    if kind == "ResourceGroup":
        identity = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{own}"
    state: dict[str, Any] = {**inputs, "name": own}
    if isinstance((inputs.get("identity") or {}).get("userAssignedIdentities"), list):
        who = {
            one: {"principalId": guid(one), "clientId": guid(one)}
            for one in inputs["identity"]["userAssignedIdentities"]
        }
        state["identity"] = {**inputs["identity"], "userAssignedIdentities": who}
    if kind == "UserAssignedIdentity":
        state |= {"principalId": guid(own + "p"), "clientId": guid(own + "c"), "tenantId": TENANT}
    if kind == "Vault":
        state["properties"] = {**inputs["properties"], "vaultUri": f"https://{own}.vault.azure.net/"}
    if type_ == "azure-native:containerregistry:Registry":
        state["loginServer"] = f"{own}.azurecr.io"
    if kind == "PublicIPAddress":
        state["ipAddress"] = "198.51.100.7"
    if kind == "Component":
        state |= {"instrumentationKey": INSTRUMENTATION_KEY, "connectionString": CONNECTION}
    if kind == "StorageAccount":
        state["primaryEndpoints"] = {"blob": f"https://{own}.blob.core.windows.net/"}
    if kind == "ManagedCluster":
        addons = {**inputs["addonProfiles"]}
        addons["azureKeyvaultSecretsProvider"] = {
            "enabled": True,
            "identity": {"objectId": guid(own + "csi"), "clientId": guid(own + "csi client")},
        }
        state |= {"addonProfiles": addons, "fqdn": f"{own}.hcp.westeurope.azmk8s.io"}
    return identity, state


def answer(token: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a function of the provider answers."""
    if token.endswith(":getClientConfig"):
        return {"tenantId": TENANT, "subscriptionId": SUBSCRIPTION, "clientId": "", "objectId": ""}
    if token.endswith(":listManagedClusterUserCredentials"):
        return {"kubeconfigs": [{"name": "clusterUser", "value": KUBECONFIG}]}
    if token.endswith(":listStorageAccountKeys"):
        return {"keys": [{"keyName": "key1", "value": STORAGE_KEY, "permissions": "FULL"}]}
    raise KeyError(f"the program asked for {token}, which the stand-in does not know")
