"""The service's numbers and the release's own, as one account of each deployment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from deploy.platforms.azure.live.probes import Probes, monotonic
from deploy.platforms.azure.live.traffic_seen import Seen
from deploy.release.analysis import Live

ASK_EVERY_SECONDS = 15.0  # the sources move by the minute

Source = Callable[[str, float, float], Mapping[str, Seen]]


@dataclass
class LiveNumbers:
    """What is known of an endpoint's deployments in front of requests.

    How many requests there were, how many failed and how long they took is the service's to tell, as it sees
    the users' requests too. What was predicted only the probes know. Neither stands in for the other: what its
    own source does not tell stays unknown, and what is unknown is never well.
    """

    source: Source
    probes: Probes = field(default_factory=Probes)
    _told: dict[tuple[str, float], tuple[float, Mapping[str, Seen]]] = field(default_factory=dict)

    def since(self, endpoint: str, moment: float) -> Mapping[str, Live]:
        """By deployment, what was seen from a moment (seconds of the epoch) on."""
        told, probed = self._ask(endpoint, moment), self.probes.since(monotonic(moment))
        return {name: together(told.get(name), probed.get(name)) for name in {*told, *probed}}

    def _ask(self, endpoint: str, moment: float) -> Mapping[str, Seen]:
        asked, told = self._told.get((endpoint, moment), (float("-inf"), {}))
        now = time.monotonic()
        if now - asked >= ASK_EVERY_SECONDS:
            told = self.source(endpoint, moment, time.time())
            self._told[(endpoint, moment)] = (now, told)
        return told


def together(told: Seen | None, probed: Live | None) -> Live:
    """One account: of the service, and of the probes what the service does not see.

    A probe that failed counts at once, before the service tells of it: going back early is safe.
    """
    own = probed or Live()
    if told is None:
        return replace(own, requests=own.failures, refused=0, latency_p95_ms=Live().latency_p95_ms)
    return replace(
        own,
        requests=max(told.requests, own.failures),
        failures=max(told.failures, own.failures),
        refused=told.refused,
        latency_p95_ms=told.latency_p95_ms,
    )
