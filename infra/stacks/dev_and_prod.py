"""The stacks dev and prod: one program, two profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from infra.components.access import Access, AccessConfig
from infra.components.aks import Aks
from infra.components.aks_extension import host
from infra.components.aks_objects import INSTANCE_TYPES
from infra.components.compute_cluster import ComputeCluster, ComputeClusterConfig
from infra.components.compute_instance import ComputeInstance, ComputeInstanceConfig
from infra.components.datastore import Datastore, DatastoreConfig
from infra.components.network import Network
from infra.components.private_endpoints import PrivateEndpoints, PrivateEndpointsConfig
from infra.components.runners import Runners, RunnersConfig
from infra.components.workspace import Workspace, WorkspaceConfig
from infra.grants import grants, phase
from infra.outputs import VERSION
from infra.place import Place
from infra.profiles import APPROVED_HOSTS, GPU_POOL, MEMORY_POOL, NodePool, Profile
from infra.settings import StackSettings
from infra.stacks.cluster import Tenancy, attach_aks, make_aks
from infra.stacks.foundation import Foundation, foundation, opening
from infra.stacks.watch import watch


@dataclass
class Stack:
    """A stack while it is being made: every step adds what the next one needs."""

    place: Place
    profile: Profile
    settings: StackSettings
    shared: Mapping[str, Any]
    base: Foundation
    scopes: dict[str, pulumi.Input[str]] = field(default_factory=dict)
    principals: dict[str, pulumi.Input[str]] = field(default_factory=dict)

    @property
    def tenancy(self) -> Tenancy:
        """Whose subscription it is."""
        return Tenancy(self.shared["tenantId"], self.shared["subscriptionId"])

    def grant(self, when: str) -> list[pulumi.Resource]:
        """Makes the assignments of one phase."""
        rows = [row for row in grants(self.profile, self.settings) if phase(row) == when]
        made = Access(when, self.place, AccessConfig(rows, self.principals, self.scopes, self.tenancy.subscription, {}))
        return list(made.assignments)


def build(place: Place, profile: Profile, settings: StackSettings, shared: Mapping[str, Any]) -> dict[str, Any]:
    """Makes every resource of dev or prod and returns its outputs (`infra.outputs.STACK`)."""
    stack = Stack(place, profile, settings, shared, foundation(place, profile, settings, shared["tenantId"]))
    network = Network(place) if opening(profile, settings).private else None
    doors = _private_endpoints(stack, network) if network else []
    _know(stack, network)
    access = stack.grant("before")
    aks = make_aks(place, profile, settings, stack.base, stack.tenancy, network, access) if settings.aks else None
    workspace = _workspace(stack, [*access, *doors])
    stack.scopes["workspace"] = workspace.workspace_id
    on_workspace = stack.grant("workspace")
    inside = _compute(stack, workspace, on_workspace, network)
    attached = _attach(stack, aks, workspace, on_workspace) if aks else {}
    runner = _runners(stack, network, access) if network else None
    watched = watch(stack.place, profile, settings, stack.base, shared, workspace.workspace_id, aks)
    outputs = _outputs(stack, workspace, runner) | inside | watched
    return outputs | (
        attached
        or {
            "kubernetesCompute": "",
            "kubernetesCluster": "",
            "kubernetesNamespace": "",
            "instanceTypes": [],
            "endpointHost": "",
        }
    )


def _know(stack: Stack, network: Network | None) -> None:
    """The ids behind the words of the role matrix, as far as they exist before the workspace."""
    base, ids = stack.base, stack.base.identities
    stack.principals |= {**ids.principals, "team": stack.settings.team}
    for purpose in ("ml", "infrastructure"):
        stack.principals[purpose] = stack.shared["principalIds"][f"{purpose}-{stack.place.stack}"]
    stack.scopes |= {
        "storage": base.storage.account_id,
        "vault": base.vault.vault_id,
        "images": base.images.registry_id,
        "insights": base.logs.insights_id,
    }
    if stack.settings.aks:
        stack.scopes["identity-kubelet"] = ids.ids["kubelet"]
    if network:
        stack.scopes["subnet-aks"] = network.subnet_ids["aks"]


def _private_endpoints(stack: Stack, network: Network) -> list[pulumi.Resource]:
    base = stack.base
    targets: dict[str, pulumi.Input[str]] = dict.fromkeys(("blob", "file", "queue", "table"), base.storage.account_id)
    targets |= {"vault": base.vault.vault_id, "registry": base.images.registry_id}
    doors = PrivateEndpoints(
        "doors",
        stack.place,
        PrivateEndpointsConfig(network.network_id, network.subnet_ids["endpoints"], targets),
    )
    stack.scopes |= {f"endpoint-{kind}": doors.endpoint_ids[kind] for kind in ("blob", "file")}
    return doors.groups


def _workspace(stack: Stack, depends_on: list[pulumi.Resource]) -> Workspace:
    base = stack.base
    private = opening(stack.profile, stack.settings).private
    config = WorkspaceConfig(
        storage_id=base.storage.account_id,
        vault_id=base.vault.vault_id,
        images_id=base.images.registry_id,
        insights_id=base.logs.insights_id,
        identity_id=base.identities.ids["workspace"],
        public=not private,
        isolation=stack.profile.isolation,
        approved_hosts=APPROVED_HOSTS,
        spark=stack.settings.spark,
    )
    return Workspace(stack.place, config, depends_on)


def _compute(
    stack: Stack, workspace: Workspace, access: list[pulumi.Resource], network: Network | None
) -> dict[str, Any]:
    """The clusters, the instances, the datastore and the workspace's own private endpoint."""
    place, profile, settings, base = stack.place, stack.profile, stack.settings, stack.base
    doors: list[pulumi.Resource] = []
    if network:
        config = PrivateEndpointsConfig(
            network.network_id, network.subnet_ids["endpoints"], {"amlworkspace": workspace.workspace_id}
        )
        doors = PrivateEndpoints("workspace-door", place, config).groups
    made = {
        word: ComputeCluster(
            f"cluster-{word}",
            place,
            ComputeClusterConfig(
                name,
                workspace.workspace_name,
                pool,
                priority,
                profile.cluster_idle,
                base.identities.ids["cluster"],
            ),
            [*access, *doors],
        ).cluster_name
        for word, (name, pool, priority) in clusters(place, profile, settings).items()
    }
    people = settings.users if profile.instances else ()
    instances = [
        ComputeInstance(
            place,
            ComputeInstanceConfig(
                workspace.workspace_name,
                user,
                stack.tenancy.tenant,
                profile.instance_size,
                profile.instance_idle,
            ),
        ).instance_name
        for user in people
    ]
    datastore = Datastore(
        place, DatastoreConfig(workspace.workspace_name, base.storage.account_name, base.storage.container)
    )
    return {
        "clusterName": made.pop("cpu"),
        "extraClusters": made,
        "instanceNames": instances,
        "datastoreName": datastore.datastore_name,
    }


