"""Checks of what `shared` makes of the repository on GitHub: approvals, variables, the protection of main."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deploy.doctor.finding import Finding, fault, ok, warning
from deploy.doctor.seam import Seam

Facts = Mapping[str, Any]
UP = "pulumi up --stack shared"
# What the workflows log in with: of the repository, and of each environment.
OF_ALL = (
    "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID", "PROD_RUNNER",
    "AZURE_CLIENT_ID_PREVIEW_DEV", "AZURE_CLIENT_ID_PREVIEW_PROD",
    "AZURE_CLIENT_ID_WATCH_SHARED", "AZURE_CLIENT_ID_WATCH_DEV", "AZURE_CLIENT_ID_WATCH_PROD",
)  # fmt: skip
OF_ENVIRONMENT = {
    "shared": ("AZURE_CLIENT_ID_INFRASTRUCTURE",),
    "dev": ("AZURE_CLIENT_ID_INFRASTRUCTURE", "AZURE_CLIENT_ID_ML"),
    "prod": ("AZURE_CLIENT_ID_INFRASTRUCTURE", "AZURE_CLIENT_ID_ML"),
    "rollback": ("AZURE_CLIENT_ID_ML",),
}


def check_approvals(seam: Seam, facts: Facts) -> list[Finding]:
    """Only main enters an environment, nobody passes one by, and whoever asks for prod does not approve it."""
    found = _asked(seam, f"repos/{facts['repository']}/environments")
    if found is None:
        return [warning("approvals", "GitHub does not tell of its environments", "gh auth login")]
    findings: list[Finding] = []
    for row in found["environments"]:
        name = row["name"]
        if name not in facts["environments"]:
            continue
        rules = {rule["type"]: rule for rule in row.get("protection_rules", [])}
        if not (row.get("deployment_branch_policy") or {}).get("custom_branch_policies"):
            findings.append(fault("approvals", f"any branch may enter {name}", UP))
        if name in facts["approved"] and row.get("can_admins_bypass", False):
            findings.append(fault("approvals", f"an administrator passes {name} by", UP))
        asks = rules.get("required_reviewers")
        if asks is not None and name != "rollback" and not asks.get("prevent_self_review"):
            findings.append(fault("approvals", f"who asks for {name} may approve it", UP))
    return findings or [ok("approvals", f"{', '.join(facts['approved'])} by a reviewer, from main alone")]


def check_variables(seam: Seam, facts: Facts) -> list[Finding]:
    """Every variable that a workflow logs in with has a value."""
    place, lacking = f"repos/{facts['repository']}", []
    for environment, wanted in (("", OF_ALL), *OF_ENVIRONMENT.items()):
        where = f"{place}/environments/{environment}/variables" if environment else f"{place}/actions/variables"
        found = _asked(seam, f"{where}?per_page=30")
        if found is None:
            return [warning("variables", f"GitHub does not tell of {where}", "gh auth login, or ask an administrator")]
        there = {row["name"] for row in found["variables"] if row["value"]}
        lacking += [f"{name}{f' of {environment}' if environment else ''}" for name in wanted if name not in there]
    faults = [fault("variables", f"GitHub has no variable {name}", UP) for name in lacking]
    return faults or [ok("variables", "all that the workflows log in with")]


def check_main(seam: Seam, facts: Facts) -> list[Finding]:
    """Nothing reaches main without a review and the checks, not by an administrator either."""
    found = _asked(seam, f"repos/{facts['repository']}/branches/main/protection")
    if found is None:
        return [fault("main", "main is not protected, or GitHub does not tell", f"{UP}, or gh auth login")]
    reviews = (found.get("required_pull_request_reviews") or {}).get("required_approving_review_count", 0)
    asked = set((found.get("required_status_checks") or {}).get("contexts", ()))
    wrong = {
        "main takes changes that nobody has reviewed": reviews < 1,
        "main takes changes whose tests did not pass": not asked,
        "an administrator passes the protection of main by": not (found.get("enforce_admins") or {}).get("enabled"),
        "the history of main can be written anew": (found.get("allow_force_pushes") or {}).get("enabled", False),
    }
    findings = [fault("main", sentence, UP) for sentence, holds in wrong.items() if holds]
    return findings or [ok("main", f"asks for a review and for {', '.join(sorted(asked))}")]


def _asked(seam: Seam, path: str) -> Any:
    """GitHub's answer; None where it does not tell."""
    found = seam("gh", "api", path)
    return None if found.code else json.loads(found.out)
