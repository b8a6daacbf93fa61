"""Checks of the way from GitHub to Azure: subjects, credentials, environments, the budget's start."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from deploy.doctor.finding import Finding, fault, ok, warning
from deploy.doctor.seam import Refused, Seam, az

Facts = Mapping[str, Any]


def check_credentials(seam: Seam, facts: Facts) -> list[Finding]:
    """Every identity trusts the subjects that this repository's tokens carry."""
    findings = []
    group = facts["names"]["group"].rsplit("-", 1)[0] + "-shared"
    prefix = group.removeprefix("rg-")
    for word, subjects in facts["subjects"].items():
        where = ("--identity-name", f"id-{prefix}-{word}", "--resource-group", group)
        try:
            trusted = {row["subject"] for row in az(seam, "identity", "federated-credential", "list", *where)}
        except Refused:
            findings.append(warning("credentials", f"the identity {word} is not made yet", "pulumi up --stack shared"))
            continue
        lacking = [subject for subject in subjects if subject not in trusted]
        findings += [
            fault("credentials", f"{word} does not trust {subject}", "pulumi up --stack shared") for subject in lacking
        ]
    return findings or [ok("credentials", "every identity trusts this repository")]


def check_subject(seam: Seam, facts: Facts) -> list[Finding]:
    """The form of subject that GitHub sends for this repository is one that is trusted."""
    repository = facts["repository"]
    found = seam("gh", "api", f"repos/{repository}")
    if found.code:
        return [
            warning(
                "subject",
                f"GitHub does not tell of {repository}",
                "gh auth login, and check `mlops:repository`",
            )
        ]
    about = json.loads(found.out)
    if about["full_name"].lower() != repository.lower():
        return [
            fault(
                "subject",
                f"{repository} is {about['full_name']} now",
                f"pulumi config set repository {about['full_name']} --stack shared",
            )
        ]
    ids = f"{about['owner']['id']}/{about['id']}"
    trusted = [subject for subjects in facts["subjects"].values() for subject in subjects]
    owner_id, repository_id = ids.split("/")
    if any(f"@{owner_id}/" in subject and f"@{repository_id}:" in subject for subject in trusted):
        return [ok("subject", f"both forms for {repository}")]
    remedy = f"pulumi config set repositoryIds {ids} --stack shared"
    return [warning("subject", f"only the older form of subject is trusted for {repository}", remedy)]


def check_environments(seam: Seam, facts: Facts) -> list[Finding]:
    """GitHub has the environments, and those that change what serves are approved by somebody."""
    found = seam("gh", "api", f"repos/{facts['repository']}/environments")
    if found.code:
        return [warning("environments", "GitHub does not tell of its environments", "gh auth login")]
    rules = {
        row["name"]: {rule["type"] for rule in row.get("protection_rules", [])}
        for row in json.loads(found.out)["environments"]
    }
    lacking = [name for name in facts["environments"] if name not in rules]
    findings = [
        fault("environments", f"GitHub has no environment `{name}`", "pulumi up --stack shared") for name in lacking
    ]
    findings += [
        fault("environments", f"nobody approves {name}", "pulumi config set reviewers '[…]' --stack shared")
        for name in facts["approved"]
        if name in rules and "required_reviewers" not in rules[name]
    ]
    return findings or [ok("environments", ", ".join(facts["environments"]))]


def check_budget_start(seam: Seam, facts: Facts, today: dt.date) -> list[Finding]:
    """A start in the past is in the way only while the stack holds no budget (B1)."""
    start, group = dt.date.fromisoformat(facts["budgetStart"]), facts["names"]["group"]
    if start >= today.replace(day=1):
        return [ok("budget", f"starts on {start}")]
    try:
        held = az(seam, "consumption", "budget", "list", "--resource-group-name", group) or []
    except Refused:
        held = []
    if held:
        return [ok("budget", f"made, since {start}")]
    first = today.replace(day=1)
    return [
        fault(
            "budget",
            f"a new budget cannot start on {start}",
            f"pulumi config set budgetStart {first} --stack {facts['stack']}",
        )
    ]
