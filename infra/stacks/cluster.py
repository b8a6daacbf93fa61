"""AKS from the cluster to the attached compute."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.components.aks import Aks, AksConfig
from infra.components.aks_attach import AksAttach, AksAttachConfig
from infra.components.aks_extension import AksExtension, AksExtensionConfig
from infra.components.aks_objects import AksObjects, AksObjectsConfig
from infra.components.network import Network
from infra.place import Place
from infra.profiles import Profile
from infra.settings import StackSettings
from infra.stacks.foundation import Foundation

CERTIFICATE = "endpoint"


@dataclass(frozen=True)
class Tenancy:
    """Whose subscription it is."""

    tenant: pulumi.Input[str]
    subscription: pulumi.Input[str]


def make_aks(
    place: Place,
    profile: Profile,
    settings: StackSettings,
    base: Foundation,
    tenancy: Tenancy,
    network: Network | None,
    access: list[pulumi.Resource],
) -> Aks:
    """The cluster, after the roles that its identities need."""
    authorized: list[pulumi.Input[str]] = [*settings.addresses]
    authorized += [settings.caller_address] if settings.caller_address else []
    authorized += [network.outbound_address.apply(lambda address: f"{address}/32")] if network else []
    config = AksConfig(
        tier=profile.kubernetes_tier,
        zones=profile.kubernetes_zones,
        system=profile.system_pool,
        user=profile.user_pool,
        authorized=authorized,
        subnet_id=network.subnet_ids["aks"] if network else None,
        workspace_id=base.logs.workspace_id,
        tenant_id=tenancy.tenant,
        hardened=profile.keeps_data,
    )
    return Aks(place, config, base.identities, access)


def attach_aks(
    place: Place,
    profile: Profile,
    settings: StackSettings,
    base: Foundation,
    tenancy: Tenancy,
    aks: Aks,
    workspace: tuple[pulumi.Output[str], pulumi.Output[str]],
    access: list[pulumi.Resource],
) -> tuple[AksAttach, AksObjects]:
    """The chain that Azure needs: certificate → extension → instance types, namespace → trust → attach (2.1)."""
    named = CERTIFICATE if settings.certificate == "self-signed" else settings.certificate
    certificate = "" if profile.insecure_connections else named
    objects = AksObjects(
        place,
        AksObjectsConfig(aks.cluster_name, place.names.vault, tenancy.tenant, certificate, aks.secrets_client),
        [aks.user_pool, *access],
    )
    extension = AksExtension(
        place,
        AksExtensionConfig(
            aks.cluster_id,
            aks.cluster_name,
            profile.kubernetes_purpose,
            profile.router_highly_available,
            profile.insecure_connections,
        ),
        [aks.user_pool, *objects.before_extension],
    )
    types = objects.instance_types(extension.resource)
    attach = AksAttach(
        place,
        AksAttachConfig(aks.cluster_id, aks.cluster_name, *workspace, base.identities.ids["kubernetes"]),
        [extension.resource, *objects.ready, *types, *access],
    )
    return attach, objects
