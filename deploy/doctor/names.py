"""Checks of names that are one in the world, and of what a deletion left behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deploy.doctor.finding import Finding, fault, ok
from deploy.doctor.seam import Seam, az

Facts = Mapping[str, Any]
BUMP = "take another: pulumi config set suffix x1234 --stack …"


def check_global_names(seam: Seam, facts: Facts) -> list[Finding]:
    """A name is free, or already ours."""
    group, taken = facts["names"]["group"], []
    asked = {
        "storage": ("storage", "account", "check-name", "--name"),
        "images": ("acr", "check-name", "--name"),
        "vault": ("keyvault", "check-name", "--name"),
    }
    ours = (
        {row["name"] for row in az(seam, "resource", "list", "--resource-group", group) or []}
        if _exists(seam, group)
        else set()
    )
    for word, question in asked.items():
        name = facts["globalNames"][word]
        answer = az(seam, *question, name)
        if name not in ours and not answer["nameAvailable"]:
            taken.append(
                fault(
                    "names",
                    f"the {word} name {name} is taken: {answer.get('message') or answer.get('reason')}",
                    BUMP,
                )
            )
    return taken or [ok("names", "free or already ours")]


def check_leftovers(seam: Seam, facts: Facts) -> list[Finding]:
    """A deleted vault or workspace keeps its name for days (P8)."""
    findings = []
    vault, location = facts["globalNames"]["vault"], facts["location"]
    if any(row["name"] == vault for row in az(seam, "keyvault", "list-deleted") or []):
        findings.append(
            fault(
                "leftovers",
                f"the vault {vault} is deleted but not gone",
                f"az keyvault purge --name {vault} --location {location}, or {BUMP}",
            )
        )
    workspace = facts["names"]["workspace"]
    url = f"https://management.azure.com/subscriptions/{{subscriptionId}}/providers/Microsoft.MachineLearningServices/locations/{location}/deletedWorkspaces?api-version=2024-10-01"
    deleted = az(seam, "rest", "--method", "get", "--url", url) or {}
    if any(row["name"] == workspace for row in deleted.get("value", [])):
        findings.append(
            fault(
                "leftovers",
                f"the workspace {workspace} is deleted but not gone",
                "make infra-down purges it, or " + BUMP,
            )
        )
    return findings or [ok("leftovers", "nothing deleted stands in the way")]


def _exists(seam: Seam, group: str) -> bool:
    result = seam("az", "group", "exists", "--name", group, "--output", "json")
    return result.code == 0 and bool(json.loads(result.out or "false"))
