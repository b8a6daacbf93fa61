"""What leaves the program: keys as Azure reads them, options that take effect, edges that Azure needs."""

from __future__ import annotations

import json
import re

import pytest
from capture import capture
from stand_in import SECRETS, guid

STACKS = ("shared", "dev", "prod")
# Maps whose keys are a person's or another system's own words.
FREE = {
    "tags",
    "configurationSettings",
    "config",
    "outboundRules",
    "notifications",
    "labels",
    "matchLabels",
    "data",
}


def snake_keys(value, path=""):
    if isinstance(value, list):
        return [found for item in value for found in snake_keys(item, path)]
    if not isinstance(value, dict):
        return []
    own = [f"{path}.{key}" for key in value if "_" in key]
    return own + [
        found for key, item in value.items() if key not in FREE for found in snake_keys(item, f"{path}.{key}")
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_no_key_is_sent_in_snake_case_where_azure_would_lose_it(stacks, stack):
    """S1."""
    for resource in stacks[stack].resources:
        assert not snake_keys(resource.inputs, resource.name)


@pytest.mark.parametrize("stack", STACKS)
def test_ignored_paths_are_in_camel_case_as_nested_ones_are_sent_verbatim(stacks, stack):
    """S2."""
    for resource in stacks[stack].resources:
        assert not [path for path in resource.ignored if "_" in path]


def test_what_azure_changes_by_itself_is_ignored(prod, dev):
    """P11, AK4, B1, C5."""
    assert "agentPoolProfiles[0].count" in prod.one("aks").ignored
    assert "count" in prod.one("pool-models").ignored
    assert "timePeriod" in prod.one("budget").ignored
    assert "customDnsConfigs" in prod.one("endpoint-blob").ignored
    assert "subnets" in prod.one("network").ignored
    (instance,) = [r for r in dev.of("Compute") if r.name.startswith("instance-")]
    assert "properties.properties.idleTimeBeforeShutdown" in instance.ignored


@pytest.mark.parametrize("stack", STACKS)
def test_every_taggable_resource_says_whose_it_is(stacks, stack):
    """P12."""
    tagged = [r for r in stacks[stack].resources if "tags" in r.inputs]
    assert tagged
    for resource in tagged:
        assert resource.inputs["tags"]["env"] == stack
        assert {"owner", "cost_center", "repo", "managed_by", "data_class"} <= set(resource.inputs["tags"])


def after(captured, later, earlier):
    """Whether one resource waits for another, directly or through others."""
    by_urn = {r.urn: r for r in captured.resources}
    seen, front = set(), list(captured.one(later).depends_on)
    while front:
        urn = front.pop()
        if urn in seen or urn not in by_urn:
            continue
        seen.add(urn)
        front += [*by_urn[urn].depends_on]
    return captured.one(earlier).urn in seen


EDGES = [
    ("aks-extension", "aks"),
    ("aks-extension", "pool-models"),
    ("aks-compute", "aks-extension"),
    ("aks-compute", "namespace-models"),
    ("aks-compute", "trust"),
    ("aks-compute", "instance-type-small"),
    ("instance-type-small", "aks-extension"),
    ("aks-compute", "workspace-azure-kubernetes-service-contributor-role-aks"),
    ("workspace", "workspace-contributor-storage"),
    ("workspace", "workspace-storage-blob-data-contributor-storage"),
    ("workspace", "workspace-key-vault-administrator-vault"),
    ("workspace", "workspace-contributor-images"),
    ("cluster-cpu", "cluster-azureml-data-scientist-workspace"),
    ("aks", "aks-managed-identity-operator-identity-kubelet"),
    ("aks", "kubelet-acrpull-images"),
]
PROD_EDGES = [
    ("workspace", "zones-blob"),
    ("workspace", "zones-vault"),
    ("cluster-cpu", "zones-amlworkspace"),
    ("aks", "aks-network-contributor-subnet-aks"),
    ("aks-extension", "certificate-keeper"),
    ("certificate-keeper", "certificate"),
    ("subnet-runners", "subnet-endpoints"),
    ("subnet-aks", "subnet-runners"),
]


@pytest.mark.parametrize(("later", "earlier"), EDGES)
def test_an_edge_that_azure_needs_is_there_in_both_stacks(dev, prod, later, earlier):
    assert after(dev, later, earlier)
    assert after(prod, later, earlier)


@pytest.mark.parametrize(("later", "earlier"), PROD_EDGES)
def test_an_edge_of_the_private_network_is_there(prod, later, earlier):
    assert after(prod, later, earlier)


def test_credentials_under_one_identity_are_written_one_after_another(shared):
    """3.6: Azure refuses two at once."""
    assert after(shared, "ml-prod-github-1", "ml-prod-github-0")


@pytest.mark.parametrize("stack", STACKS)
def test_no_output_holds_a_key_a_token_or_a_connection_string(stacks, stack):
    text = json.dumps(stacks[stack].outputs)
    assert not [secret for secret in SECRETS if secret in text]
    assert not re.search(r"AccountKey|SharedAccess|InstrumentationKey|BEGIN [A-Z ]*PRIVATE", text)


def test_the_clusters_own_credential_goes_nowhere(dev):
    """The kubeconfig keeps the address and takes az's login in the place of the token."""
    provider = next(r for r in dev.resources if r.type == "pulumi:providers:kubernetes")
    sent = json.dumps(provider.inputs)
    assert "kubelogin" in sent
    assert not [secret for secret in SECRETS if secret in sent]


def test_a_stack_writes_nothing_at_subscription_scope(dev, prod):
    for captured in (dev, prod):
        for resource in captured.resources:
            scope = resource.inputs.get("scope")
            assert not isinstance(scope, str) or "/resourceGroups/" in scope, resource.name


def test_every_setting_that_the_cli_would_inject_into_the_extension_is_sent_as_text(dev):
    """2.2: a bare extension does not work."""
    sent = dev.one("aks-extension").inputs["configurationSettings"]
    wanted = {
        "enableTraining", "enableInference", "clusterId", "cluster_name", "cluster_name_friendly", "location",
        "jobSchedulerLocation", "domain", "prometheus.prometheusSpec.externalLabels.cluster_name",
        "servicebus.enabled", "relayserver.enabled", "nginxIngress.enabled", "clusterPurpose",
        "inferenceRouterServiceType", "internalLoadBalancerProvider", "inferenceRouterHA",
        "allowInsecureConnections", "installPromOp", "installVolcano", "installNvidiaDevicePlugin",
        "installDcgmExporter",
    }  # fmt: skip
    assert wanted <= set(sent)
    assert all(isinstance(value, str) for value in sent.values())


GUARDED = {"shared": True, "dev": False, "watch": False, "prod": True, "rollback": True}


def test_github_has_every_environment_with_its_reviewers_and_only_main_enters(shared):
    made = {r.inputs["environment"]: r.inputs for r in shared.of("repositoryEnvironment:RepositoryEnvironment")}
    assert {name: bool(sent.get("reviewers")) for name, sent in made.items()} == GUARDED
    assert {name for name, sent in made.items() if sent["preventSelfReview"]} == {"shared", "prod"}
    branches = {r.inputs["environment"]: r.inputs["branchPattern"] for r in shared.of("DeploymentPolicy")}
    assert branches == dict.fromkeys(GUARDED, "main")


def test_workflows_are_told_ids_and_where_prods_jobs_run(shared):
    told = {r.inputs["variableName"]: r.inputs["value"] for r in shared.of("actionsVariable:ActionsVariable")}
    by_stack = {f"AZURE_CLIENT_ID_{p}_{s}" for p in ("PREVIEW", "WATCH") for s in ("SHARED", "DEV", "PROD")}
    others = {"AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID", "PROD_RUNNER", "PROD_RUNNER_JOB", "PROD_GROUP"}
    assert set(told) == by_stack | others
    assert told["PROD_RUNNER"] == shared.outputs["runnerLabel"] == "mlops-prod"
    inside = {}
    for resource in shared.of("ActionsEnvironmentVariable"):
        inside.setdefault(resource.inputs["environment"], set()).add(resource.inputs["variableName"])
    both = {"AZURE_CLIENT_ID_INFRASTRUCTURE", "AZURE_CLIENT_ID_ML"}
    assert inside == {
        "shared": {"AZURE_CLIENT_ID_INFRASTRUCTURE"},
        "dev": both,
        "prod": both,
        "rollback": {"AZURE_CLIENT_ID_ML"},
    }
    assert not [r for r in shared.resources if "Secret" in r.type]


def test_the_runner_that_workflows_start_is_the_one_that_prod_makes(shared, prod):
    told = {r.inputs["variableName"]: r.inputs["value"] for r in shared.of("actionsVariable:ActionsVariable")}
    assert told["PROD_RUNNER_JOB"] == prod.one("runners").inputs["jobName"] == prod.outputs["runnerJob"]
    assert told["PROD_GROUP"] == prod.outputs["resourceGroup"]
    public = capture("shared", network="public")
    names = {r.inputs["variableName"]: r.inputs["value"] for r in public.of("actionsVariable:ActionsVariable")}
    assert names["PROD_RUNNER"] == "ubuntu-latest"
    assert "PROD_RUNNER_JOB" not in names


def test_the_certificate_is_read_with_the_identity_that_may_read_the_vault(prod):
    """A node has several identities: the driver is told which, and that one has the role."""
    secrets = "aks-mlops-prod-vymvg"
    parameters = prod.one("certificate").inputs["spec"]["parameters"]
    assert parameters["userAssignedIdentityID"] == guid(f"{secrets}csi client")
    reader = prod.one("secrets-key-vault-secrets-user-vault").inputs
    assert reader["principalId"] == guid(f"{secrets}csi")
    assert parameters["keyvaultName"] == prod.one("vault").inputs["vaultName"]
