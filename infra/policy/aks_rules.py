"""Rules of AKS, its pools and the Azure ML extension."""

from __future__ import annotations

from infra.policy.rule import Check, Props, Rule, at, be

PROD, DEV = ("prod",), ("dev",)
SELF_SIGNED = "endpoint"  # the name of the certificate that the first up makes (infra/first_up.py)
_AKS, _POOL = ("containerservice:ManagedCluster",), ("containerservice:AgentPool",)
_EXTENSION = ("kubernetesconfiguration:Extension",)


def _insecure(props: Props) -> bool:
    """TLS with a name and a secret."""
    sent = at(props, "configurationSettings") or {}
    return (
        sent.get("allowInsecureConnections") == "False" and bool(sent.get("sslCname")) and bool(sent.get("sslSecret"))
    )


def _pools(check: Check) -> Check:
    """A rule for a pool of its own and for the pools inside the cluster alike."""
    return lambda props: all(check(pool) for pool in props.get("agentPoolProfiles", [props]))


AKS = (
    Rule("aks-rbac", _AKS, "Kubernetes asks for roles", be("enableRBAC", True), ("AK1",)),
    Rule(
        "aks-entra",
        _AKS,
        "Entra decides who enters",
        lambda p: at(p, "aadProfile.managed") is True and at(p, "aadProfile.enableAzureRBAC") is True,
        ("AK1",),
    ),
    Rule(
        "aks-no-local-accounts",
        _AKS,
        "no local accounts",
        be("disableLocalAccounts", True),
        ("CKV_AZURE_141", "Azure.AKS.LocalAccounts"),
    ),
    Rule(
        "aks-network-policy",
        _AKS,
        "pods are kept apart",
        lambda p: bool(at(p, "networkProfile.networkPolicy")),
        ("CKV_AZURE_7",),
    ),
    Rule(
        "aks-cni",
        _AKS,
        "Azure's own network",
        be("networkProfile.networkPlugin", "azure"),
        ("CKV2_AZURE_29",),
    ),
    Rule(
        "aks-policy",
        _AKS,
        "Azure Policy looks inside",
        be("addonProfiles.azurepolicy.enabled", True),
        ("CKV_AZURE_116",),
    ),
    Rule(
        "aks-watched",
        _AKS,
        "containers write to Log Analytics",
        be("addonProfiles.omsagent.enabled", True),
        ("CKV_AZURE_4",),
    ),
    Rule(
        "aks-identity",
        _AKS,
        "the cluster works as an identity, never as a service principal",
        lambda p: at(p, "identity.type") == "UserAssigned" and "servicePrincipalProfile" not in p,
        ("2.1",),
    ),
    Rule(
        "aks-watched-by-identity",
        _AKS,
        "containers write to Log Analytics with an identity",
        be("addonProfiles.omsagent.config.useAADAuth", "true"),
        ("CKV_AZURE_4",),
    ),
    Rule(
        "aks-secret-rotation",
        _AKS,
        "secrets follow the vault",
        lambda p: (
            at(p, "addonProfiles.azureKeyvaultSecretsProvider.enabled") is True
            and at(p, "addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation") == "true"
        ),
        ("CKV_AZURE_172",),
    ),
    Rule(
        "aks-upgrades",
        _AKS,
        "it upgrades itself",
        lambda p: (
            bool(at(p, "autoUpgradeProfile.upgradeChannel")) and bool(at(p, "autoUpgradeProfile.nodeOSUpgradeChannel"))
        ),
        ("CKV_AZURE_171", "Azure.AKS.AutoUpgrade"),
    ),
    Rule(
        "aks-paid",
        _AKS,
        "the API server has a service level",
        be("sku.tier", "Standard", "Premium"),
        ("CKV_AZURE_170", "Azure.AKS.UptimeSLA"),
        PROD,
    ),
    Rule("aks-free", _AKS, "dev's cluster is free", be("sku.tier", "Free"), ("B2",), DEV),
    Rule(
        "aks-authorized",
        _AKS,
        "the API server answers listed addresses",
        lambda p: (
            bool(at(p, "apiServerAccessProfile.authorizedIPRanges"))
            or at(p, "apiServerAccessProfile.enablePrivateCluster") is True
        ),
        ("AK1",),
    ),
    Rule(
        "aks-no-run-command",
        _AKS,
        "nobody runs commands through the control plane",
        be("apiServerAccessProfile.disableRunCommand", True),
        ("AK1",),
    ),
    Rule(
        "aks-defended",
        _AKS,
        "Defender watches",
        be("securityProfile.defender.securityMonitoring.enabled", True),
        ("AK1",),
        PROD,
    ),
    Rule(
        "aks-workload-identity",
        _AKS,
        "pods log in without secrets",
        lambda p: (
            at(p, "oidcIssuerProfile.enabled") is True and at(p, "securityProfile.workloadIdentity.enabled") is True
        ),
        ("AK1",),
    ),
    Rule(
        "aks-system-apart",
        _AKS,
        "the system pool is tainted",
        lambda p: "CriticalAddonsOnly=true:NoSchedule" in (at(p, "agentPoolProfiles.0.nodeTaints") or []),
        ("CKV_AZURE_232",),
    ),
    Rule(
        "pool-ephemeral-disks",
        _AKS + _POOL,
        "node disks are ephemeral",
        _pools(be("osDiskType", "Ephemeral")),
        ("CKV_AZURE_226",),
        PROD,
    ),
    Rule(
        "pool-encrypted-hosts",
        _AKS + _POOL,
        "hosts are encrypted",
        _pools(be("enableEncryptionAtHost", True)),
        ("CKV_AZURE_227",),
        PROD,
    ),
    Rule(
        "pool-pods",
        _AKS + _POOL,
        "a node takes at least 50 pods",
        _pools(lambda pool: (at(pool, "maxPods") or 0) >= 50),
        ("CKV_AZURE_168",),
    ),
    Rule(
        "pool-no-address",
        _AKS + _POOL,
        "a node has no public address",
        _pools(be("enableNodePublicIP", False, None)),
        ("B2",),
    ),
    Rule(
        "pool-zones",
        _AKS + _POOL,
        "nodes are in three zones",
        _pools(lambda pool: len(at(pool, "availabilityZones") or []) == 3),
        ("AK1",),
        PROD,
    ),
    Rule("endpoint-tls", _EXTENSION, "endpoints answer over TLS", _insecure, ("2.3",), PROD),
    Rule(
        "endpoint-certificate",
        ("SecretProviderClass",),
        "the endpoints' certificate is signed by somebody else",
        lambda p: f"objectName: {SELF_SIGNED}\n" not in str(at(p, "spec.parameters.objects")),
        ("2.3",),
        PROD,
    ),
    Rule(
        "endpoint-internal",
        _EXTENSION,
        "the router is not on the internet",
        be("configurationSettings.internalLoadBalancerProvider", "azure"),
        ("2.3",),
    ),
)
