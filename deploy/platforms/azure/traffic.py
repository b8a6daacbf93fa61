"""Traffic and mirror of an endpoint, by the service's rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.platforms.azure.endpoints import Endpoints, traffic_of
from ml.fault import Fault

MOST_MIRRORED = 50


@dataclass(frozen=True)
class Traffic:
    """What the requests to an endpoint go to."""

    endpoints: Endpoints

    def set(self, problem: str, traffic: Mapping[str, int]) -> None:
        """Writes the traffic and waits until it is read back.

        Raises:
            Fault: it does not sum to 100 (or is empty), or is not read back in time.
        """
        wanted = {name: percent for name, percent in traffic.items() if percent}
        if wanted and (sum(wanted.values()) != 100 or min(wanted.values()) < 0):
            raise Fault(f"traffic sums to 100: {dict(traffic)}", problem, "it is a fault of this program")

        def change(entity: Any) -> None:
            entity.traffic = dict(wanted)

        self.endpoints.change(problem, change, lambda read: _same(traffic_of(read), wanted))

    def mirror(self, problem: str, mirror: Mapping[str, int]) -> None:
        """Writes the mirror and waits until it is read back.

        Endpoints on Kubernetes do not mirror: there the release's own requests, held-back rows sent to each
        deployment by header, are what the candidate is looked at under, and nothing is written.

        Raises:
            Fault: it is not read back in time.
        """
        if not self.endpoints.serving.is_managed:
            return
        wanted = {name: percent for name, percent in mirror.items() if percent}
        if len(wanted) > 1 or any(percent > MOST_MIRRORED for percent in wanted.values()):
            message = f"one deployment is mirrored to, by {MOST_MIRRORED} % at most: {dict(mirror)}"
            raise Fault(message, problem, "correct `mirror` in the rollout policy")

        def change(entity: Any) -> None:
            entity.traffic = traffic_of(entity)  # as read, zeros stand for deployments without any
            entity.mirror_traffic = dict(wanted)

        self.endpoints.change(problem, change, lambda read: _same(read.mirror_traffic or {}, wanted))


def _same(read: Mapping[str, int], wanted: Mapping[str, int]) -> bool:
    """The service lower-cases names and may keep zeros."""
    return {n.lower(): int(p) for n, p in read.items() if p} == {n.lower(): p for n, p in wanted.items()}
