"""What the log of AKS's inference router tells of an endpoint's deployments."""

from __future__ import annotations

import math
from collections.abc import Mapping

from deploy.platforms.azure.live.traffic_seen import Seen, iso
from deploy.platforms.azure.sdk import Sdk

# The fields of a line are those that the stack's own alerts read (infra/components/alerts.py). Which deployment
# it is about is found by the names that releases give, wherever the line says it.
QUERY = """\
ContainerLogV2
| where TimeGenerated between (datetime({since}) .. datetime({until}))
| where PodNamespace == "azureml" and PodName startswith "azureml-fe"
| extend text = tostring(LogMessage)
| where text has "{endpoint}"
| extend line = parse_json(text), deployment = extract(@"(v[0-9]+-[0-9a-f]{{8}}(-[0-9]+)?)", 1, text)
| where isnotempty(deployment) and isnotempty(line.responseCode)
| summarize requests = count(), failures = countif(toint(line.responseCode) >= 500),
    refused = countif(toint(line.responseCode) between (400 .. 499)),
    p95 = percentile(todouble(line.totalDurationMs), 95) by deployment
"""


def seen(sdk: Sdk, endpoint: str, since: float, until: float) -> Mapping[str, Seen]:
    """By deployment, what the router answered between two moments (seconds of the epoch).

    Log Analytics is some minutes behind; what it does not hold yet is not in the answer.
    """
    query = QUERY.format(endpoint=endpoint, since=iso(since), until=iso(until))
    body = {"query": query, "timespan": f"{iso(since)}/{iso(until)}"}
    path = f"/v1{sdk.outputs.logs_workspace_id}/query"
    answer = sdk.rest("read the router's log", "POST", path, body=body, of="the logs", logs=True)
    table = answer["tables"][0]
    names = [column["name"] for column in table["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in table["rows"]]
    return {
        row["deployment"]: Seen(row["requests"], row["failures"], row["refused"], _number(row["p95"])) for row in rows
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
