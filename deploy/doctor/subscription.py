"""Checks of the subscription: login, providers, roles, quota."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.doctor.finding import Finding, fault, ok
from deploy.doctor.seam import Refused, Seam, az

Facts = Mapping[str, Any]


def check_login(seam: Seam) -> list[Finding]:
    """Somebody is logged in, to a subscription that is on."""
    try:
        account = az(seam, "account", "show")
    except Refused:
        return [fault("login", "nobody is logged in to Azure", "az login")]
    if account["state"] != "Enabled":
        return [
            fault(
                "login",
                f"the subscription {account['name']} is {account['state']}",
                "choose another: az account set --subscription …",
            )
        ]
    return [ok("login", f"{account['user']['name']} in {account['name']} ({account['id']})")]


def check_providers(seam: Seam, facts: Facts) -> list[Finding]:
    """Every resource provider is registered."""
    known = {row["namespace"].lower(): row["registrationState"] for row in az(seam, "provider", "list")}
    missing = [name for name in facts["providers"] if known.get(name.lower()) != "Registered"]
    if not missing:
        return [ok("providers", f"{len(facts['providers'])} registered")]
    return [
        fault(
            "providers",
            f"{name} is {known.get(name.lower(), 'unknown')}",
            f"az provider register --namespace {name} --wait",
        )
        for name in missing
    ]


def check_region(seam: Seam, facts: Facts) -> list[Finding]:
    """The region has every service that the stack is made of."""
    location, places = facts["location"], {}
    for row in az(seam, "provider", "list"):
        for kind in row.get("resourceTypes") or []:
            where = {place.replace(" ", "").lower() for place in kind["locations"]}
            places[f"{row['namespace']}/{kind['resourceType']}".lower()] = where
    # A kind without a list of places is everywhere.
    absent = [one for one in facts["services"] if location not in (places.get(one.lower(), set()) or {location})]
    remedy = "choose another region: pulumi config set location … --stack shared"
    findings = [fault("region", f"{location} has no {service}", remedy) for service in absent]
    return findings or [ok("region", f"{location} has {len(facts['services'])} of {len(facts['services'])} services")]


def check_roles(seam: Seam, facts: Facts) -> list[Finding]:
    """Every role is Azure's own under the id that the program assigns."""
    by_id = {row["name"]: row["roleName"] for row in az(seam, "role", "definition", "list")}
    findings = []
    for role, identity in facts["roles"].items():
        named = by_id.get(identity)
        if named is None:
            findings.append(
                fault(
                    "roles",
                    f"there is no role {identity} ({role})",
                    "mend infra/roles.py from: az role definition list",
                )
            )
        elif named != role:
            findings.append(
                fault(
                    "roles",
                    f"{identity} is `{named}`, not `{role}`",
                    "mend infra/roles.py from: az role definition list",
                )
            )
    return findings or [ok("roles", f"{len(facts['roles'])} roles are what they are called")]


def check_quota(seam: Seam, facts: Facts) -> list[Finding]:
    """The region has cores left in every family of the configured sizes."""
    rows = az(seam, "vm", "list-usage", "--location", facts["location"])
    left = {row["name"]["value"].lower(): int(row["limit"]) - int(row["currentValue"]) for row in rows}
    findings = []
    for family, wanted in facts["quotas"].items():
        free = left.get(family.lower())
        if free is None:
            findings.append(fault("quota", f"{facts['location']} has no {family}", "choose another region or size"))
        elif free < wanted:
            findings.append(
                fault(
                    "quota",
                    f"{family} has {free} cores left in {facts['location']}, {wanted} are wanted",
                    "ask for more in the portal under Quotas, or choose smaller pools",
                )
            )
    return findings or [ok("quota", f"enough cores in {facts['location']}")]


def check_sizes(seam: Seam, facts: Facts) -> list[Finding]:
    """The region offers every configured size to this subscription."""
    rows = az(seam, "vm", "list-skus", "--location", facts["location"], "--resource-type", "virtualMachines")
    offered = {row["name"] for row in rows if not any(r["type"] == "Location" for r in row.get("restrictions") or [])}
    absent = [size for size in facts["sizes"] if size not in offered]
    if absent:
        return [
            fault(
                "sizes",
                f"{facts['location']} does not offer {size} to this subscription",
                "choose another region or size",
            )
            for size in absent
        ]
    return [ok("sizes", f"{facts['location']} offers {', '.join(facts['sizes'])}")]
