"""What a stack needs of a subscription, for whoever checks before anything is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from infra.deployers import APPROVED, ENVIRONMENTS, Deployer, deployers, subjects
from infra.grants import grants
from infra.names import names, suffix
from infra.profiles import GPU_POOL, MEMORY_POOL, PROFILES, NodePool
from infra.roles import ROLES
from infra.runner import runner_label
from infra.settings import SharedSettings, StackSettings
from infra.state import CONTAINER, state_names

# Registered once for a subscription; Azure refuses the first resource of a kind otherwise (2.5).
PROVIDERS = (
    "Microsoft.App", "Microsoft.Authorization", "Microsoft.Consumption", "Microsoft.ContainerRegistry",
    "Microsoft.ContainerService", "Microsoft.Insights", "Microsoft.KeyVault", "Microsoft.KubernetesConfiguration",
    "Microsoft.MachineLearningServices", "Microsoft.ManagedIdentity", "Microsoft.Network",
    "Microsoft.OperationalInsights", "Microsoft.Storage",
)  # fmt: skip
# Resource types that not every region has; the stacks cannot be made without them.
SERVICES = ("Microsoft.MachineLearningServices/workspaces", "Microsoft.ContainerRegistry/registries")
WITH_AKS = ("Microsoft.ContainerService/managedClusters", "Microsoft.KubernetesConfiguration/extensions")
WITH_NETWORK = ("Microsoft.App/jobs",)
# (size: quota family as `az vm list-usage` names it, cores of one machine)
FAMILIES: dict[str, tuple[str, int]] = {
    "Standard_D4s_v5": ("standardDSv5Family", 4),
    "Standard_D4ds_v5": ("standardDDSv5Family", 4),
    "Standard_DS3_v2": ("standardDSv2Family", 4),
    "Standard_E16ds_v5": ("standardEDSv5Family", 16),
    "Standard_NC4as_T4_v3": ("Standard NCASv3_T4 Family", 4),
}
TOOLS = {"az": "2.60", "pulumi": "3.200", "git": "2.30", "gh": "2.40", "kubelogin": "0.1"}


def quotas(pools: list[NodePool]) -> dict[str, int]:
    """The cores that a stack may use at most, by quota family."""
    needed: dict[str, int] = {}
    for pool in pools:
        family, cores = FAMILIES[pool.size]
        needed[family] = needed.get(family, 0) + cores * pool.most
    return needed


def services(aks: bool, private: bool) -> list[str]:
    """The resource types that a stack's region must have."""
    return [*SERVICES, *(WITH_AKS if aks else ()), *(WITH_NETWORK if private else ())]


def facts(stack: str, settings: StackSettings, shared: SharedSettings) -> dict[str, Any]:
    """The facts of dev or prod, as JSON; their schema is docs/infrastructure-facts.schema.json."""
    profile, tail = PROFILES[stack], settings.suffix or suffix(settings.repository)
    made, state = names(settings.prefix, stack, tail), state_names(settings.prefix, tail)
    pools = [profile.cluster]
    if settings.aks:
        pools += [profile.system_pool, profile.user_pool]
    pools += [GPU_POOL] if "gpu" in settings.clusters else []
    pools += [MEMORY_POOL] if "memory" in settings.clusters else []
    if profile.instances and settings.users:
        pools.append(NodePool(profile.instance_size, 0, len(settings.users)))
    private = profile.private and settings.network == "private"
    roles = {grant.role for grant in grants(profile, settings)}
    location = (shared.prod_location if stack == "prod" else "") or shared.location
    return {
        "version": 1,
        "stack": stack,
        "location": location,
        "repository": settings.repository,
        "names": asdict(made),
        "globalNames": {"storage": made.storage, "vault": made.vault, "images": made.images},
        "state": {**asdict(state), "container": CONTAINER},
        "sizes": sorted({pool.size for pool in pools}),
        "quotas": quotas(pools),
        "providers": list(PROVIDERS),
        "roles": {role: ROLES[role] for role in sorted(roles | set(_deployer_roles(stack)))},
        "tools": TOOLS,
        "environments": list(ENVIRONMENTS),
        "approved": list(APPROVED),
        "runner": {
            "label": runner_label(shared),
            "hosted": bool(settings.runner_network),
            "job": made.runners,
            "app": settings.runner_app,
        },
        "subjects": _subjects(stack, settings.repository, shared.repository_ids),
        "aks": settings.aks,
        "services": services(settings.aks, private),
        "network": "private" if private else "public",
        "budgetStart": settings.budget_start.isoformat(),
        "userPools": ["models"] if settings.aks else [],
    }


def _deployer_roles(stack: str) -> list[str]:
    from infra.deployers import deployer_grants

    return [grant.role for one in deployers() if one.stack == stack for grant in deployer_grants(one)]


def _subjects(stack: str, repository: str, ids: str) -> Mapping[str, list[str]]:
    """The subjects that each identity of the stack trusts, by the identity's word."""
    mine: list[Deployer] = [one for one in deployers() if one.stack == stack]
    return {one.word: list(subjects(one, repository, ids)) for one in mine}
