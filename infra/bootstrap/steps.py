"""What bootstrap makes, as a list of steps that each look first and write only what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from infra.deployers import handed_out
from infra.roles import ROLES, only_roles
from infra.settings import STACKS
from infra.state import CONTAINER, State

ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Step:
    """One thing: how to see whether it is there, and how to make it.

    Attributes:
        says: what it does, for the person who is asked.
        look: the `az` arguments that show it.
        make: the `az` arguments that make it.
        found: what the answer must hold for the thing to be there, by dotted path; empty: an answer suffices.
    """

    says: str
    look: tuple[str, ...]
    make: tuple[str, ...]
    found: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True)
class Target:
    """Where bootstrap works, and for which repository."""

    subscription: str
    location: str
    repository: str
    state: State
    person: str
    subjects: tuple[str, ...]


def _group(target: Target) -> list[Step]:
    group = target.state.group
    lock = ("lock", "show", "--name", "keep", "--resource-group", group)
    return [
        Step(f"the resource group {group}", ("group", "show", "--name", group),
             ("group", "create", "--name", group, "--location", target.location)),
        Step(f"a lock against deletion on {group}", lock,
             ("lock", "create", "--name", "keep", "--lock-type", "CanNotDelete", "--resource-group", group)),
    ]  # fmt: skip


def _storage(target: Target) -> list[Step]:
    account, group = target.state.account, target.state.group
    named = ("--account-name", account, "--resource-group", group)
    return [
        Step(f"the storage account {account} of Pulumi's state: no keys, nothing public, TLS 1.2",
             ("storage", "account", "show", "--name", account, "--resource-group", group),
             ("storage", "account", "create", "--name", account, "--resource-group", group, "--location",
              target.location, "--sku", "Standard_GRS", "--kind", "StorageV2", "--min-tls-version", "TLS1_2",
              "--allow-blob-public-access", "false", "--allow-shared-key-access", "false", "--https-only", "true")),
        Step("versions and thirty days of soft delete on it",
             ("storage", "account", "blob-service-properties", "show", *named),
             ("storage", "account", "blob-service-properties", "update", *named, "--enable-versioning", "true",
              "--enable-delete-retention", "true", "--delete-retention-days", "30",
              "--enable-container-delete-retention", "true", "--container-delete-retention-days", "30"),
             (("isVersioningEnabled", True), ("deleteRetentionPolicy.enabled", True))),
        Step(f"the container {CONTAINER}",
             ("storage", "container-rm", "show", "--name", CONTAINER, "--storage-account", account, "--resource-group", group),
             ("storage", "container-rm", "create", "--name", CONTAINER, "--storage-account", account, "--resource-group", group)),
    ]  # fmt: skip


def _keys(target: Target) -> list[Step]:
    vault, group = target.state.vault, target.state.group
    steps = [
        Step(f"the key vault {vault}, opened by roles, never purged",
             ("keyvault", "show", "--name", vault, "--resource-group", group),
             ("keyvault", "create", "--name", vault, "--resource-group", group, "--location", target.location,
              "--enable-rbac-authorization", "true", "--enable-purge-protection", "true", "--retention-days", "90")),
    ]  # fmt: skip
    steps += [_role(target, target.person, "Key Vault Administrator", vault_id(target), "User")]
    steps += [_role(target, target.person, "Storage Blob Data Contributor", account_id(target), "User")]
    steps += [
        Step(f"the key of the secrets of {stack} (its old versions are never deleted)",
             ("keyvault", "key", "show", "--vault-name", vault, "--name", stack),
             ("keyvault", "key", "create", "--vault-name", vault, "--name", stack, "--kty", "RSA", "--size", "3072"))
        for stack in STACKS
    ]  # fmt: skip
    return steps


def _identity(target: Target) -> list[Step]:
    name, group = target.state.identity, target.state.group
    steps = [
        Step(f"the identity {name} that applies the stack shared from its GitHub environment",
             ("identity", "show", "--name", name, "--resource-group", group),
             ("identity", "create", "--name", name, "--resource-group", group, "--location", target.location)),
    ]  # fmt: skip
    steps += [
        Step(f"trust in {subject}",
             ("identity", "federated-credential", "show", "--name", f"github-{number}", "--identity-name", name, "--resource-group", group),
             ("identity", "federated-credential", "create", "--name", f"github-{number}", "--identity-name", name,
              "--resource-group", group, "--issuer", ISSUER, "--subject", subject, "--audiences", "api://AzureADTokenExchange"),
             (("subject", subject),))
        for number, subject in enumerate(target.subjects)
    ]  # fmt: skip
    return steps


def account_id(target: Target) -> str:
    """The resource id of the state's account."""
    return f"{_group_id(target)}/providers/Microsoft.Storage/storageAccounts/{target.state.account}"


def vault_id(target: Target) -> str:
    """The resource id of the state's vault."""
    return f"{_group_id(target)}/providers/Microsoft.KeyVault/vaults/{target.state.vault}"


def _group_id(target: Target) -> str:
    return f"/subscriptions/{target.subscription}/resourceGroups/{target.state.group}"


def _role(target: Target, principal: str, role: str, scope: str, kind: str, condition: str = "") -> Step:
    bounded = ("--condition", condition, "--condition-version", "2.0") if condition else ()
    return Step(
        f"the role {role} for {'you' if kind == 'User' else 'that identity'} on {scope.rsplit('/', 1)[-1]}",
        ("role", "assignment", "list", "--assignee", principal, "--role", ROLES[role], "--scope", scope),
        ("role", "assignment", "create", "--assignee-object-id", principal, "--assignee-principal-type", kind,
         "--role", ROLES[role], "--scope", scope, *bounded),
    )  # fmt: skip


def steps(target: Target) -> tuple[Step, ...]:
    """Everything up to the identity, in order."""
    return tuple(_group(target) + _storage(target) + _keys(target) + _identity(target))


def identity_steps(target: Target, principal: str) -> tuple[Step, ...]:
    """What the first identity may do: make groups, and hand out the roles of this program only."""
    subscription = f"/subscriptions/{target.subscription}"
    handed = [*handed_out(), *_deployer_roles()]
    administrator = "Role Based Access Control Administrator"
    return (
        _role(target, principal, "Contributor", subscription, "ServicePrincipal"),
        _role(target, principal, administrator, subscription, "ServicePrincipal", only_roles(handed)),
        _role(target, principal, "Storage Blob Data Contributor", account_id(target), "ServicePrincipal"),
        _role(target, principal, "Key Vault Crypto User", vault_id(target), "ServicePrincipal"),
    )


def _deployer_roles() -> list[str]:
    from infra.deployers import deployer_grants, deployers

    return sorted({grant.role for one in deployers() for grant in deployer_grants(one)} - set(handed_out()))
