"""Whether each deployer's roles reach every scope that its stack writes."""

from __future__ import annotations

from collections.abc import Iterable

from infra.deployers import Deployer, deployer_grants
from infra.grants import Grant

# What a role may write, by the prefix of the resource's type; "*" is everything but role assignments.
WRITES: dict[str, tuple[str, ...]] = {
    "Contributor": ("*",),
    "Role Based Access Control Administrator": ("authorization:RoleAssignment",),
    "Azure Kubernetes Service RBAC Cluster Admin": ("kubernetes:",),
}


def may_write(grants: Iterable[Grant], type_: str, scope: str) -> bool:
    """Whether one of the grants lets a resource of this type be written in the scope (a word like group-dev)."""
    assignment = type_.endswith("authorization:RoleAssignment")
    for grant in grants:
        for pattern in WRITES.get(grant.role, ()) if grant.scope == scope else ():
            if assignment and pattern == "authorization:RoleAssignment":
                return True
            if not assignment and (pattern == "*" or pattern in type_):
                return True
    return False


def infrastructure_grants(stack: str) -> tuple[Grant, ...]:
    """The roles with which a stack is applied; for shared, those that bootstrap gives its identity."""
    if stack == "shared":
        roles = ("Contributor", "Role Based Access Control Administrator")
        return tuple(Grant("infrastructure-shared", role, "subscription") for role in roles)
    return deployer_grants(Deployer("infrastructure", stack))