def clusters(place: Place, profile: Profile, settings: StackSettings) -> dict[str, tuple[str, NodePool, str]]:
    """Name, pool and priority of each cluster by its word; `cpu` is always there."""
    pool = profile.cluster
    if settings.cluster_nodes:
        pool = NodePool(pool.size, pool.least, settings.cluster_nodes)
    priority = "LowPriority" if "low-priority" in settings.clusters else profile.cluster_priority
    found = {"cpu": (place.names.cluster, pool, priority)}
    if "gpu" in settings.clusters:
        found["gpu"] = (place.names.gpu_cluster, GPU_POOL, profile.cluster_priority)
    if "memory" in settings.clusters:
        found["memory"] = (place.names.memory_cluster, MEMORY_POOL, profile.cluster_priority)
    return found


def _attach(stack: Stack, aks: Aks, workspace: Workspace, access: list[pulumi.Resource]) -> dict[str, Any]:
    stack.scopes["aks"] = aks.cluster_id
    stack.principals["secrets"] = aks.secrets_principal
    access = [*access, *stack.grant("aks")]
    target = (workspace.workspace_id, workspace.workspace_name)
    attach, objects = attach_aks(
        stack.place, stack.profile, stack.settings, stack.base, stack.tenancy, aks, target, access
    )
    return {
        "kubernetesCompute": attach.compute_name,
        "kubernetesCluster": aks.cluster_name,
        "kubernetesNamespace": objects.namespace,
        "instanceTypes": list(INSTANCE_TYPES),
        "endpointHost": host(stack.place),
    }


def _runners(stack: Stack, network: Network, access: list[pulumi.Resource]) -> Runners:
    settings, identities = stack.settings, stack.base.identities
    config = RunnersConfig(
        subnet_id=network.subnet_ids["runners"],
        identity_id=identities.ids["runners"],
        client_id=identities.clients["runners"],
        signing_key=pulumi.Output.concat(stack.base.vault.vault_uri, "keys/github-app"),
        repository=settings.repository,
        label=stack.shared["runnerLabel"],
        app=settings.runner_app,
        image=settings.runner_image,
        hosted_for=settings.runner_network,
    )
    return Runners(stack.place, config, access)


def _outputs(stack: Stack, workspace: Workspace, runner: Runners | None) -> dict[str, Any]:
    base, shared = stack.base, stack.shared
    return {
        "version": VERSION,
        "stack": stack.place.stack,
        "subscriptionId": shared["subscriptionId"],
        "tenantId": shared["tenantId"],
        "location": stack.place.location,
        "resourceGroup": stack.place.group,
        "workspaceName": workspace.workspace_name,
        "workspaceId": workspace.workspace_id,
        "registryName": shared["registryName"],
        "endpointIdentityClientId": base.identities.clients["endpoint"],
        "endpointIdentityId": base.identities.ids["endpoint"],
        "storageAccount": base.storage.account_name,
        "rawContainer": base.storage.container,
        "vaultName": base.vault.vault_name,
        "vaultUri": base.vault.vault_uri,
        "imagesServer": base.images.login_server,
        "insightsId": base.logs.insights_id,
        "logsWorkspaceId": base.logs.workspace_id,
        "privateNetwork": runner is not None,
        "runnerJob": runner.job_name if runner else "",
    }
