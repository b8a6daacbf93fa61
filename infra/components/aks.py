"""The AKS cluster that answers requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import containerservice as aks

from infra.components.identities import Identities
from infra.place import Place
from infra.profiles import NodePool


@dataclass(frozen=True)
class AksConfig:
    """Tier, zones and pools, who reaches the API server, and where it stands (a subnet, or its own network)."""

    tier: str
    zones: Sequence[str]
    system: NodePool
    user: NodePool
    authorized: Sequence[pulumi.Input[str]]
    subnet_id: pulumi.Input[str] | None
    workspace_id: pulumi.Input[str]
    tenant_id: pulumi.Input[str]
    hardened: bool


class Aks(pulumi.ComponentResource):
    """Outputs: `cluster_id`, `cluster_name`, `secrets_principal`, `secrets_client`; `resource` to depend on."""

    def __init__(
        self, place: Place, config: AksConfig, identities: Identities, depends_on: Sequence[pulumi.Resource]
    ) -> None:
        super().__init__("mlops:infra:Aks", "aks")
        self.place, self.config = place, config
        cluster = aks.ManagedCluster(
            "aks",
            resource_name_=place.names.kubernetes,
            resource_group_name=place.group,
            location=place.location,
            dns_prefix=place.names.kubernetes,
            sku=aks.ManagedClusterSKUArgs(name="Base", tier=config.tier),
            identity=aks.ManagedClusterIdentityArgs(
                type="UserAssigned", user_assigned_identities=[identities.ids["aks"]]
            ),
            identity_profile={
                "kubeletidentity": aks.UserAssignedIdentityArgs(
                    resource_id=identities.ids["kubelet"],
                    client_id=identities.clients["kubelet"],
                    object_id=identities.principals["kubelet"],
                )
            },
            agent_pool_profiles=[self._system_pool()],
            **self._access(),
            **self._care(),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(depends_on),
                delete_before_replace=True,
                # The autoscaler counts, the upgrade channel versions (AK4).
                ignore_changes=[
                    "agentPoolProfiles[0].count",
                    "agentPoolProfiles[0].orchestratorVersion",
                    "kubernetesVersion",
                ],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m"),
            ),
        )
        self.user_pool = self._user_pool(cluster)
        self._windows(cluster)
        self.cluster_id, self.cluster_name, self.resource = cluster.id, cluster.name, cluster
        secrets = cluster.addon_profiles.apply(_secrets_identity)
        self.secrets_principal, self.secrets_client = secrets.apply(lambda s: s[0]), secrets.apply(lambda s: s[1])
        self.register_outputs({"clusterId": cluster.id})

    def _system_pool(self) -> aks.ManagedClusterAgentPoolProfileArgs:
        return aks.ManagedClusterAgentPoolProfileArgs(
            name="system",
            mode="System",
            node_taints=["CriticalAddonsOnly=true:NoSchedule"],
            **self._pool(self.config.system),
        )

    def _user_pool(self, cluster: aks.ManagedCluster) -> aks.AgentPool:
        """Azure ML's pods do not stand the system pool's taint: a user pool is a must (2.5)."""
        return aks.AgentPool(
            "pool-models",
            agent_pool_name="models",
            resource_name_=cluster.name,
            resource_group_name=self.place.group,
            mode="User",
            **self._pool(self.config.user),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["count", "orchestratorVersion"]),
        )

    def _pool(self, pool: NodePool) -> dict[str, object]:
        return {
            "vm_size": pool.size,
            "os_type": "Linux",
            "type": "VirtualMachineScaleSets",
            "count": pool.least,  # wanted even with the autoscaler (AK4)
            "enable_auto_scaling": True,
            "min_count": pool.least,
            "max_count": pool.most,
            "max_pods": 60,
            "availability_zones": list(self.config.zones) or None,
            "os_disk_type": "Ephemeral" if self.config.hardened else "Managed",
            "enable_encryption_at_host": self.config.hardened,
            "enable_node_public_ip": False,
            "vnet_subnet_id": self.config.subnet_id,
        }

    def _access(self) -> dict[str, object]:
        """Entra for people and machines. Local accounts stay: Azure ML's page calls off unsupported (AK2)."""
        own = self.config.subnet_id is not None
        return {
            "enable_rbac": True,
            "disable_local_accounts": False,
            "aad_profile": aks.ManagedClusterAADProfileArgs(
                managed=True, enable_azure_rbac=True, tenant_id=self.config.tenant_id
            ),
            "api_server_access_profile": aks.ManagedClusterAPIServerAccessProfileArgs(
                enable_private_cluster=False,
                authorized_ip_ranges=list(self.config.authorized) or None,
                disable_run_command=True,
            ),
            "oidc_issuer_profile": aks.ManagedClusterOIDCIssuerProfileArgs(enabled=True),
            "network_profile": aks.ContainerServiceNetworkProfileArgs(
                network_plugin="azure",
                network_plugin_mode="overlay",
                network_policy="cilium",
                network_dataplane="cilium",
                load_balancer_sku="standard",
                outbound_type="userAssignedNATGateway" if own else "loadBalancer",
            ),
        }

    def _care(self) -> dict[str, object]:
        """What keeps it patched, watched and defended (AK1)."""
        watched = aks.ManagedClusterAddonProfileArgs(
            enabled=True,
            config={"logAnalyticsWorkspaceResourceID": self.config.workspace_id, "useAADAuth": "true"},
        )
        secrets = aks.ManagedClusterAddonProfileArgs(enabled=True, config={"enableSecretRotation": "true"})
        defender = aks.ManagedClusterSecurityProfileDefenderArgs(
            log_analytics_workspace_resource_id=self.config.workspace_id,
            security_monitoring=aks.ManagedClusterSecurityProfileDefenderSecurityMonitoringArgs(enabled=True),
        )
        return {
            "addon_profiles": {
                "omsagent": watched,
                "azureKeyvaultSecretsProvider": secrets,
                "azurepolicy": aks.ManagedClusterAddonProfileArgs(enabled=True),
            },
            "auto_upgrade_profile": aks.ManagedClusterAutoUpgradeProfileArgs(
                upgrade_channel="stable", node_os_upgrade_channel="NodeImage"
            ),
            "security_profile": aks.ManagedClusterSecurityProfileArgs(
                workload_identity=aks.ManagedClusterSecurityProfileWorkloadIdentityArgs(enabled=True),
                defender=defender if self.config.hardened else None,
            ),
        }

    def _windows(self, cluster: aks.ManagedCluster) -> None:
        """Upgrades happen on Sunday nights."""
        weekly = aks.WeeklyScheduleArgs(day_of_week="Sunday", interval_weeks=1)
        for name in ("aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"):
            aks.MaintenanceConfiguration(
                name,
                config_name=name,
                resource_name_=cluster.name,
                resource_group_name=self.place.group,
                maintenance_window=aks.MaintenanceWindowArgs(
                    duration_hours=4,
                    start_time="01:00",
                    utc_offset="+00:00",
                    schedule=aks.ScheduleArgs(weekly=weekly),
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )


def _secrets_identity(addons: Any) -> tuple[str, str]:
    """Object and client id of the identity with which the secrets add-on reads the vault."""
    identity = addons["azureKeyvaultSecretsProvider"].identity
    return str(identity.object_id), str(identity.client_id)
