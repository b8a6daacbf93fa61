"""The resource groups of all three stacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import resources


@dataclass(frozen=True)
class GroupsConfig:
    """Name and region by stack."""

    groups: Mapping[str, tuple[str, str]]


class Groups(pulumi.ComponentResource):
    """Outputs by stack: `names`, `ids`. No lock: it would block compute from scaling (P9)."""

    def __init__(self, config: GroupsConfig) -> None:
        super().__init__("mlops:infra:Groups", "groups")
        made = {
            stack: resources.ResourceGroup(
                f"group-{stack}",
                resource_group_name=name,
                location=location,
                opts=pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True),
            )
            for stack, (name, location) in config.groups.items()
        }
        self.names = {stack: group.name for stack, group in made.items()}
        self.ids = {stack: group.id for stack, group in made.items()}
        self.register_outputs({"names": self.names})
