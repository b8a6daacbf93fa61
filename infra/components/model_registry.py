"""The Azure ML registry through which a model goes from dev to prod."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from infra.place import Place


@dataclass(frozen=True)
class ModelRegistryConfig:
    """The regions of the workspaces that use it; the first is the registry's own."""

    locations: Sequence[str]


class ModelRegistry(pulumi.ComponentResource):
    """Outputs: `registry_id`, `registry_name`."""

    def __init__(self, place: Place, config: ModelRegistryConfig) -> None:
        super().__init__("mlops:infra:ModelRegistry", "registry")
        registry = ml.Registry(
            "registry",
            registry_name=place.names.registry,
            resource_group_name=place.group,
            location=place.location,
            identity=ml.ManagedServiceIdentityArgs(type="SystemAssigned"),
            public_network_access="Enabled",
            region_details=[_region(location) for location in config.locations],
            opts=place.keep(self, delete_before_replace=True),
        )
        self.registry_id, self.registry_name = registry.id, registry.name
        self.register_outputs({"registryId": registry.id})


def _region(location: str) -> ml.RegistryRegionArmDetailsArgs:
    """Its storage and images are made by the service: it takes no existing ones (4.1)."""
    images = ml.SystemCreatedAcrAccountArgs(acr_account_sku="Premium")
    account = ml.SystemCreatedStorageAccountArgs(
        storage_account_type="Standard_LRS", storage_account_hns_enabled=False, allow_blob_public_access=False
    )
    return ml.RegistryRegionArmDetailsArgs(
        location=location,
        acr_details=[ml.AcrDetailsArgs(system_created_acr_account=images)],
        storage_account_details=[ml.StorageAccountDetailsArgs(system_created_storage_account=account)],
    )
