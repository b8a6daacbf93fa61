"""The Azure ML workspace with its managed network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from infra.place import Place


@dataclass(frozen=True)
class WorkspaceConfig:
    """The resources a workspace stands on, its identity, and how closed its network is."""

    storage_id: pulumi.Input[str]
    vault_id: pulumi.Input[str]
    images_id: pulumi.Input[str]
    insights_id: pulumi.Input[str]
    identity_id: pulumi.Input[str]
    public: bool
    isolation: str
    approved_hosts: Sequence[str]
    spark: bool


class Workspace(pulumi.ComponentResource):
    """Outputs: `workspace_id`, `workspace_name`."""

    def __init__(self, place: Place, config: WorkspaceConfig, access: Sequence[pulumi.Resource]) -> None:
        super().__init__("mlops:infra:Workspace", "workspace")
        workspace = ml.Workspace(
            "workspace",
            workspace_name=place.names.workspace,
            resource_group_name=place.group,
            location=place.location,
            friendly_name=place.names.workspace,
            sku=ml.SkuArgs(name="Basic", tier="Basic"),
            identity=ml.ManagedServiceIdentityArgs(type="UserAssigned", user_assigned_identities=[config.identity_id]),
            primary_user_assigned_identity=config.identity_id,
            storage_account=config.storage_id,
            key_vault=config.vault_id,
            container_registry=config.images_id,
            application_insights=config.insights_id,
            system_datastores_auth_mode="Identity",
            public_network_access="Enabled" if config.public else "Disabled",
            allow_public_access_when_behind_vnet=False,
            # A registry without public access cannot build images by itself (W5).
            image_build_compute=None if config.public else place.names.cluster,
            managed_network=_network(config),
            provision_network_now=not config.public,  # half an hour; managed deployments need it first (W4)
            hbi_workspace=False,
            v1_legacy_mode=False,
            opts=place.keep(
                self,
                depends_on=list(access),
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m"),
            ),
        )
        self.workspace_id, self.workspace_name, self.resource = workspace.id, workspace.name, workspace
        self.register_outputs({"workspaceId": workspace.id})


def _network(config: WorkspaceConfig) -> ml.ManagedNetworkSettingsArgs:
    """Every rule inline, none as a resource of its own: both together drift for ever (P11)."""
    rules: dict[str, pulumi.Input[ml.FqdnOutboundRuleArgs | ml.PrivateEndpointOutboundRuleArgs]] = {}
    if config.isolation == "AllowOnlyApprovedOutbound":
        for host in config.approved_hosts:
            name = host.replace("*.", "").replace(".", "-")
            rules[name] = ml.FqdnOutboundRuleArgs(type="FQDN", category="UserDefined", destination=host)
    if config.spark:
        rules["spark-blob"] = ml.PrivateEndpointOutboundRuleArgs(
            type="PrivateEndpoint",
            category="UserDefined",
            destination=ml.PrivateEndpointDestinationArgs(
                service_resource_id=config.storage_id, subresource_target="blob", spark_enabled=True
            ),
        )
    firewall = "Standard" if config.isolation == "AllowOnlyApprovedOutbound" else None
    return ml.ManagedNetworkSettingsArgs(
        isolation_mode=config.isolation, firewall_sku=firewall, outbound_rules=rules or None
    )
