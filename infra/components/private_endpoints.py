"""The private endpoints with their zones: how the network reaches the services without the internet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import network, privatedns

from infra.place import Place

# The zones of each kind of endpoint.
ZONES: dict[str, tuple[str, ...]] = {
    "amlworkspace": ("privatelink.api.azureml.ms", "privatelink.notebooks.azure.net"),
    "blob": ("privatelink.blob.core.windows.net",),
    "file": ("privatelink.file.core.windows.net",),
    "queue": ("privatelink.queue.core.windows.net",),
    "table": ("privatelink.table.core.windows.net",),
    "vault": ("privatelink.vaultcore.azure.net",),
    "registry": ("privatelink.azurecr.io",),
}


@dataclass(frozen=True)
class PrivateEndpointsConfig:
    """The network, the subnet of the endpoints, and the resource's id by kind of endpoint."""

    network_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    targets: Mapping[str, pulumi.Input[str]]


class PrivateEndpoints(pulumi.ComponentResource):
    """Outputs: `endpoint_ids` by kind, `groups`, on which a consumer depends."""

    def __init__(self, name: str, place: Place, config: PrivateEndpointsConfig) -> None:
        super().__init__("mlops:infra:PrivateEndpoints", name)
        self.place, self.config = place, config
        self.endpoint_ids: dict[str, pulumi.Output[str]] = {}
        self.groups: list[pulumi.Resource] = []
        for kind, target in config.targets.items():
            zones = [self._zone(zone) for zone in ZONES[kind]]
            endpoint = self._endpoint(kind, target)
            self.endpoint_ids[kind] = endpoint.id
            self.groups.append(self._group(kind, endpoint, zones))
        self.register_outputs({})

    def _zone(self, zone: str) -> privatedns.PrivateZone:
        opts = pulumi.ResourceOptions(parent=self)
        made = privatedns.PrivateZone(
            zone, private_zone_name=zone, resource_group_name=self.place.group, location="Global", opts=opts
        )
        privatedns.VirtualNetworkLink(
            f"link-{zone}",
            virtual_network_link_name=f"to-{self.place.names.network}",
            private_zone_name=made.name,
            resource_group_name=self.place.group,
            location="Global",
            registration_enabled=False,
            virtual_network=privatedns.SubResourceArgs(id=self.config.network_id),
            opts=opts,
        )
        return made

    def _endpoint(self, kind: str, target: pulumi.Input[str]) -> network.PrivateEndpoint:
        connection = network.PrivateLinkServiceConnectionArgs(
            name=kind, group_ids=[kind], private_link_service_id=target
        )
        return network.PrivateEndpoint(
            f"endpoint-{kind}",
            private_endpoint_name=f"pe-{kind}-{self.place.names.workspace}",
            resource_group_name=self.place.group,
            location=self.place.location,
            subnet=network.SubnetArgs(id=self.config.subnet_id),
            private_link_service_connections=[connection],
            # Azure fills these in after the zone group is made (P11).
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["customDnsConfigs"]),
        )

    def _group(
        self, kind: str, endpoint: network.PrivateEndpoint, zones: list[privatedns.PrivateZone]
    ) -> network.PrivateDnsZoneGroup:
        configs = [
            network.PrivateDnsZoneConfigArgs(name=f"zone{number}", private_dns_zone_id=zone.id)
            for number, zone in enumerate(zones)
        ]
        return network.PrivateDnsZoneGroup(
            f"zones-{kind}",
            private_dns_zone_group_name="default",
            private_endpoint_name=endpoint.name,
            resource_group_name=self.place.group,
            private_dns_zone_configs=configs,
            opts=pulumi.ResourceOptions(parent=self),
        )
