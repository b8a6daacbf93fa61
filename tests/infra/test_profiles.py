"""Every row of the EnvProfile matrix, on what is really sent."""

from __future__ import annotations

import pytest

# (row, resource, path of the property on the wire, dev, prod)
ROWS = [
    ("W1 public access", "workspace", "publicNetworkAccess", "Enabled", "Disabled"),
    ("W1 behind the network", "workspace", "allowPublicAccessWhenBehindVnet", False, False),
    (
        "W2 isolation",
        "workspace",
        "managedNetwork.isolationMode",
        "AllowInternetOutbound",
        "AllowOnlyApprovedOutbound",
    ),
    ("W3 firewall", "workspace", "managedNetwork.firewallSku", None, "Standard"),
    ("W4 network first", "workspace", "provisionNetworkNow", False, True),
    ("W5 image builds", "workspace", "imageBuildCompute", None, "cpu-prod-vymvg"),
    ("W6 datastores", "workspace", "systemDatastoresAuthMode", "Identity", "Identity"),
    ("W7 identity", "workspace", "identity.type", "UserAssigned", "UserAssigned"),
    ("W9 legacy", "workspace", "v1LegacyMode", False, False),
    ("ST2 shared keys", "storage", "allowSharedKeyAccess", False, False),
    ("ST5 SKU", "storage", "sku.name", "Standard_LRS", "Standard_ZRS"),
    ("ST4 default", "storage", "networkRuleSet.defaultAction", "Allow", "Deny"),
    ("ST4 public", "storage", "publicNetworkAccess", "Enabled", "Disabled"),
    ("ST3 soft delete", "blobs", "deleteRetentionPolicy.days", 7, 30),
    ("ST3 containers", "blobs", "containerDeleteRetentionPolicy.days", 7, 30),
    ("K1 retention", "vault", "properties.softDeleteRetentionInDays", 7, 90),
    ("K1 purge protection", "vault", "properties.enablePurgeProtection", None, True),
    ("K2 public", "vault", "properties.publicNetworkAccess", "Enabled", "Disabled"),
    ("A1 SKU", "images", "sku.name", "Standard", "Premium"),
    ("A1 public", "images", "publicNetworkAccess", "Enabled", "Disabled"),
    ("A3 zones", "images", "zoneRedundancy", None, "Enabled"),
    ("A3 policies", "images", "policies.retentionPolicy.days", None, 30),
    ("AK1 tier", "aks", "sku.tier", "Free", "Standard"),
    ("AK1 zones", "aks", "agentPoolProfiles.0.availabilityZones", None, ["1", "2", "3"]),
    ("AK1 system nodes", "aks", "agentPoolProfiles.0.minCount", 1, 3),
    ("AK1 API", "aks", "apiServerAccessProfile.authorizedIPRanges", None, ["198.51.100.7/32"]),
    ("AK1 user nodes", "pool-models", "minCount", 0, 3),
    ("AK1 most user nodes", "pool-models", "maxCount", 2, 6),
    ("2.3 purpose", "aks-extension", "configurationSettings.clusterPurpose", "DevTest", "FastProd"),
    ("2.3 router", "aks-extension", "configurationSettings.inferenceRouterHA", "False", "True"),
    ("2.3 HTTP", "aks-extension", "configurationSettings.allowInsecureConnections", "True", "False"),
    ("2.3 TLS", "aks-extension", "configurationSettings.sslSecret", None, "endpoint-certificate"),
    ("2.3 internal", "aks-extension", "configurationSettings.internalLoadBalancerProvider", "azure", "azure"),
    ("C2 least", "cluster-cpu", "properties.properties.scaleSettings.minNodeCount", 0, 0),
    ("C2 most", "cluster-cpu", "properties.properties.scaleSettings.maxNodeCount", 2, 4),
    ("C2 priority", "cluster-cpu", "properties.properties.vmPriority", "LowPriority", "Dedicated"),
    (
        "C2 idle",
        "cluster-cpu",
        "properties.properties.scaleSettings.nodeIdleTimeBeforeScaleDown",
        "PT2M",
        "PT15M",
    ),
    ("C1 local login", "cluster-cpu", "properties.disableLocalAuth", True, True),
    ("M1 retention", "logs", "retentionInDays", 30, 90),
    ("M1 cap", "logs", "workspaceCapping.dailyQuotaGb", 1, None),
    ("B1 budget", "budget", "amount", 300, 1500),
]


def at(inputs, path):
    value = inputs
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else (value or {}).get(part)
    return value


@pytest.mark.parametrize(("row", "name", "path", "in_dev", "in_prod"), ROWS, ids=[row[0] for row in ROWS])
def test_a_row_of_the_matrix_is_what_both_stacks_send(dev, prod, row, name, path, in_dev, in_prod):
    assert at(dev.one(name).inputs, path) == in_dev
    assert at(prod.one(name).inputs, path) == in_prod


