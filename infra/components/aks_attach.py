"""The cluster as a compute of the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import containerservice
from pulumi_azure_native import machinelearningservices as ml

from infra.components.aks_objects import NAMESPACE
from infra.place import Place


@dataclass(frozen=True)
class AksAttachConfig:
    """The cluster, the workspace, and the identity that its pods pull and read with."""

    cluster_id: pulumi.Input[str]
    cluster_name: pulumi.Input[str]
    workspace_id: pulumi.Input[str]
    workspace_name: pulumi.Input[str]
    identity_id: pulumi.Input[str]


class AksAttach(pulumi.ComponentResource):
    """Outputs: `compute_name`."""

    def __init__(self, place: Place, config: AksAttachConfig, depends_on: Sequence[pulumi.Resource]) -> None:
        super().__init__("mlops:infra:AksAttach", "aks-attach")
        # Before the attach: computes attached earlier would have to be detached (2.4).
        trust = containerservice.TrustedAccessRoleBinding(
            "trust",
            trusted_access_role_binding_name="azureml",
            resource_name_=config.cluster_name,
            resource_group_name=place.group,
            source_resource_id=config.workspace_id,
            roles=["Microsoft.MachineLearningServices/workspaces/mlworkload"],
            opts=pulumi.ResourceOptions(parent=self),
        )
        compute = ml.Compute(
            "aks-compute",
            compute_name=place.names.attached,
            workspace_name=config.workspace_name,
            resource_group_name=place.group,
            location=place.location,
            identity=ml.ManagedServiceIdentityArgs(type="UserAssigned", user_assigned_identities=[config.identity_id]),
            properties=ml.KubernetesArgs(
                compute_type="Kubernetes",
                resource_id=config.cluster_id,
                properties=ml.KubernetesPropertiesArgs(namespace=NAMESPACE, default_instance_type="small"),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[trust, *depends_on], delete_before_replace=True),
        )
        self.compute_name = compute.name
        self.register_outputs({"computeName": compute.name})
