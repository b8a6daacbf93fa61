"""The service's ranges of what a deployment's asset sets, looked at before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.platforms.azure.serving import Compute
from ml.fault import invalid

# learn.microsoft.com: the YAML schemas of managed and of Kubernetes online deployments, and "Manage and increase
# quotas" for the longest request. The service would refuse most of it, but the SDK leaves out a time of 0 unseen.
LONGEST_REQUEST_MS: Mapping[str, int] = {"managed": 180_000, "kubernetes": 300_000}
PROBES = ("liveness_probe", "readiness_probe")
OF_A_PROBE = ("initial_delay", "period", "timeout", "success_threshold", "failure_threshold")


def check_ranges(loaded: Any, compute: Compute, asset: Path) -> None:
    """Refuses a deployment whose numbers the service does not take, or would not be given.

    Args:
        loaded: the SDK's entity, as its asset has it.
        compute: what serves.
        asset: for the fault.

    Raises:
        Fault: with every number that is out of its range.
    """
    wrong = []
    for part, key, most in _numbers(compute):
        value = getattr(getattr(loaded, part, None), key, None)
        if value is not None and not 1 <= value <= most:
            wrong.append(f"`{part}.{key}` is {value}, not {_told(most)}")
    if wrong:
        raise invalid("; ".join(wrong), str(asset), "correct the asset, then give the same command again")


def _numbers(compute: Compute) -> Iterator[tuple[str, str, float]]:
    """Part, key, the most that it may be; the least is 1 everywhere."""
    for probe in PROBES:
        for key in OF_A_PROBE:
            yield probe, key, math.inf
    if compute == "kubernetes":  # its own rule: what lives is not asked twice
        yield "liveness_probe", "success_threshold", 1
    yield "request_settings", "request_timeout_ms", LONGEST_REQUEST_MS[compute]
    yield "request_settings", "max_concurrent_requests_per_instance", math.inf
    yield "scale_settings", "target_utilization_percentage", 100
    yield "scale_settings", "polling_interval", math.inf


def _told(most: float) -> str:
    return "at least 1" if most == math.inf else "1" if most == 1 else f"1 to {most}"
