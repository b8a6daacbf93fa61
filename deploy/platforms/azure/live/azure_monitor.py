"""What Azure Monitor tells of a managed endpoint's deployments: requests, statuses, latency, by the minute."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.platforms.azure.live.traffic_seen import Seen, iso
from deploy.platforms.azure.sdk import Sdk

GRAIN, GRAIN_SECONDS = "PT1M", 60
MOST_SERIES = "1000"
MODEL_FAILED = 424


def seen(sdk: Sdk, endpoint: str, since: float, until: float) -> Mapping[str, Seen]:
    """By deployment, what was answered in the whole minutes between two moments (seconds of the epoch).

    A managed endpoint answers 424 for whatever its model does not answer with 200, so that the model's own
    status counts. The latency is the 95th percentile of each minute, weighted by the minute's requests. What
    is not known yet (Azure Monitor is some minutes behind) is not in the answer.
    """
    start = math.ceil(since / GRAIN_SECONDS) * GRAIN_SECONDS
    if until - start < GRAIN_SECONDS:
        return {}
    path = f"{sdk.outputs.workspace_id}/onlineEndpoints/{endpoint}/providers/Microsoft.Insights/metrics"
    window = f"{iso(start)}/{iso(until)}"
    counted = _ask(sdk, path, window, "RequestsPerMinute", "deployment", "statusCode", "modelStatusCode")
    timed = _ask(sdk, path, window, "RequestLatency_P95", "deployment")
    statuses: dict[str, Counter[int]] = defaultdict(Counter)
    by_minute: dict[str, Counter[str]] = defaultdict(Counter)
    for labels, moment, value in counted:
        status = _status(labels)
        statuses[labels["deployment"]][status] += round(value)
        by_minute[labels["deployment"]][moment] += round(value)
    latencies: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for labels, moment, value in timed:
        latencies[labels["deployment"]].append((value, by_minute[labels["deployment"]][moment]))
    return {name: Seen.of(statuses[name], _weighted(latencies[name])) for name in statuses}


def _ask(sdk: Sdk, path: str, window: str, metric: str, *dimensions: str) -> list[tuple[dict[str, str], str, float]]:
    """Each value with its labels and its minute."""
    query = {
        "api-version": "2018-01-01",
        "metricnames": metric,
        "timespan": window,
        "interval": GRAIN,
        "aggregation": "average",
        "$filter": " and ".join(f"{name} eq '*'" for name in dimensions),
        "top": MOST_SERIES,  # ten, where nothing is said
    }
    answer = sdk.rest(f"read the metric {metric}", "GET", path, query=query)
    return list(_values(answer))


def _values(answer: Any) -> Iterator[tuple[dict[str, str], str, float]]:
    names = {"statuscode": "statusCode", "modelstatuscode": "modelStatusCode"}  # Azure lower-cases them
    for metric in answer["value"]:
        for series in metric["timeseries"]:
            labels = {
                names.get(one["name"]["value"].lower(), one["name"]["value"].lower()): str(one["value"])
                for one in series.get("metadatavalues", [])
            }
            for point in series["data"]:
                if point.get("average") is not None and "deployment" in labels:
                    yield labels, point["timeStamp"], float(point["average"])


def _status(labels: Mapping[str, str]) -> int:
    """The model's own status where the endpoint only says that the model failed; unknown ones count as failures."""
    status, own = labels.get("statusCode", ""), labels.get("modelStatusCode", "")
    if status == str(MODEL_FAILED) and own.isdigit():
        return int(own)
    return int(status) if status.isdigit() else 500


def _weighted(values: list[tuple[float, int]]) -> float:
    weight = sum(requests for _, requests in values)
    return sum(value * requests for value, requests in values) / weight if weight else math.nan
