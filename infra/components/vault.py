"""The key vault of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import keyvault

from infra.place import Place


@dataclass(frozen=True)
class VaultConfig:
    """Who gets in, and how long a deleted secret comes back (days; purge protection True or None)."""

    tenant_id: pulumi.Input[str]
    public: bool
    default_action: str
    addresses: Sequence[str]
    retention_days: int
    purge_protection: bool | None


class Vault(pulumi.ComponentResource):
    """Outputs: `vault_id`, `vault_name`, `vault_uri`."""

    def __init__(self, place: Place, config: VaultConfig) -> None:
        super().__init__("mlops:infra:Vault", "vault")
        vault = keyvault.Vault(
            "vault",
            vault_name=place.names.vault,
            resource_group_name=place.group,
            location=place.location,
            properties=keyvault.VaultPropertiesArgs(
                tenant_id=config.tenant_id,
                sku=keyvault.SkuArgs(family="A", name="standard"),
                enable_rbac_authorization=True,
                enable_soft_delete=True,
                soft_delete_retention_in_days=config.retention_days,
                enable_purge_protection=config.purge_protection,
                public_network_access="Enabled" if config.public else "Disabled",
                network_acls=keyvault.NetworkRuleSetArgs(
                    bypass="AzureServices",
                    default_action=config.default_action,
                    ip_rules=[keyvault.IPRuleArgs(value=address) for address in config.addresses],
                ),
            ),
            opts=place.keep(self, delete_before_replace=True),
        )
        self.vault_id, self.vault_name = vault.id, vault.name
        self.vault_uri = vault.properties.apply(lambda made: made.vault_uri)
        self.register_outputs({"vaultId": vault.id})
