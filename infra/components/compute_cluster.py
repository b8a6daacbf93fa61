"""A compute cluster that scales to zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from infra.place import Place
from infra.profiles import NodePool


@dataclass(frozen=True)
class ComputeClusterConfig:
    """Its name and size, what a node is paid as, and when an idle node goes (ISO 8601)."""

    name: str
    workspace: pulumi.Input[str]
    pool: NodePool
    priority: str
    idle: str
    identity_id: pulumi.Input[str]


class ComputeCluster(pulumi.ComponentResource):
    """Outputs: `cluster_name`."""

    def __init__(
        self, key: str, place: Place, config: ComputeClusterConfig, depends_on: Sequence[pulumi.Resource]
    ) -> None:
        super().__init__("mlops:infra:ComputeCluster", key)
        cluster = ml.Compute(
            key,
            compute_name=config.name,
            workspace_name=config.workspace,
            resource_group_name=place.group,
            location=place.location,
            identity=ml.ManagedServiceIdentityArgs(type="UserAssigned", user_assigned_identities=[config.identity_id]),
            properties=ml.AmlComputeArgs(
                compute_type="AmlCompute",
                disable_local_auth=True,
                properties=ml.AmlComputePropertiesArgs(
                    os_type="Linux",
                    vm_size=config.pool.size,
                    vm_priority=config.priority,
                    enable_node_public_ip=False,
                    remote_login_port_public_access="Disabled",
                    scale_settings=ml.ScaleSettingsArgs(
                        min_node_count=config.pool.least,
                        max_node_count=config.pool.most,
                        node_idle_time_before_scale_down=config.idle,
                    ),
                ),
            ),
            # Size and local login cannot change in place, and the name is fixed (C1, C4).
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True, depends_on=list(depends_on)),
        )
        self.cluster_name = cluster.name
        self.register_outputs({"clusterName": cluster.name})
