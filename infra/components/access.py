"""The role assignments that the matrix of `infra.grants` decides."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization

from infra.grants import Grant
from infra.place import Place
from infra.roles import ROLES

PEOPLE = frozenset({"team"})


@dataclass(frozen=True)
class AccessConfig:
    """The grants, and the ids for which their words stand.

    Attributes:
        grants: the rows of the matrix to be made here.
        principals: object id by the principal's word.
        scopes: resource id by the scope's word.
        subscription: the subscription's id.
        condition: the ABAC condition of those that have one.
    """

    grants: Sequence[Grant]
    principals: Mapping[str, pulumi.Input[str]]
    scopes: Mapping[str, pulumi.Input[str]]
    subscription: pulumi.Input[str]
    condition: Mapping[Grant, str]


class Access(pulumi.ComponentResource):
    """Outputs: `assignments`, on which a consumer depends."""

    def __init__(self, name: str, place: Place, config: AccessConfig) -> None:
        super().__init__("mlops:infra:Access", f"access-{name}")
        self.assignments = [self._assign(place, config, grant) for grant in config.grants]
        self.register_outputs({})

    def _assign(self, place: Place, config: AccessConfig, grant: Grant) -> authorization.RoleAssignment:
        key = f"{grant.principal}-{grant.role}-{grant.scope}".replace(" ", "-").lower()
        definitions = "/providers/Microsoft.Authorization/roleDefinitions/"
        condition = config.condition.get(grant)
        return authorization.RoleAssignment(
            key,
            # A name that stays: the same three words in the same stack are the same assignment (3.7).
            role_assignment_name=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{place.names.workspace}/{key}")),
            principal_id=config.principals[grant.principal],
            principal_type="Group" if grant.principal in PEOPLE else "ServicePrincipal",
            role_definition_id=pulumi.Output.concat(
                "/subscriptions/", config.subscription, definitions, ROLES[grant.role]
            ),
            scope=config.scopes[grant.scope],
            condition=condition,
            condition_version="2.0" if condition else None,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