def test_dev_has_one_instance_for_a_named_user_that_stops_by_itself(dev, prod):
    (instance,) = [r for r in dev.of("machinelearningservices:Compute") if r.name.startswith("instance-")]
    sent = instance.inputs["properties"]["properties"]
    assert sent["applicationSharingPolicy"] == "Personal"
    assert sent["idleTimeBeforeShutdown"] == "PT30M"
    assert sent["sshSettings"] == {"sshPublicAccess": "Disabled"}
    assert sent["schedules"]["computeStartStop"][0]["action"] == "Stop"
    assert not [r for r in prod.of("machinelearningservices:Compute") if r.name.startswith("instance-")]


def test_people_write_in_dev_and_read_in_prod(dev, prod):
    def team(captured):
        return sorted(r.name for r in captured.of("RoleAssignment") if r.name.startswith("team-"))

    assert team(prod) == ["team-reader-workspace", "team-storage-blob-data-reader-storage"]
    assert "team-azureml-compute-operator-workspace" in team(dev)
    assert "team-storage-file-data-privileged-contributor-storage" in team(dev)


def test_prod_has_a_private_endpoint_for_every_service_and_its_zones(dev, prod):
    kinds = {r.inputs["privateLinkServiceConnections"][0]["groupIds"][0] for r in prod.of("network:PrivateEndpoint")}
    assert kinds == {"amlworkspace", "blob", "file", "queue", "table", "vault", "registry"}
    zones = {r.inputs["privateZoneName"] for r in prod.of("privatedns:PrivateZone")}
    assert {"privatelink.api.azureml.ms", "privatelink.notebooks.azure.net"} < zones
    assert not [r for r in dev.resources if "privatedns" in r.type]


def test_prod_may_reach_the_listed_package_hosts_and_no_others(prod, dev):
    rules = prod.one("workspace").inputs["managedNetwork"]["outboundRules"]
    assert {rule["destination"] for rule in rules.values()} == {
        "pypi.org", "files.pythonhosted.org", "mcr.microsoft.com", "*.data.mcr.microsoft.com",
    }  # fmt: skip
    assert "outboundRules" not in dev.one("workspace").inputs["managedNetwork"]


def test_a_budget_warns_at_half_at_four_fifths_at_all_and_by_forecast(dev, prod):
    for captured in (dev, prod):
        warnings = captured.one("budget").inputs["notifications"].values()
        assert sorted((w["thresholdType"], w["threshold"]) for w in warnings) == [
            ("Actual", 50), ("Actual", 80), ("Actual", 100), ("Forecasted", 100),
        ]  # fmt: skip
        for warning in captured.one("budget").inputs["notifications"].values():
            assert warning["contactEmails"] == ["models@example.com"]
            assert warning["contactGroups"][0].endswith("/ag-mlops-" + captured.outputs["stack"])
        assert captured.one("budget").inputs["scope"].endswith("/resourceGroups/rg-mlops-" + captured.outputs["stack"])
        assert captured.one("budget").inputs["timePeriod"] == {"startDate": "2026-11-01T00:00:00Z"}


def test_prod_alerts_on_latency_and_on_failing_answers(prod):
    asked = {r.name for r in prod.of("ScheduledQueryRule")}
    assert {
        "endpoint-latency",
        "endpoint-5xx",
        "aks-endpoint-latency",
        "aks-endpoint-5xx",
        "failed-runs",
    } <= asked


def test_what_holds_data_is_protected_and_kept_in_prod_and_disposable_in_dev(dev, prod, shared):
    held = ("workspace", "storage", "vault", "images", "logs", "raw")
    for name in held:
        assert (prod.one(name).protect, prod.one(name).retain) == (True, True), name
        assert (dev.one(name).protect, dev.one(name).retain) == (False, False), name
    for name in ("registry", "group-dev", "group-prod", "group-shared"):
        assert shared.one(name).protect, name


def test_no_group_is_locked_as_a_lock_would_stop_compute_from_scaling(stacks):
    for captured in stacks.values():
        assert not [r for r in captured.resources if "ManagementLock" in r.type]


@pytest.mark.parametrize("stack", ["shared", "prod"])
def test_what_a_destroy_meets_first_is_protected_and_depends_on_everything(stacks, stack):
    (latch,) = [r for r in stacks[stack].resources if r.type == "mlops:infra:Latch"]
    assert latch.protect
    others = {r.urn for r in stacks[stack].resources if r.custom}  # components go after what is in them
    assert others <= set(latch.depends_on)


def test_dev_has_no_latch_as_it_is_disposable(dev):
    assert not [r for r in dev.resources if r.type == "mlops:infra:Latch"]
