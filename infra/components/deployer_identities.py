"""The identities that GitHub's workflows take on, with no secret."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import managedidentity

from infra.deployers import Deployer, deployers, subjects
from infra.place import Place

ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True)
class DeployerIdentitiesConfig:
    """The repository on GitHub, and its ids (`owner/repository`) where they are known."""

    repository: str
    repository_ids: str


class DeployerIdentities(pulumi.ComponentResource):
    """Outputs by the deployer's word: `clients`, `principals`."""

    def __init__(self, place: Place, config: DeployerIdentitiesConfig) -> None:
        super().__init__("mlops:infra:DeployerIdentities", "deployers")
        self.place, self.config = place, config
        made = {deployer.word: self._identity(deployer) for deployer in deployers()}
        self.clients = {word: identity.client_id for word, identity in made.items()}
        self.principals = {word: identity.principal_id for word, identity in made.items()}
        self.register_outputs({"clients": self.clients})

    def _identity(self, deployer: Deployer) -> managedidentity.UserAssignedIdentity:
        identity = managedidentity.UserAssignedIdentity(
            f"deployer-{deployer.word}",
            resource_name_=self.place.names.identity(deployer.word),
            resource_group_name=self.place.group,
            location=self.place.location,
            opts=pulumi.ResourceOptions(parent=self),
        )
        before: list[pulumi.Resource] = []
        for number, subject in enumerate(subjects(deployer, self.config.repository, self.config.repository_ids)):
            key = f"{deployer.word}-github-{number}"
            credential = managedidentity.FederatedIdentityCredential(
                key,
                federated_identity_credential_resource_name=f"github-{number}",
                resource_name_=identity.name,
                resource_group_name=self.place.group,
                issuer=ISSUER,
                audiences=["api://AzureADTokenExchange"],
                subject=subject,
                # Azure refuses two writes at once under one identity (3.6).
                opts=pulumi.ResourceOptions(parent=self, depends_on=before),
            )
            before = [credential]
        return identity
