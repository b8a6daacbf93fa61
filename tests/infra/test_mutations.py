"""Flips every security-relevant property of what is sent: a rule or a row of the matrix must notice each."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from test_profiles import ROWS, at

from infra.policy.all_rules import RULES
from infra.policy.rule import judge
from infra.policy.waivers import load, standing

TODAY = dt.datetime.now(dt.UTC).date()
# The kinds of the checkov and PSRule rows, with what gives access.
KINDS = (
    "storage:StorageAccount", "storage:BlobServiceProperties", "storage:BlobContainer", "keyvault:Vault",
    "containerregistry:Registry", "machinelearningservices:Workspace", "machinelearningservices:Compute",
    "machinelearningservices:Datastore", "containerservice:ManagedCluster", "containerservice:AgentPool",
    "kubernetesconfiguration:Extension", "managedidentity:FederatedIdentityCredential", "monitor:MetricAlert",
    "applicationinsights:Component", "authorization:RoleAssignment", "app:Job", "repositoryEnvironment:RepositoryEnvironment",
    "workflowRepositoryPermissions:WorkflowRepositoryPermissions", "branchProtection:BranchProtection",
)  # fmt: skip
# A word of security, and what somebody careless would write in its place.
FLIPS: dict[Any, Any] = {
    "Enabled": "Disabled", "Disabled": "Enabled", "enabled": "disabled", "disabled": "enabled", "Deny": "Allow",
    "None": "AccountKey", "AzureServices": "None", "TLS1_2": "TLS1_0", "Identity": "AccessKey", "Personal": "Shared",
    "AllowOnlyApprovedOutbound": "AllowInternetOutbound", "AllowInternetOutbound": "Disabled", "UserAssigned": "None",
    "ServicePrincipal": "User", "Group": "User", "azure": "none", "Ephemeral": "Managed", "True": "False", "False": "True",
    "Premium": "Basic", "Standard_ZRS": "Standard_LRS", "true": "false",
}  # fmt: skip
# Flipped without harm to security, by the last word of the path: what it is, and why nothing has to notice.
HARMLESS = {
    "hbiWorkspace": "fewer diagnostics go to Microsoft; decided at creation",
    "provisionNetworkNow": "only when the managed network is made",
    "skipValidation": "whether the service tries the datastore at once",
    "skipMetricValidation": "whether the service looks for the metric first",
    "enableAutoScaling": "size, not access",
    "autoUpgradeMinorVersion": "the channel Stable upgrades either way",
    "enableNetworkMonitor": "more is watched",
    "enableSSO": "a comfort of the instance's owner",
    "enablePrivateCluster": "tightens",
    "disableLocalAccounts": "tightens, at Azure ML's cost (AK2)",
    "publicNetworkAccessForQuery": "tightens",
    "publicNetworkAccessForIngestion": "tightens",
    "enableTraining": "what the extension installs",
    "enableInference": "what the extension installs; without it nothing answers",
    "installPromOp": "what the extension installs",
    "installVolcano": "what the extension installs",
    "installNvidiaDevicePlugin": "what the extension installs",
    "installDcgmExporter": "what the extension installs",
    "nginxIngress.enabled": "what the extension installs",
    "servicebus.enabled": "what the extension installs",
    "relayserver.enabled": "what the extension installs",
}
TIGHTENS_IN_DEV = {"enableEncryptionAtHost"}
# Flipped to this value they tighten; the other way they are noticed.
TIGHTENS = {("preventSelfReview", True), ("canApprovePullRequestReviews", False)}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar with its dotted path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{number}")
    else:
        yield path, value


def mutants(captured) -> Iterator[tuple[Any, str, Any]]:
    """Each resource with one property flipped."""
    for resource in captured.resources:
        if not resource.type.endswith(KINDS):
            continue
        for path, value in leaves(resource.inputs):
            free = path.startswith(("tags", "resourceGroupName")) or (
                "." in path and path.split(".")[0] == "addonProfiles" and path.endswith("ID")
            )
            flipped = (not value) if isinstance(value, bool) else FLIPS.get(value)
            tightens = (path.rsplit(".", 1)[-1], flipped) in TIGHTENS
            if not free and not tightens and flipped is not None:
                yield resource, path, flipped


def put(props, path, value):
    changed = copy.deepcopy(props)
    *way, last = path.split(".")
    inner = changed
    keys = iter(way)
    for part in keys:
        inner = inner[int(part)] if isinstance(inner, list) else inner[part]
    inner[int(last) if isinstance(inner, list) else last] = value
    return changed


def noticed(stack, resource, props) -> bool:
    """Whether a rule that is not waived, or a row of the matrix, tells the difference."""
    broken = standing(judge(RULES, resource.type, props, stack), load(), stack, "private", TODAY)
    side = 3 if stack == "dev" else 4
    rows = [row for row in ROWS if row[1] == resource.name]
    return bool(broken) or any(at(props, row[2]) != row[side] for row in rows)


def harmless(stack, path) -> bool:
    """Whether the list above excuses the path."""
    excused = {*HARMLESS, *(TIGHTENS_IN_DEV if stack == "dev" else ())}
    return any(path == word or path.endswith("." + word) for word in excused)


@pytest.mark.parametrize("stack", ["shared", "dev", "prod"])
def test_every_flipped_property_is_noticed_by_more_than_a_snapshot(stacks, stack, record_property, capsys):
    total, missed = 0, []
    for resource, path, flipped in mutants(stacks[stack]):
        if harmless(stack, path):
            continue
        total += 1
        if not noticed(stack, resource, put(resource.inputs, path, flipped)):
            missed.append(f"{resource.name}: {path} = {flipped!r}")
    with capsys.disabled():
        print(f"\nmutations of {stack}: {total - len(missed)} of {total} noticed", *missed, sep="\n  ")
    assert "\n".join(missed) == ""
    assert total > (60 if stack != "shared" else 30)
