"""The stand-in's ranges of what an online deployment sets, as the service documents them.

On learn.microsoft.com: the YAML schemas of managed and of Kubernetes online deployments (ProbeSettings,
RequestSettings, scale settings), and "Manage and increase quotas" for the request time-out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.stand_in.server import Refused

LONGEST_REQUEST_SECONDS = {"Managed": 180.0, "Kubernetes": 300.0}
DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?")


def check_ranges(properties: Mapping[str, Any], instances: int | None) -> None:
    """Refuses what is out of its range.

    Raises:
        Refused: (400) with every fault.
    """
    kubernetes = properties["endpointComputeType"] == "Kubernetes"
    faults = [*_of_probes(properties, kubernetes), *_of_requests(properties), *_of_scale(properties, kubernetes)]
    if instances is not None and instances < 1:
        faults.append("sku.capacity: at least 1")
    if faults:
        raise Refused(400, "BadArgument", "; ".join(faults))


def _of_probes(properties: Mapping[str, Any], kubernetes: bool) -> Iterator[str]:
    for name in ("livenessProbe", "readinessProbe"):
        probe = properties.get(name) or {}
        for key in ("initialDelay", "period", "timeout"):
            if _seconds(probe.get(key, "PT1S")) < 1:
                yield f"{name}.{key}: at least 1 second"
        for key in ("successThreshold", "failureThreshold"):
            if probe.get(key, 1) < 1:
                yield f"{name}.{key}: at least 1"
        if kubernetes and name == "livenessProbe" and probe.get("successThreshold", 1) > 1:
            yield f"{name}.successThreshold: Kubernetes takes 1 alone"


def _of_requests(properties: Mapping[str, Any]) -> Iterator[str]:
    settings = properties.get("requestSettings") or {}
    longest = LONGEST_REQUEST_SECONDS[properties["endpointComputeType"]]
    if not 0 < _seconds(settings.get("requestTimeout", "PT5S")) <= longest:
        yield f"requestSettings.requestTimeout: above 0 and at most {longest:.0f} seconds"
    if settings.get("maxConcurrentRequestsPerInstance", 1) < 1:
        yield "requestSettings.maxConcurrentRequestsPerInstance: at least 1"


def _of_scale(properties: Mapping[str, Any], kubernetes: bool) -> Iterator[str]:
    scale = properties.get("scaleSettings") or {}
    if scale.get("scaleType", "Default") == "Default":
        return
    if not kubernetes:
        yield "scaleSettings: a managed deployment takes the type default alone"
    if not 1 <= scale.get("minInstances", 1) <= scale.get("maxInstances", 1):
        yield "scaleSettings.minInstances: at least 1, and at most maxInstances"
    if not 1 <= scale.get("targetUtilizationPercentage", 70) <= 100:
        yield "scaleSettings.targetUtilizationPercentage: 1 to 100"
    if _seconds(scale.get("pollingInterval", "PT1S")) < 1:
        yield "scaleSettings.pollingInterval: at least 1 second"


def _seconds(duration: str) -> float:
    found = DURATION.fullmatch(duration)
    assert found is not None, duration  # described.py has refused what is none
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
