"""What Pulumi holds of a stack, as one hash."""

from __future__ import annotations

import json
from typing import Any

from deploy.drift import Command, pulumi
from ml import digest
from ml.fault import Fault

# When a resource was written says nothing about what it is.
TIMES = ("created", "modified")


def state_hash(stack: str, command: Command = pulumi) -> str:
    """sha256 over the resources and outputs of the stack; secrets are in it as they are kept, encrypted.

    Raises:
        Fault: Pulumi does not tell.
    """
    where = f"pulumi stack export --stack {stack}"
    code, text = command(["pulumi", "stack", "export", "--stack", stack, "--non-interactive", "--color", "never"])
    try:
        if code:
            raise ValueError(text.strip().splitlines()[-1] if text.strip() else f"ended with {code}")
        resources = json.loads(text)["deployment"].get("resources") or []
    except (ValueError, KeyError, AttributeError) as error:
        raise Fault(str(error), where, "log in: az login, pulumi login") from None
    return digest.of_bytes(json.dumps([_lasting(one) for one in resources], sort_keys=True).encode())


def _lasting(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key not in TIMES}
