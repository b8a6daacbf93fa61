"""What Pulumi itself stands on, made once by bootstrap: the state's container and the key of its secrets."""

from __future__ import annotations

from dataclasses import dataclass

CONTAINER = "state"


@dataclass(frozen=True)
class State:
    """The names of what bootstrap makes."""

    group: str
    account: str
    vault: str
    identity: str


def state_names(prefix: str, tail: str) -> State:
    """The names, from the prefix and the stable suffix."""
    plain = prefix.replace("-", "")
    return State(
        group=f"rg-{prefix}-state",
        account=f"st{plain}state{tail}"[:24],
        vault=f"kv-{prefix}-state-{tail}"[:24],
        identity=f"id-{prefix}-shared-infrastructure",
    )
