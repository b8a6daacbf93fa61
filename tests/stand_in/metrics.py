"""The stand-in's Azure Monitor and Log Analytics: what the endpoints answered, by the grain that is asked for."""

from __future__ import annotations

import datetime as dt
import math
import re
import time
from collections import defaultdict
from collections.abc import Callable

from tests.stand_in.assets import PROVIDER
from tests.stand_in.scoring import Scoring, Seen
from tests.stand_in.server import Answer, Asked, Refused, Server

GRAINS = {"PT0.2S": 0.2, "PT1M": 60, "PT5M": 300}
DIMENSIONS = {
    "RequestsPerMinute": {"deployment", "statusCode", "statusCodeClass", "modelStatusCode"},
    "RequestLatency_P95": {"deployment"},
}
WORDS = re.compile(r"(\w+) eq '\*'")
BETWEEN = re.compile(r"TimeGenerated between \(datetime\(([^)]+)\) \.\. datetime\(([^)]+)\)\)")


class Metrics:
    """What two services tell, some seconds late.

    Attributes:
        late_seconds: how far behind both are.
        silent: whether they tell nothing at all.
    """

    def __init__(self, server: Server, scoring: Scoring) -> None:
        self.scoring = scoring
        self.late_seconds = 0.0
        self.silent = False
        group = "/subscriptions/{s}/resourceGroups/{g}"
        endpoint = f"{group}/{PROVIDER}/workspaces/{{w}}/onlineEndpoints/{{e}}"
        server.route("GET", f"{endpoint}/providers/Microsoft.Insights/metrics", self._metrics)
        workspace = f"/v1{group}/providers/Microsoft.OperationalInsights/workspaces/{{l}}/query"
        server.route("POST", workspace, self._query)

    def _seen(self, since: float, until: float, holds: Callable[[Seen], bool]) -> list[Seen]:
        until = min(until, time.time() - self.late_seconds)
        return [] if self.silent else [s for s in list(self.scoring.seen) if since <= s.at < until and holds(s)]

    def _metrics(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        metric, grain = asked.query["metricnames"], GRAINS[asked.query["interval"]]
        dimensions = WORDS.findall(asked.query.get("$filter", ""))
        if metric not in DIMENSIONS or not set(dimensions) <= DIMENSIONS[metric]:
            raise Refused(400, "BadRequest", f"The metric {metric} does not have the dimensions {dimensions}.")
        since, until = (_moment(text) for text in asked.query["timespan"].split("/"))
        by: dict[tuple[str, ...], dict[int, list[Seen]]] = defaultdict(lambda: defaultdict(list))
        for seen in self._seen(since, until, lambda one: one.endpoint == e):
            labels = tuple(str(_label(seen, name)) for name in dimensions)
            by[labels][int((seen.at - since) // grain)].append(seen)
        most = int(asked.query.get("top", 10))
        series = [_series(metric, dimensions, labels, slots, since, grain) for labels, slots in list(by.items())[:most]]
        value = {"name": {"value": metric}, "unit": "Count", "timeseries": series}
        return Answer(body={"timespan": asked.query["timespan"], "interval": asked.query["interval"], "value": [value]})

    def _query(self, asked: Asked, s: str, g: str, l: str) -> Answer:  # noqa: E741 - the route's own words
        query = asked.json["query"]
        window, name = BETWEEN.search(query), re.search(r'where text has "([^"]+)"', query)
        if not query.startswith("ContainerLogV2") or window is None or name is None:
            raise Refused(400, "BadArgumentError", "The query could not be understood.")
        columns = [{"name": n, "type": "real"} for n in ("deployment", "requests", "failures", "refused", "p95")]
        by: dict[str, list[Seen]] = defaultdict(list)
        kubernetes = {
            e for (_, e), one in self.scoring.endpoints.known.items() if one.body["properties"].get("compute")
        }
        for seen in self._seen(
            _moment(window[1]), _moment(window[2]), lambda one: one.endpoint == name[1] and one.endpoint in kubernetes
        ):
            by[seen.deployment].append(seen)
        rows = [
            [
                deployment,
                len(found),
                sum(one.status >= 500 for one in found),
                sum(400 <= one.status < 500 for one in found),
                _p95(found),
            ]
            for deployment, found in by.items()
        ]
        return Answer(body={"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]})


def _series(metric, dimensions, labels, slots, since, grain):
    data = []
    for place, found in sorted(slots.items()):
        moment = dt.datetime.fromtimestamp(since + place * grain, dt.UTC).isoformat()
        value = float(len(found)) if metric == "RequestsPerMinute" else _p95(found)
        data.append({"timeStamp": moment, "average": value})
    named = [{"name": {"value": name.lower()}, "value": value} for name, value in zip(dimensions, labels, strict=True)]
    return {"metadatavalues": named, "data": data}


def _label(seen: Seen, name: str) -> object:
    values = {"deployment": seen.deployment, "statusCode": seen.status, "modelStatusCode": seen.model_status}
    return values.get(name, f"{seen.status // 100}xx")


def _p95(found: list[Seen]) -> float:
    values = sorted(one.milliseconds for one in found)
    return values[math.ceil(0.95 * len(values)) - 1]


def _moment(text: str) -> float:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
