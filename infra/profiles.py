"""The values in which dev and prod differ: one frozen profile for each stack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NodePool:
    """A pool of virtual machines that scales between `least` and `most` nodes."""

    size: str
    least: int
    most: int


@dataclass(frozen=True)
class Profile:
    """Everything about a stack that is decided here and not typed by a person."""

    private: bool
    isolation: str
    storage_sku: str
    blob_retention_days: int
    vault_retention_days: int
    purge_protection: bool | None
    images_sku: str
    images_zone_redundant: bool
    kubernetes_tier: str
    kubernetes_zones: tuple[str, ...]
    system_pool: NodePool
    user_pool: NodePool
    kubernetes_purpose: str
    router_highly_available: bool
    insecure_connections: bool
    cluster: NodePool
    cluster_priority: str
    cluster_idle: str
    instances: bool
    instance_size: str
    instance_idle: str
    log_retention_days: int
    log_cap_gb: float | None
    keeps_data: bool
    people_write: bool
    latency_ms: int = 500


DEV = Profile(
    private=False,
    isolation="AllowInternetOutbound",
    storage_sku="Standard_LRS",
    blob_retention_days=7,
    vault_retention_days=7,
    purge_protection=None,  # the service refuses an explicit False (K1)
    images_sku="Standard",
    images_zone_redundant=False,
    kubernetes_tier="Free",
    kubernetes_zones=(),
    system_pool=NodePool("Standard_D4s_v5", 1, 1),
    user_pool=NodePool("Standard_D4s_v5", 0, 2),
    kubernetes_purpose="DevTest",
    router_highly_available=False,
    insecure_connections=True,
    cluster=NodePool("Standard_DS3_v2", 0, 2),
    cluster_priority="LowPriority",
    cluster_idle="PT2M",
    instances=True,
    instance_size="Standard_DS3_v2",
    instance_idle="PT30M",
    log_retention_days=30,
    log_cap_gb=1.0,
    keeps_data=False,
    people_write=True,
)

PROD = Profile(
    private=True,
    isolation="AllowOnlyApprovedOutbound",
    storage_sku="Standard_ZRS",
    blob_retention_days=30,
    vault_retention_days=90,
    purge_protection=True,
    images_sku="Premium",
    images_zone_redundant=True,
    kubernetes_tier="Standard",
    kubernetes_zones=("1", "2", "3"),
    system_pool=NodePool("Standard_D4ds_v5", 3, 5),
    user_pool=NodePool("Standard_D4ds_v5", 3, 6),
    kubernetes_purpose="FastProd",
    router_highly_available=True,
    insecure_connections=False,
    cluster=NodePool("Standard_DS3_v2", 0, 4),
    cluster_priority="Dedicated",
    cluster_idle="PT15M",
    instances=False,
    instance_size="",
    instance_idle="",
    log_retention_days=90,
    log_cap_gb=None,
    keeps_data=True,
    people_write=False,
)

PROFILES = {"dev": DEV, "prod": PROD}
# Clusters beside the CPU cluster, each switched on by its word in `mlops:clusters`.
GPU_POOL = NodePool("Standard_NC4as_T4_v3", 0, 1)
MEMORY_POOL = NodePool("Standard_E16ds_v5", 0, 2)
# The package hosts that jobs may reach from prod's network; each needs the billed firewall (W3).
APPROVED_HOSTS = ("pypi.org", "files.pythonhosted.org", "mcr.microsoft.com", "*.data.mcr.microsoft.com")


def profile_faults(profile: Profile, zones: bool) -> list[str]:
    """Combinations of SKU and zone that Azure refuses; `zones` says whether the region has them."""
    premium, zonal = profile.images_sku == "Premium", profile.storage_sku.endswith("ZRS")
    rules = [
        (
            not zones and (zonal or profile.images_zone_redundant or bool(profile.kubernetes_zones)),
            "the region has no availability zones, which ZRS, a zone-redundant registry or AKS over zones want",
        ),
        (
            profile.images_zone_redundant and not premium,
            f"a zone-redundant container registry is Premium, not {profile.images_sku}",
        ),
        (
            profile.private and not premium,
            f"a container registry with a private endpoint is Premium, not {profile.images_sku}",
        ),
        (
            profile.system_pool.least < len(profile.kubernetes_zones),
            f"AKS over {len(profile.kubernetes_zones)} zones wants as many system nodes, not {profile.system_pool.least}",
        ),
        (
            profile.router_highly_available and profile.user_pool.least < 3,
            f"a highly available inference router wants 3 user nodes, not {profile.user_pool.least}",
        ),
        (
            profile.keeps_data and profile.purge_protection is not True,
            "a stack that keeps data has purge protection on its vault",
        ),
    ]
    return [fault for broken, fault in rules if broken]
