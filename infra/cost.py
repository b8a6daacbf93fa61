"""What a stack costs a month, idle and busy, from its profile and the price table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.prices import Price
from infra.profiles import GPU_POOL, MEMORY_POOL, NodePool, Profile
from infra.settings import StackSettings

ENDPOINTS = 7  # workspace, blob, file, queue, table, vault, registry


@dataclass(frozen=True)
class Line:
    """One resource: what is counted, how many while nothing runs, how many while everything does."""

    resource: str
    item: str
    idle: float
    busy: float


def _pool(resource: str, pool: NodePool, priority: str = "Dedicated") -> Line:
    low = "-low-priority" if priority == "LowPriority" else ""
    return Line(resource, f"vm-{pool.size}{low}", pool.least, pool.most)


def _aks(profile: Profile) -> list[Line]:
    return [
        Line("AKS control plane", f"aks-{profile.kubernetes_tier.lower()}", 1, 1),
        _pool("AKS system nodes", profile.system_pool),
        _pool("AKS user nodes", profile.user_pool),
        Line("AKS load balancer", "load-balancer", 1, 1),
    ]


def _network() -> list[Line]:
    return [
        Line("private endpoints", "private-endpoint", ENDPOINTS, ENDPOINTS),
        Line("NAT gateway", "nat-gateway", 1, 1),
        Line("public address", "public-address", 1, 1),
    ]


def lines(profile: Profile, settings: StackSettings) -> tuple[Line, ...]:
    """Everything of a stack that is billed by time; what is billed by use (blobs, requests) is not counted."""
    low = "LowPriority" if "low-priority" in settings.clusters else profile.cluster_priority
    pool = profile.cluster
    if settings.cluster_nodes:
        pool = NodePool(pool.size, pool.least, settings.cluster_nodes)
    found = [
        Line("container registry", f"images-{profile.images_sku}", 1, 1),
        _pool("CPU cluster", pool, low),
    ]
    found.append(Line("cluster's load balancer", "load-balancer", 1, 1))
    extra = {"gpu": ("GPU cluster", GPU_POOL), "memory": ("memory cluster", MEMORY_POOL)}
    found += [
        _pool(name, size, profile.cluster_priority) for word, (name, size) in extra.items() if word in settings.clusters
    ]
    if profile.instances and settings.users:
        people = len(settings.users)
        found.append(Line("compute instances", f"vm-{profile.instance_size}", 0, people))
        found.append(Line("instances' load balancers", "load-balancer", people, people))
    found += _aks(profile) if settings.aks else []
    private = profile.private and settings.network == "private"
    found += _network() if private else []
    if profile.isolation == "AllowOnlyApprovedOutbound":
        found.append(Line("managed network's firewall", "firewall", 1, 1))
    if profile.log_cap_gb:  # without a cap they are billed by use, and nobody knows how much that is
        found.append(Line("logs, GB a month", "logs-gb", 0, profile.log_cap_gb * 30))
    return tuple(found)


def priced(stack_lines: tuple[Line, ...], prices: Mapping[str, Price]) -> list[dict[str, object]]:
    """Each line with its monthly prices; None is unknown."""
    rows: list[dict[str, object]] = []
    for line in stack_lines:
        price = prices[line.item]
        idle = 0.0 if line.idle == 0 else price.monthly(line.idle)
        busy = 0.0 if line.busy == 0 else price.monthly(line.busy)
        rows.append(
            {"resource": line.resource, "item": line.item, "idleCount": line.idle, "busyCount": line.busy,
             "idle": idle, "busy": busy, "source": price.source, "read": price.read}
        )  # fmt: skip
    return rows


def total(rows: list[dict[str, object]], side: str) -> dict[str, object]:
    """The sum of what is known, and what is not in it."""
    known = sum(float(str(row[side])) for row in rows if row[side] is not None)
    unknown = [str(row["resource"]) for row in rows if row[side] is None]
    return {"known": round(known, 2), "unknown": unknown}
