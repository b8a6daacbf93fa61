"""What Pulumi holds of a stack, as hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.drift import Command, pulumi, refusal
from ml import digest

# When a resource was written says nothing about what it is.
TIMES = ("created", "modified")


@dataclass(frozen=True)
class Stored:
    """What Pulumi holds: one hash over all, and one for each resource by its URN."""

    hash: str
    resources: Mapping[str, str]


def stored(stack: str, command: Command = pulumi) -> Stored:
    """What Pulumi holds of the stack; secrets are hashed as they are kept, encrypted.

    Raises:
        Fault: Pulumi does not tell.
    """
    where = f"pulumi stack export --stack {stack}"
    code, text = command(["pulumi", "stack", "export", "--stack", stack, "--non-interactive", "--color", "never"])
    try:
        if code:
            raise ValueError(text.strip().splitlines()[-1] if text.strip() else f"ended with {code}")
        listed = json.loads(text)["deployment"].get("resources") or []
    except (ValueError, KeyError, AttributeError) as error:
        raise refusal(str(error), where, stack) from None
    resources = {str(one["urn"]): _hash(one) for one in listed}
    return Stored(digest.of_bytes(json.dumps(resources, sort_keys=True).encode()), resources)


def _hash(resource: Mapping[str, Any]) -> str:
    lasting = {key: value for key, value in resource.items() if key not in TIMES}
    return digest.of_bytes(json.dumps(lasting, sort_keys=True).encode())
