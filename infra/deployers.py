"""Who deploys: the identities of the workflows, their subjects and their roles, decided apart from the resources."""

from __future__ import annotations

from dataclasses import dataclass

from infra.grants import Grant, grants
from infra.profiles import PROFILES
from infra.roles import only_roles
from infra.settings import StackSettings

PURPOSES = ("preview", "watch", "infrastructure", "ml")
PLACES = ("dev", "prod")
# GitHub's environments. `watch` reads all stacks: the next step before its approval, drift, the models; `rollback` goes back.
ENVIRONMENTS = ("shared", "dev", "watch", "prod", "rollback")
APPROVED = ("shared", "prod", "rollback")  # dev follows main by itself, and who watches changes nothing that serves
ADMINISTRATOR = "Role Based Access Control Administrator"


@dataclass(frozen=True)
class Deployer:
    """One identity for a purpose in a stack; `shared` has no machine learning."""

    purpose: str
    stack: str

    @property
    def word(self) -> str:
        """How the outputs call it, as in ml-dev."""
        return f"{self.purpose}-{self.stack}"


def deployers() -> tuple[Deployer, ...]:
    """All of them; the infrastructure identity of `shared` is the one that bootstrap makes."""
    return (
        Deployer("preview", "shared"),
        Deployer("watch", "shared"),
        *(Deployer(purpose, stack) for stack in PLACES for purpose in PURPOSES),
    )


def entrances(deployer: Deployer) -> tuple[str, ...]:
    """How a workflow becomes a deployer: by a pull request, or inside a GitHub environment."""
    if deployer.purpose == "preview":
        return ("pull_request",)
    if deployer.purpose == "watch":
        return ("environment:watch",)
    own = (f"environment:{deployer.stack}",)
    return (*own, "environment:rollback") if deployer.word == "ml-prod" else own


def subjects(deployer: Deployer, repository: str, repository_ids: str = "") -> tuple[str, ...]:
    """The subjects that GitHub's tokens carry for a deployer.

    A preview works for pull requests, everything else only inside its GitHub environment. Repositories made,
    renamed or moved since 15 July 2026 send a form with ids that never change: both are trusted where the
    ids are known (3.6).
    """
    owner, name = repository.split("/")
    forms = [f"repo:{owner}/{name}"]
    if repository_ids:
        owner_id, repository_id = repository_ids.split("/")
        forms.append(f"repo:{owner}@{owner_id}/{name}@{repository_id}")
    return tuple(f"{form}:{tail}" for tail in entrances(deployer) for form in forms)


def handed_out() -> tuple[str, ...]:
    """Every role that dev or prod hands out, whatever is switched on."""
    found: set[str] = set()
    for profile in PROFILES.values():
        for network in ("private", "public"):
            found |= {grant.role for grant in grants(profile, _everything(network))}
    return tuple(sorted(found))


def _everything(network: str) -> StackSettings:
    import datetime as dt

    return StackSettings(
        budget=1,
        alert="",
        budget_start=dt.date(2026, 1, 1),
        repository="o/n",
        network=network,
        spark=True,
        team="t",
    )


def deployer_grants(deployer: Deployer) -> tuple[Grant, ...]:
    """The roles of a deployer; the scopes are `group-<stack>`, `registry`, `state` and `state-key-<stack>`."""
    group, key = f"group-{deployer.stack}", f"state-key-{deployer.stack}"
    reads = ("Storage Blob Data Reader", "state"), ("Key Vault Crypto User", key)
    rows: dict[str, tuple[tuple[str, str], ...]] = {
        "preview": (
            ("Reader", group),
            ("Azure Kubernetes Service Cluster User Role", group),
            ("Azure Kubernetes Service RBAC Reader", group),
            *reads,
        ),
        "infrastructure": (
            ("Contributor", group),
            (ADMINISTRATOR, group),
            ("Azure Kubernetes Service Cluster User Role", group),
            ("Azure Kubernetes Service RBAC Cluster Admin", group),
            ("Storage Blob Data Contributor", "state"),
            ("Key Vault Crypto User", key),
        ),
        "ml": (
            ("Reader", group),
            ("AzureML Data Scientist", group),
            ("AzureML Compute Operator", group),
            ("Storage Blob Data Contributor", group),
            ("Managed Identity Operator", group),
            ("AzureML Registry User" if deployer.stack == "dev" else "Reader", "registry"),
            ("Storage Blob Data Reader", "state"),
        ),
    }
    rows["watch"] = (*rows["preview"], ("Storage Blob Data Reader", group), ("Reader", "registry"))
    chosen = rows[deployer.purpose]
    if deployer.stack == "shared":
        chosen = (("Reader", group), *reads)
    elif deployer.word in ("watch-prod", "ml-prod"):  # they work behind prod's network, from main alone
        chosen = (*chosen, ("Container Apps Jobs Operator", group))
    if deployer.word == "watch-prod":  # the rows that prod was asked, once labels have come, go where dev trains
        chosen = (*chosen, ("Storage Blob Data Contributor", "group-dev"))
    return tuple(sorted(Grant(deployer.word, role, scope) for role, scope in chosen))


def conditions() -> dict[str, str]:
    """The administrator role is bounded to the roles that the program hands out."""
    return {ADMINISTRATOR: only_roles(list(handed_out()))}
