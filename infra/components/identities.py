"""The managed identities of a stack, one for each purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import managedidentity

from infra.place import Place


@dataclass(frozen=True)
class IdentitiesConfig:
    """The purposes that get an identity: workspace, cluster, endpoint."""

    purposes: Sequence[str]


class Identities(pulumi.ComponentResource):
    """Outputs by purpose: `ids`, `principals`, `clients`."""

    def __init__(self, place: Place, config: IdentitiesConfig) -> None:
        super().__init__("mlops:infra:Identities", "identities")
        made = {
            purpose: managedidentity.UserAssignedIdentity(
                f"identity-{purpose}",
                resource_name_=place.names.identity(purpose),
                resource_group_name=place.group,
                location=place.location,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for purpose in config.purposes
        }
        self.ids = {purpose: identity.id for purpose, identity in made.items()}
        self.principals = {purpose: identity.principal_id for purpose, identity in made.items()}
        self.clients = {purpose: identity.client_id for purpose, identity in made.items()}
        self.register_outputs({"ids": self.ids})
