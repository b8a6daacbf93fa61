"""Where a component puts its resources: stack, group, region, tags, names, protection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from infra.names import Names


@dataclass(frozen=True)
class Place:
    """What every component of a stack is given.

    Attributes:
        stack: shared, dev or prod.
        group: the resource group's name.
        location: the region.
        names: the physical names.
        keeps_data: whether what holds data is protected from deletion (P9).
    """

    stack: str
    group: pulumi.Input[str]
    location: str
    names: Names
    keeps_data: bool

    def keep(self, parent: pulumi.Resource, **more: object) -> pulumi.ResourceOptions:
        """The options of a resource that holds data: protected, left alive and never replaced in prod."""
        return pulumi.ResourceOptions(
            parent=parent,
            protect=self.keeps_data,
            retain_on_delete=self.keeps_data,
            **more,  # type: ignore[arg-type]
        )


def tag_everything(tags: dict[str, str]) -> list[pulumi.Resource]:
    """Gives every taggable resource of the stack the same tags (P12): forgetting is impossible.

    Returns:
        Every resource that is made from now on, in the order of their making.
    """
    made: list[pulumi.Resource] = []

    def add(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        made.append(args.resource)
        if "tags" not in args.props or not args.type_.startswith("azure-native:"):
            return None
        own: Any = args.props["tags"] or {}
        return pulumi.ResourceTransformationResult({**args.props, "tags": {**tags, **own}}, args.opts)

    pulumi.runtime.register_stack_transformation(add)
    return made
