"""The datastore of the raw data, read with the reader's own identity."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from infra.place import Place


@dataclass(frozen=True)
class DatastoreConfig:
    """The workspace, the account and its container."""

    workspace: pulumi.Input[str]
    account: pulumi.Input[str]
    container: pulumi.Input[str]


class Datastore(pulumi.ComponentResource):
    """Outputs: `datastore_name`."""

    def __init__(self, place: Place, config: DatastoreConfig) -> None:
        super().__init__("mlops:infra:Datastore", "datastore")
        datastore = ml.Datastore(
            "raw-data",
            name="raw",
            workspace_name=config.workspace,
            resource_group_name=place.group,
            skip_validation=True,  # the caller's identity may not reach a private account
            properties=ml.AzureBlobDatastoreArgs(
                datastore_type="AzureBlob",
                account_name=config.account,
                container_name=config.container,
                endpoint="core.windows.net",
                protocol="https",
                credentials=ml.NoneDatastoreCredentialsArgs(credentials_type="None"),
                service_data_access_auth_identity="WorkspaceUserAssignedIdentity",
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.datastore_name = datastore.name
        self.register_outputs({"datastore": datastore.name})
