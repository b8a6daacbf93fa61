"""Rules of what works: the workspace, its computes, AKS, the extension."""

from __future__ import annotations

import re

from infra.policy.rule import Check, Props, Rule, at, be

PROD, DEV = ("prod",), ("dev",)
_WORKSPACE, _COMPUTE, _AKS = (
    ("machinelearningservices:Workspace",),
    ("machinelearningservices:Compute",),
    ("containerservice:ManagedCluster",),
)
_POOL, _EXTENSION = ("containerservice:AgentPool",), ("kubernetesconfiguration:Extension",)
_INNER = "properties.properties."


def _of(kind: str, path: str, *allowed: object) -> Check:
    """The rule for one kind of compute: others keep it by being others."""
    return lambda props: at(props, "properties.computeType") != kind or at(props, path) in allowed


def _cluster_at_most(count: int) -> Check:
    path = _INNER + "scaleSettings.maxNodeCount"
    return lambda props: at(props, "properties.computeType") != "AmlCompute" or at(props, path) <= count


def minutes(duration: object) -> float:
    """An ISO 8601 duration in minutes; infinite where it is none."""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?", str(duration))
    if not found or not any(found.groups()):
        return float("inf")
    days, hours, least = (int(part or 0) for part in found.groups())
    return (days * 24 + hours) * 60 + least


def _idle(props: Props) -> bool:
    """The instance stops between a quarter of an hour and three days idle, and by a schedule."""
    if at(props, "properties.computeType") != "ComputeInstance":
        return True
    stops = at(props, _INNER + "schedules.computeStartStop") or []
    stopped = any(stop.get("action") == "Stop" and stop.get("status") == "Enabled" for stop in stops)
    return 15 <= minutes(at(props, _INNER + "idleTimeBeforeShutdown")) <= 3 * 24 * 60 and stopped


def _approved(props: Props) -> bool:
    """Only listed hosts, each a name: a bare star would be the internet."""
    rules = at(props, "managedNetwork.outboundRules") or {}
    hosts = [rule.get("destination") for rule in rules.values() if rule.get("type") == "FQDN"]
    return at(props, "managedNetwork.isolationMode") == "AllowOnlyApprovedOutbound" and "*" not in hosts


WORKSPACE = (
    Rule(
        "workspace-private",
        _WORKSPACE,
        "the workspace is reached by private endpoint",
        be("publicNetworkAccess", "Disabled"),
        ("AZR-000406", "Azure.ML.PublicAccess", "CKV_AZURE_144", "CKV_AZURE_243", "CKV2_AZURE_49"),
    ),
    Rule(
        "workspace-no-detour",
        _WORKSPACE,
        "no public access behind the network",
        be("allowPublicAccessWhenBehindVnet", False, None),
        ("CKV2_AZURE_50", "W1"),
    ),
    Rule(
        "workspace-approved-hosts",
        _WORKSPACE,
        "jobs reach approved hosts only",
        _approved,
        ("CKV2_AZURE_50", "W2"),
        PROD,
    ),
    Rule(
        "workspace-no-firewall",
        _WORKSPACE,
        "no FQDN rule in dev: each brings a billed firewall",
        lambda p: not [r for r in (at(p, "managedNetwork.outboundRules") or {}).values() if r.get("type") == "FQDN"],
        ("W3", "B2"),
        DEV,
    ),
    Rule(
        "workspace-isolated",
        _WORKSPACE,
        "the managed network is on",
        be("managedNetwork.isolationMode", "AllowOnlyApprovedOutbound", "AllowInternetOutbound"),
        ("W2",),
    ),
    Rule(
        "workspace-identity",
        _WORKSPACE,
        "the workspace works as an identity of its own",
        lambda p: "UserAssigned" in str(at(p, "identity.type")) and bool(at(p, "primaryUserAssignedIdentity")),
        ("AZR-000407", "W7"),
    ),
    Rule(
        "workspace-datastores",
        _WORKSPACE,
        "datastores are opened by identity",
        be("systemDatastoresAuthMode", "Identity"),
        ("W6",),
    ),
    Rule("workspace-not-legacy", _WORKSPACE, "no legacy mode", be("v1LegacyMode", False), ("W9",)),
    Rule(
        "workspace-own-registry",
        _WORKSPACE,
        "the registry is given: one made by the service has an admin user",
        lambda p: "containerRegistry" in p,
        ("W9",),
    ),
    Rule(
        "datastore-no-secret",
        ("machinelearningservices:Datastore",),
        "a datastore stores no credential",
        be("properties.credentials.credentialsType", "None"),
        ("W6",),
    ),
)
COMPUTE = (
    Rule(
        "cluster-no-local-login",
        _COMPUTE,
        "no local login",
        _of("AmlCompute", "properties.disableLocalAuth", True),
        ("AZR-000404", "CKV_AZURE_142"),
    ),
    Rule(
        "instance-no-local-login",
        _COMPUTE,
        "no local login",
        _of("ComputeInstance", "properties.disableLocalAuth", True),
        ("AZR-000404", "CKV_AZURE_142"),
    ),
    Rule(
        "cluster-to-zero",
        _COMPUTE,
        "a cluster scales to zero",
        _of("AmlCompute", _INNER + "scaleSettings.minNodeCount", 0),
        ("CKV_AZURE_150", "B2"),
    ),
    Rule(
        "cluster-no-ssh",
        _COMPUTE,
        "nobody logs in from the internet",
        _of("AmlCompute", _INNER + "remoteLoginPortPublicAccess", "Disabled"),
        ("C2",),
    ),
    Rule(
        "cluster-no-address",
        _COMPUTE,
        "a node has no public address",
        _of("AmlCompute", _INNER + "enableNodePublicIp", False),
        ("C2", "B2"),
    ),
    Rule(
        "instance-no-address",
        _COMPUTE,
        "an instance has no public address",
        _of("ComputeInstance", _INNER + "enableNodePublicIp", False),
        ("C2", "B2"),
    ),
    Rule(
        "instance-personal",
        _COMPUTE,
        "an instance is one person's",
        _of("ComputeInstance", _INNER + "applicationSharingPolicy", "Personal"),
        ("C5",),
    ),
    Rule(
        "instance-no-ssh",
        _COMPUTE,
        "an instance has no SSH from outside",
        _of("ComputeInstance", _INNER + "sshSettings.sshPublicAccess", "Disabled"),
        ("C5",),
    ),
    Rule(
        "instance-idle",
        _COMPUTE,
        "an instance stops by itself",
        _idle,
        ("AZR-000403", "Azure.ML.ComputeIdleShutdown", "B2"),
    ),
    Rule(
        "compute-identity",
        _COMPUTE,
        "a cluster works as an identity of its own",
        lambda p: (
            at(p, "properties.computeType") == "ComputeInstance"
            or at(p, "identity.type") in ("UserAssigned", "SystemAssigned")
        ),
        ("C8",),
    ),
    Rule(
        "no-instance-in-prod",
        _COMPUTE,
        "prod has no compute instance",
        lambda p: at(p, "properties.computeType") != "ComputeInstance",
        ("C5",),
        PROD,
    ),
    Rule("cluster-small", _COMPUTE, "dev trains on at most two nodes", _cluster_at_most(2), ("B2",), DEV),
    Rule(
        "cluster-in-network",
        _COMPUTE,
        "a cluster is in a subnet",
        lambda p: (
            at(p, "properties.computeType") not in ("AmlCompute", "ComputeInstance")
            or bool(at(p, _INNER + "subnet.id"))
        ),
        ("AZR-000405", "Azure.ML.ComputeVnet"),
    ),
)
