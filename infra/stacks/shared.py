"""The stack shared: groups, the registry, who deploys, GitHub's side."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_azure_native import authorization

from infra.components.access import Access, AccessConfig
from infra.components.deployer_identities import DeployerIdentities, DeployerIdentitiesConfig
from infra.components.github import Github, GithubConfig
from infra.components.groups import Groups, GroupsConfig
from infra.components.model_registry import ModelRegistry, ModelRegistryConfig
from infra.deployers import PLACES, conditions, deployer_grants, deployers
from infra.names import Names, name_faults, names, suffix
from infra.outputs import VERSION
from infra.place import Place
from infra.profiles import PROFILES, profile_faults
from infra.regions import REGIONS, region_faults
from infra.runner import EVERYBODYS, runner_label
from infra.settings import STACKS, SharedSettings
from infra.state import CONTAINER, state_names

CHECKS = ("tests", "infrastructure", "verify")


def locations(settings: SharedSettings) -> dict[str, str]:
    """The region of each stack; prod's is dev's where none is named."""
    return {"dev": settings.location, "prod": settings.prod_location or settings.location}


def faults(settings: SharedSettings) -> list[str]:
    """What is wrong for dev or prod, told before shared writes anything."""
    found = region_faults("location", settings.location)
    if settings.prod_location:
        found += region_faults("prodLocation", settings.prod_location)
    for stack, location in locations(settings).items():
        zones = REGIONS[location].zones if location in REGIONS else True
        found += [f"{stack} in {location}: {fault}" for fault in profile_faults(PROFILES[stack], zones)]
        found += name_faults(names(settings.prefix, stack, settings.suffix or "a0000"))
    return list(dict.fromkeys(found))


def build(settings: SharedSettings, found: Names) -> dict[str, Any]:
    """Makes every resource of shared and returns its outputs (`infra.outputs.SHARED`)."""
    client = authorization.get_client_config_output()
    place_of = {"shared": settings.location, **locations(settings)}
    groups = Groups(GroupsConfig({s: (f"rg-{settings.prefix}-{s}", at) for s, at in place_of.items()}))
    place = Place("shared", groups.names["shared"], settings.location, found, keeps_data=True)
    registry = ModelRegistry(place, ModelRegistryConfig(list(dict.fromkeys(place_of.values()))))
    made = DeployerIdentities(place, DeployerIdentitiesConfig(settings.repository, settings.repository_ids))
    scopes = {f"group-{stack}": identity for stack, identity in groups.ids.items()}
    scopes |= {"registry": registry.registry_id} | state_ids(settings, client.subscription_id)
    rows = [row for deployer in deployers() for row in deployer_grants(deployer)]
    Access("deployers", place, AccessConfig(rows, made.principals, scopes, client.subscription_id, conditions()))
    if settings.github:
        _github(settings, client, made)
    return {
        "version": VERSION,
        "tenantId": client.tenant_id,
        "subscriptionId": client.subscription_id,
        "repository": settings.repository,
        "registryName": registry.registry_name,
        "registryId": registry.registry_id,
        "groups": groups.names,
        "groupIds": groups.ids,
        "locations": locations(settings),
        "clientIds": made.clients,
        "principalIds": made.principals,
        "runnerLabel": runner_label(settings),
    }


def _github(settings: SharedSettings, client: Any, made: DeployerIdentities) -> None:
    """Ids only: a workflow logs in with its own token, and no secret is stored on GitHub (3.6)."""
    variables: dict[str, pulumi.Input[str]] = {
        "AZURE_TENANT_ID": client.tenant_id,
        "AZURE_SUBSCRIPTION_ID": client.subscription_id,
        "PROD_RUNNER": runner_label(settings),
    }
    for stack in STACKS:
        for purpose in ("preview", "watch"):
            variables[f"AZURE_CLIENT_ID_{purpose}_{stack}".upper()] = made.clients[f"{purpose}-{stack}"]
    label = runner_label(settings)
    if (
        label != EVERYBODYS and settings.runners == "self-hosted"
    ):  # what a workflow starts before its job asks for a runner
        prod = names(settings.prefix, "prod", settings.suffix or suffix(settings.repository))
        variables |= {"PROD_RUNNER_JOB": prod.runners, "PROD_GROUP": prod.group}
    by_environment: dict[str, dict[str, pulumi.Input[str]]] = {
        "rollback": {"AZURE_CLIENT_ID_ML": made.clients["ml-prod"]},
    }
    if settings.client_id:
        by_environment["shared"] = {"AZURE_CLIENT_ID_INFRASTRUCTURE": settings.client_id}
    for stack in PLACES:
        by_environment[stack] = {
            "AZURE_CLIENT_ID_INFRASTRUCTURE": made.clients[f"infrastructure-{stack}"],
            "AZURE_CLIENT_ID_ML": made.clients[f"ml-{stack}"],
        }
    Github(
        GithubConfig(
            settings.repository,
            settings.reviewers,
            variables,
            by_environment,
            settings.required_checks or CHECKS,
        )
    )


def state_ids(settings: SharedSettings, subscription: pulumi.Input[str]) -> dict[str, pulumi.Output[str]]:
    """The resource ids of the state's container and of each stack's key, by the words of the role matrix."""
    made = state_names(settings.prefix, settings.suffix or suffix(settings.repository))
    group = pulumi.Output.concat("/subscriptions/", subscription, f"/resourceGroups/{made.group}/providers/")
    account = f"Microsoft.Storage/storageAccounts/{made.account}/blobServices/default/containers/{CONTAINER}"
    keys = f"Microsoft.KeyVault/vaults/{made.vault}/keys/"
    return {"state": pulumi.Output.concat(group, account)} | {
        f"state-key-{stack}": pulumi.Output.concat(group, keys, stack) for stack in STACKS
    }
