"""What stops a `destroy` before it has removed anything: the one thing that depends on everything."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi


class Latch(pulumi.ComponentResource):
    """Made last and protected, so that it is the first that a `destroy` meets, with a preview or without.

    The engine deletes dependents first: while the latch stands, nothing under it is touched, whatever else is
    unprotected. It is a component, so that no replacement of what it depends on ever asks to replace it.
    """

    def __init__(self, made: Sequence[pulumi.Resource]) -> None:
        super().__init__("mlops:infra:Latch", "latch", opts=pulumi.ResourceOptions(depends_on=list(made), protect=True))
        self.register_outputs({})
