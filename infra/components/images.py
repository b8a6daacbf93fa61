"""The container registry of a workspace's images."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import containerregistry

from infra.place import Place


@dataclass(frozen=True)
class ImagesConfig:
    """The SKU, whether the internet reaches it, and whether it spreads over zones."""

    sku: str
    public: bool
    zone_redundant: bool


class Images(pulumi.ComponentResource):
    """Outputs: `registry_id`, `login_server`. Repository permissions stay by role (A2), not by ABAC."""

    def __init__(self, place: Place, config: ImagesConfig) -> None:
        super().__init__("mlops:infra:Images", "images")
        premium = config.sku == "Premium"
        policies = containerregistry.PoliciesArgs(
            retention_policy=containerregistry.RetentionPolicyArgs(days=30, status="enabled"),
            export_policy=containerregistry.ExportPolicyArgs(status="enabled" if config.public else "disabled"),
            azure_ad_authentication_as_arm_policy=containerregistry.AzureADAuthenticationAsArmPolicyArgs(
                status="enabled"
            ),
        )
        registry = containerregistry.Registry(
            "images",
            registry_name=place.names.images,
            resource_group_name=place.group,
            location=place.location,
            sku=containerregistry.SkuArgs(name=config.sku),
            admin_user_enabled=False,
            anonymous_pull_enabled=False,
            public_network_access="Enabled" if config.public else "Disabled",
            network_rule_bypass_options="AzureServices",
            # Below Premium the service refuses both (A3); the SDK has a default for the second.
            policies=policies if premium else None,
            zone_redundancy="Enabled" if config.zone_redundant else "Disabled",
            opts=place.keep(self, delete_before_replace=True, transformations=[] if premium else [_without_zones]),
        )
        self.registry_id, self.login_server = registry.id, registry.login_server
        self.register_outputs({"registryId": registry.id})


def _without_zones(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    return pulumi.ResourceTransformationResult({**args.props, "zone_redundancy": None}, args.opts)
