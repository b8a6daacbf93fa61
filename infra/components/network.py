"""prod's own network: the subnets, what may enter them, and one address for going out."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import network

from infra.place import Place

SUBNETS = {"endpoints": "10.40.0.0/24", "runners": "10.40.1.0/24", "aks": "10.40.16.0/20"}


class Network(pulumi.ComponentResource):
    """Outputs: `network_id`, `subnet_ids` by name, `outbound_address`."""

    def __init__(self, place: Place) -> None:
        super().__init__("mlops:infra:Network", "network")
        child = pulumi.ResourceOptions(parent=self)
        self.place = place
        made = network.VirtualNetwork(
            "network",
            virtual_network_name=place.names.network,
            resource_group_name=place.group,
            location=place.location,
            address_space=network.AddressSpaceArgs(address_prefixes=["10.40.0.0/16"]),
            # The subnets are resources of their own (P11).
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["subnets", "virtualNetworkPeerings"]),
        )
        address, gateway = self._way_out(child)
        walls = network.NetworkSecurityGroup(
            "walls",
            network_security_group_name=f"nsg-{place.names.network}",
            resource_group_name=place.group,
            location=place.location,
            opts=child,
        )
        self.subnet_ids: dict[str, pulumi.Output[str]] = {}
        before: list[pulumi.Resource] = []
        for name, prefix in SUBNETS.items():
            subnet = self._subnet(name, prefix, made, walls, gateway, before)
            self.subnet_ids[name] = subnet.id
            before = [subnet]  # Azure writes one subnet of a network at a time
        self.network_id, self.outbound_address = made.id, address.ip_address
        self.register_outputs({"networkId": made.id})

    def _way_out(self, opts: pulumi.ResourceOptions) -> tuple[network.PublicIPAddress, network.NatGateway]:
        address = network.PublicIPAddress(
            "way-out-address",
            public_ip_address_name=f"pip-{self.place.names.network}",
            resource_group_name=self.place.group,
            location=self.place.location,
            public_ip_allocation_method="Static",
            public_ip_address_version="IPv4",
            sku=network.PublicIPAddressSkuArgs(name="Standard", tier="Regional"),
            opts=opts,
        )
        gateway = network.NatGateway(
            "way-out",
            nat_gateway_name=f"ng-{self.place.names.network}",
            resource_group_name=self.place.group,
            location=self.place.location,
            sku=network.NatGatewaySkuArgs(name="Standard"),
            public_ip_addresses=[network.SubResourceArgs(id=address.id)],
            opts=opts,
        )
        return address, gateway

    def _subnet(
        self,
        name: str,
        prefix: str,
        made: network.VirtualNetwork,
        walls: network.NetworkSecurityGroup,
        gateway: network.NatGateway,
        before: list[pulumi.Resource],
    ) -> network.Subnet:
        delegation = network.DelegationArgs(name="runners", service_name="Microsoft.App/environments")
        return network.Subnet(
            f"subnet-{name}",
            subnet_name=name,
            virtual_network_name=made.name,
            resource_group_name=self.place.group,
            address_prefix=prefix,
            default_outbound_access=False,
            nat_gateway=None if name == "endpoints" else network.SubResourceArgs(id=gateway.id),
            network_security_group=network.NetworkSecurityGroupArgs(id=walls.id),
            private_endpoint_network_policies="Disabled" if name == "endpoints" else "Enabled",
            delegations=[delegation] if name == "runners" else None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=before),
        )
