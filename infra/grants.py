"""Who may do what where: the role matrix, decided apart from the resources."""

from __future__ import annotations

from dataclasses import dataclass

from infra.profiles import Profile
from infra.settings import StackSettings


@dataclass(frozen=True, order=True)
class Grant:
    """One role of one principal at one scope; all three are words that a component resolves."""

    principal: str
    role: str
    scope: str


def _each(principal: str, *pairs: tuple[str, str]) -> list[Grant]:
    return [Grant(principal, role, scope) for role, scope in pairs]


def _workspace(private: bool, aks: bool) -> list[Grant]:
    """The workspace's own identity (3.1): a user-assigned one gets nothing by itself."""
    given = _each(
        "workspace",
        *(("Contributor", scope) for scope in ("workspace", "storage", "vault", "images", "insights")),
        ("Storage Blob Data Contributor", "storage"),
        ("Storage File Data Privileged Contributor", "storage"),
        ("Key Vault Administrator", "vault"),
        *(("Azure AI Enterprise Network Connection Approver", scope) for scope in ("storage", "vault", "images")),
    )
    if private:
        given += _each("workspace", ("Reader", "endpoint-blob"), ("Reader", "endpoint-file"))
    if aks:
        given += _each(
            "workspace",
            ("Reader", "aks"),
            ("Kubernetes Extension Contributor", "aks"),
            ("Azure Kubernetes Service Cluster Admin Role", "aks"),
            ("Azure Kubernetes Service Contributor Role", "aks"),
        )
    return given


def _cluster() -> list[Grant]:
    """Jobs (3.2): model files, parallel steps (queue and table), images, secrets, child jobs."""
    return _each(
        "cluster",
        ("Storage Blob Data Contributor", "storage"),
        ("Storage Queue Data Contributor", "storage"),
        ("Storage Table Data Contributor", "storage"),
        ("AcrPull", "images"),
        ("Key Vault Secrets User", "vault"),
        ("AzureML Data Scientist", "workspace"),
    )


def _aks(network: bool, certificate: bool) -> list[Grant]:
    """The cluster's identities (3.3); its secrets add-on reads the endpoints' certificate."""
    given = _each("kubelet", ("AcrPull", "images"))
    given += _each("secrets", ("Key Vault Secrets User", "vault")) if certificate else []
    given += _each("kubernetes", ("AcrPull", "images"), ("Storage Blob Data Contributor", "storage"))
    given += _each("aks", ("Managed Identity Operator", "identity-kubelet"))
    return given + (_each("aks", ("Network Contributor", "subnet-aks")) if network else [])


def _endpoint() -> list[Grant]:
    """A user-assigned endpoint identity gets nothing by itself (3.4)."""
    return _each(
        "endpoint",
        ("AcrPull", "images"),
        ("Storage Blob Data Contributor", "storage"),  # the collected requests are written by the deployment
        ("AzureML Metrics Writer (preview)", "workspace"),
    )


def _team(write: bool) -> list[Grant]:
    """People, by one Entra group (3.5): in prod they read."""
    if not write:
        return _each("team", ("Reader", "workspace"), ("Storage Blob Data Reader", "storage"))
    return _each(
        "team",
        ("AzureML Data Scientist", "workspace"),
        ("AzureML Compute Operator", "workspace"),
        ("Storage Blob Data Contributor", "storage"),
        ("Storage File Data Privileged Contributor", "storage"),
    )


def grants(profile: Profile, settings: StackSettings) -> tuple[Grant, ...]:
    """The role matrix of dev or prod, sorted."""
    private = profile.private and settings.network == "private"
    given = _workspace(private, settings.aks) + _cluster() + _endpoint()
    given += _aks(private, not profile.insecure_connections) if settings.aks else []
    if not profile.insecure_connections:  # also without AKS: the first up makes the certificate before the cluster
        given += _each("infrastructure", ("Key Vault Certificates Officer", "vault"))
    given += _team(profile.people_write) if settings.team else []
    if settings.spark:  # serverless Spark works on the data as the identity that submits the job
        given += _each("ml", ("Storage Blob Data Contributor", "storage"), ("Contributor", "storage"))
    if private:
        given += _each("runners", ("Key Vault Crypto User", "vault"))
    return tuple(sorted(given))


def phase(grant: Grant) -> str:
    """When an assignment can be made: `before` the workspace, on the `workspace`, or with the `aks` cluster."""
    if grant.scope == "aks" or grant.principal == "secrets":
        return "aks"
    return "workspace" if grant.scope == "workspace" else "before"
