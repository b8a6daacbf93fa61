"""The workspace's storage account with the container of the raw data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import storage

from infra.place import Place

RAW = "raw"


@dataclass(frozen=True)
class StorageConfig:
    """The SKU, what the network lets in, and how many days a deleted blob comes back."""

    sku: str
    default_action: str
    public: bool
    addresses: Sequence[str]
    retention_days: int


class Storage(pulumi.ComponentResource):
    """Outputs: `account_id`, `account_name`, `container`, `blob_id`, `file_id`."""

    def __init__(self, place: Place, config: StorageConfig) -> None:
        super().__init__("mlops:infra:Storage", "storage")
        account = storage.StorageAccount(
            "storage",
            account_name=place.names.storage,
            resource_group_name=place.group,
            location=place.location,
            kind="StorageV2",
            sku=storage.SkuArgs(name=config.sku),
            is_hns_enabled=False,  # the workspace refuses its default storage with HNS (ST1)
            **_locks(config),
            opts=place.keep(self, delete_before_replace=True),
        )
        child = pulumi.ResourceOptions(parent=self)
        blobs = _blobs(place, account, config.retention_days, child)
        _files(place, account, config.retention_days, child)
        _lifecycle(place, account, child)
        container = storage.BlobContainer(
            RAW,
            container_name=RAW,
            account_name=account.name,
            resource_group_name=place.group,
            public_access="None",
            opts=place.keep(self, depends_on=[blobs]),
        )
        self.account_id, self.account_name, self.container = account.id, account.name, container.name
        self.blob_id = pulumi.Output.concat(account.id, "/blobServices/default")
        self.file_id = pulumi.Output.concat(account.id, "/fileServices/default")
        self.register_outputs({"accountId": account.id})


def _locks(config: StorageConfig) -> dict[str, object]:
    """What closes the account: no keys, no anonymous reader, the network (ST2, ST3, ST4)."""
    return {
        "allow_shared_key_access": False,
        "allow_blob_public_access": False,
        "allow_cross_tenant_replication": False,
        "default_to_o_auth_authentication": True,
        "is_local_user_enabled": False,
        "is_sftp_enabled": False,
        "enable_https_traffic_only": True,
        "minimum_tls_version": "TLS1_2",
        "public_network_access": "Enabled" if config.public else "Disabled",
        "network_rule_set": storage.NetworkRuleSetArgs(
            default_action=config.default_action,
            bypass="AzureServices",
            ip_rules=[storage.IPRuleArgs(i_p_address_or_range=a.removesuffix("/32")) for a in config.addresses],
        ),
        "encryption": storage.EncryptionArgs(key_source="Microsoft.Storage", require_infrastructure_encryption=True),
        "sas_policy": storage.SasPolicyArgs(expiration_action="Log", sas_expiration_period="1.00:00:00"),
    }


def _blobs(
    place: Place, account: storage.StorageAccount, days: int, opts: pulumi.ResourceOptions
) -> storage.BlobServiceProperties:
    kept = storage.DeleteRetentionPolicyArgs(enabled=True, days=days)
    return storage.BlobServiceProperties(
        "blobs",
        blob_services_name="default",
        account_name=account.name,
        resource_group_name=place.group,
        is_versioning_enabled=True,
        delete_retention_policy=kept,
        container_delete_retention_policy=kept,
        opts=opts,
    )


def _files(place: Place, account: storage.StorageAccount, days: int, opts: pulumi.ResourceOptions) -> None:
    storage.FileServiceProperties(
        "files",
        file_services_name="default",
        account_name=account.name,
        resource_group_name=place.group,
        share_delete_retention_policy=storage.DeleteRetentionPolicyArgs(enabled=True, days=days),
        opts=opts,
    )


def _lifecycle(place: Place, account: storage.StorageAccount, opts: pulumi.ResourceOptions) -> None:
    """Old versions of blobs are deleted after 90 days: versioning costs otherwise without end."""
    after = storage.DateAfterCreationArgs(days_after_creation_greater_than=90)
    storage.ManagementPolicy(
        "lifecycle",
        management_policy_name="default",
        account_name=account.name,
        resource_group_name=place.group,
        policy=storage.ManagementPolicySchemaArgs(
            rules=[
                storage.ManagementPolicyRuleArgs(
                    name="old-versions",
                    type="Lifecycle",
                    enabled=True,
                    definition=storage.ManagementPolicyDefinitionArgs(
                        actions=storage.ManagementPolicyActionArgs(
                            version=storage.ManagementPolicyVersionArgs(delete=after)
                        ),
                        filters=storage.ManagementPolicyFilterArgs(blob_types=["blockBlob"]),
                    ),
                )
            ]
        ),
        opts=opts,
    )
