"""For every rule the one change of what is sent that breaks it: stack, resource, change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Change = Callable[[dict[str, Any]], None]


def put(path: str, value: Any) -> Change:
    """Sets the value at a dotted path."""

    def change(props: dict[str, Any]) -> None:
        *way, last = path.split(".")
        inner: Any = props
        for part in way:
            inner = inner[int(part)] if isinstance(inner, list) else inner.setdefault(part, {})
        inner[int(last) if isinstance(inner, list) else last] = value

    return change


def drop(path: str) -> Change:
    """Removes the value at a dotted path."""

    def change(props: dict[str, Any]) -> None:
        *way, last = path.split(".")
        inner: Any = props
        for part in way:
            inner = inner[int(part)] if isinstance(inner, list) else inner[part]
        inner.pop(int(last) if isinstance(inner, list) else last)

    return change


_IN, _NET = "properties.properties.", "properties.networkAcls."
_HOSTS = "managedNetwork.outboundRules"
_ADMIN = "infrastructure-dev-role-based-access-control-administrator-group-dev"
INSTANCE = "instance-aaaaaaaa"
BREAKS: dict[str, tuple[str, str, Change]] = {
    "storage-https": ("dev", "storage", put("enableHttpsTrafficOnly", False)),
    "storage-tls": ("dev", "storage", put("minimumTlsVersion", "TLS1_0")),
    "storage-no-keys": ("dev", "storage", drop("allowSharedKeyAccess")),
    "storage-no-anonymous": ("dev", "storage", put("allowBlobPublicAccess", True)),
    "container-private": ("prod", "raw", put("publicAccess", "Blob")),
    "storage-no-local-users": ("prod", "storage", drop("isLocalUserEnabled")),
    "storage-no-sftp": ("prod", "storage", put("isSftpEnabled", True)),
    "storage-one-tenant": ("prod", "storage", put("allowCrossTenantReplication", True)),
    "storage-entra": ("prod", "storage", put("defaultToOAuthAuthentication", False)),
    "storage-encrypted-twice": ("prod", "storage", drop("encryption.requireInfrastructureEncryption")),
    "storage-sas": ("prod", "storage", drop("sasPolicy")),
    "storage-flat": ("dev", "storage", put("isHnsEnabled", True)),
    "storage-bypass": ("prod", "storage", put("networkRuleSet.bypass", "None")),
    "storage-firewall": ("prod", "storage", put("networkRuleSet.defaultAction", "Allow")),
    "storage-private": ("prod", "storage", put("publicNetworkAccess", "Enabled")),
    "storage-redundant": ("prod", "storage", put("sku.name", "Standard_LRS")),
    "storage-soft-delete": ("prod", "blobs", put("deleteRetentionPolicy.days", 1)),
    "storage-versions": ("prod", "blobs", put("isVersioningEnabled", False)),
    "vault-roles": ("dev", "vault", put("properties.enableRbacAuthorization", False)),
    "vault-soft-delete": ("dev", "vault", put("properties.enableSoftDelete", False)),
    "vault-never-false": ("dev", "vault", put("properties.enablePurgeProtection", False)),
    "vault-purge-protection": ("prod", "vault", drop("properties.enablePurgeProtection")),
    "vault-retention": ("prod", "vault", put("properties.softDeleteRetentionInDays", 7)),
    "vault-firewall": ("prod", "vault", put(_NET + "defaultAction", "Allow")),
    "vault-bypass": ("prod", "vault", put(_NET + "bypass", "None")),
    "vault-private": ("prod", "vault", put("properties.publicNetworkAccess", "Enabled")),
    "vault-no-machines": ("dev", "vault", put("properties.enabledForDeployment", True)),
    "images-arm-tokens": (
        "prod",
        "images",
        put("policies.azureADAuthenticationAsArmPolicy.status", "disabled"),
    ),
    "images-bypass": ("dev", "images", put("networkRuleBypassOptions", "None")),
    "compute-identity": ("dev", "cluster-cpu", put("identity.type", "None")),
    "aks-identity": ("dev", "aks", put("identity.type", "None")),
    "aks-watched-by-identity": ("dev", "aks", put("addonProfiles.omsagent.config.useAADAuth", "false")),
    "secret-has-type-and-end": ("prod", "", put("properties.value", "x")),
    "images-no-admin": ("dev", "images", put("adminUserEnabled", True)),
    "images-no-anonymous": ("dev", "images", put("anonymousPullEnabled", True)),
    "images-sku": ("dev", "images", put("sku.name", "Basic")),
    "images-private": ("prod", "images", put("publicNetworkAccess", "Enabled")),
    "images-retention": ("prod", "images", put("policies.retentionPolicy.status", "disabled")),
    "images-zones": ("prod", "images", put("zoneRedundancy", "Disabled")),
    "images-no-export": ("prod", "images", put("policies.exportPolicy.status", "enabled")),
    "images-plain": ("dev", "images", put("zoneRedundancy", "Disabled")),
    "workspace-private": ("prod", "workspace", put("publicNetworkAccess", "Enabled")),
    "workspace-no-detour": ("prod", "workspace", put("allowPublicAccessWhenBehindVnet", True)),
    "workspace-approved-hosts": (
        "prod",
        "workspace",
        put(_HOSTS + ".all", {"type": "FQDN", "destination": "*"}),
    ),
    "workspace-no-firewall": (
        "dev",
        "workspace",
        put(_HOSTS + ".one", {"type": "FQDN", "destination": "pypi.org"}),
    ),
    "workspace-isolated": ("dev", "workspace", put("managedNetwork.isolationMode", "Disabled")),
    "workspace-identity": ("dev", "workspace", put("identity.type", "SystemAssigned")),
    "workspace-datastores": ("dev", "workspace", put("systemDatastoresAuthMode", "AccessKey")),
    "workspace-not-legacy": ("dev", "workspace", put("v1LegacyMode", True)),
    "workspace-own-registry": ("dev", "workspace", drop("containerRegistry")),
    "datastore-no-secret": ("dev", "raw-data", put("properties.credentials.credentialsType", "AccountKey")),
    "cluster-no-local-login": ("dev", "cluster-cpu", put("properties.disableLocalAuth", False)),
    "instance-no-local-login": ("dev", INSTANCE, put("properties.disableLocalAuth", False)),
    "cluster-to-zero": ("dev", "cluster-cpu", put(_IN + "scaleSettings.minNodeCount", 1)),
    "cluster-no-ssh": ("dev", "cluster-cpu", put(_IN + "remoteLoginPortPublicAccess", "NotSpecified")),
    "cluster-no-address": ("dev", "cluster-cpu", put(_IN + "enableNodePublicIp", True)),
    "instance-no-address": ("dev", INSTANCE, put(_IN + "enableNodePublicIp", True)),
    "instance-personal": ("dev", INSTANCE, put(_IN + "applicationSharingPolicy", "Shared")),
    "instance-no-ssh": ("dev", INSTANCE, put(_IN + "sshSettings.sshPublicAccess", "Enabled")),
    "instance-idle": ("dev", INSTANCE, put(_IN + "idleTimeBeforeShutdown", "P7D")),
    "no-instance-in-prod": ("prod", "cluster-cpu", put("properties.computeType", "ComputeInstance")),
    "cluster-small": ("dev", "cluster-cpu", put(_IN + "scaleSettings.maxNodeCount", 20)),
    "cluster-in-network": ("prod", "cluster-cpu", drop("properties.properties.vmSize")),
    "aks-rbac": ("dev", "aks", put("enableRBAC", False)),
    "aks-entra": ("dev", "aks", put("aadProfile.enableAzureRBAC", False)),
    "aks-no-local-accounts": ("dev", "aks", put("disableLocalAccounts", False)),
    "aks-network-policy": ("dev", "aks", drop("networkProfile.networkPolicy")),
    "aks-cni": ("dev", "aks", put("networkProfile.networkPlugin", "kubenet")),
    "aks-policy": ("dev", "aks", put("addonProfiles.azurepolicy.enabled", False)),
    "aks-watched": ("dev", "aks", put("addonProfiles.omsagent.enabled", False)),
    "aks-secret-rotation": (
        "dev",
        "aks",
        put("addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation", "false"),
    ),
    "aks-upgrades": ("dev", "aks", drop("autoUpgradeProfile.upgradeChannel")),
    "aks-paid": ("prod", "aks", put("sku.tier", "Free")),
    "aks-free": ("dev", "aks", put("sku.tier", "Standard")),
    "aks-authorized": ("prod", "aks", drop("apiServerAccessProfile.authorizedIPRanges")),
    "aks-no-run-command": ("dev", "aks", put("apiServerAccessProfile.disableRunCommand", False)),
    "aks-defended": ("prod", "aks", drop("securityProfile.defender")),
    "aks-workload-identity": ("dev", "aks", put("oidcIssuerProfile.enabled", False)),
    "aks-system-apart": ("dev", "aks", drop("agentPoolProfiles.0.nodeTaints")),
    "pool-ephemeral-disks": ("prod", "aks", put("agentPoolProfiles.0.osDiskType", "Managed")),
    "pool-encrypted-hosts": ("prod", "pool-models", put("enableEncryptionAtHost", False)),
    "pool-pods": ("dev", "pool-models", put("maxPods", 30)),
    "pool-no-address": ("dev", "aks", put("agentPoolProfiles.0.enableNodePublicIP", True)),
    "pool-zones": ("prod", "pool-models", put("availabilityZones", ["1"])),
    "endpoint-tls": ("prod", "aks-extension", put("configurationSettings.allowInsecureConnections", "True")),
    "endpoint-certificate": ("prod", "certificate", put("spec.parameters.objects", "objectName: endpoint\n")),
    "endpoint-internal": ("dev", "aks-extension", drop("configurationSettings.internalLoadBalancerProvider")),
    "insights-on-logs": ("dev", "insights", drop("workspaceResourceId")),
    "logs-kept": ("prod", "logs", put("retentionInDays", 30)),
    "logs-capped": ("dev", "logs", drop("workspaceCapping")),
    "alert-resolves": ("dev", "vault-availability", put("autoMitigate", False)),
    "alert-on": ("dev", "service-health", put("enabled", False)),
    "diagnostics-somewhere": ("dev", "diagnostics-vault", put("logs", [])),
    "runner-pinned": ("prod", "runners", put("template.containers.0.image", "cr.azurecr.io/runner:latest")),
    "runner-own-registry": ("prod", "runners", put("template.containers.0.image", "ghcr.io/runner@sha256:0")),
    "budget-warns": ("dev", "budget", drop("notifications.forecast100")),
    "role-known": (
        "dev",
        "kubelet-acrpull-images",
        put("roleDefinitionId", "/x/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
    ),
    "role-bounded": ("shared", _ADMIN, drop("condition")),
    "role-narrow": ("dev", "kubelet-acrpull-images", put("scope", "/subscriptions/0000")),
    "role-principal-type": ("dev", "kubelet-acrpull-images", put("principalType", "User")),
    "subject-narrow": (
        "shared",
        "ml-prod-github-0",
        put("subject", "repo:contoso/models:ref:refs/heads/main"),
    ),
    "issuer-github": ("shared", "ml-prod-github-0", put("issuer", "https://example.com")),
    "tags": ("dev", "storage", drop("tags.owner")),
    "environment-guarded": ("shared", "environment-prod", put("preventSelfReview", False)),
    "environment-from-listed-branches": (
        "shared",
        "environment-prod",
        put("deploymentBranchPolicy.customBranchPolicies", False),
    ),
    "environment-from-main": ("shared", "branches-prod", put("branchPattern", "*")),
    "runner-identity": ("prod", "runners", put("configuration.secrets", [{"name": "key", "value": "x"}])),
    "workflows-read": ("shared", "workflows", put("defaultWorkflowPermissions", "write")),
    "main-protected": ("shared", "main", put("allowsForcePushes", True)),
}
