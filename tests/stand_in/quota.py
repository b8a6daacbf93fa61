"""The stand-in's sizes of machines, and how many cores of their families are left."""

from __future__ import annotations

from typing import Any

from tests.stand_in.server import Answer, Asked, Server

PROVIDER = "/subscriptions/{s}/providers/Microsoft.MachineLearningServices/locations/{location}"
SIZES = {"Standard_DS3_v2": ("standardDSv2Family", 4), "Standard_F4s_v2": ("standardFSv2Family", 4)}


class Quota:
    """Of the whole subscription.

    Attributes:
        limits, used: cores by family, of the dedicated ones.
        page: how many usages an answer holds; it names the rest by a link.
    """

    def __init__(self, server: Server) -> None:
        self.server, self.page = server, 3
        self.limits = {family: 100 for family, _ in SIZES.values()}
        self.used = dict.fromkeys(self.limits, 0)
        server.route("GET", f"{PROVIDER}/vmSizes", self._sizes)
        server.route("GET", f"{PROVIDER}/usages", self._usages)

    def _sizes(self, asked: Asked, s: str, location: str) -> Answer:
        sizes = [
            {"name": name, "family": family, "vCPUs": cores, "supportedComputeTypes": ["AmlCompute"]}
            for name, (family, cores) in SIZES.items()
        ]
        return Answer(body={"value": sizes})

    def _usages(self, asked: Asked, s: str, location: str) -> Answer:
        dedicated = [_usage(f, "Cluster Dedicated", self.used[f], limit) for f, limit in self.limits.items()]
        low = [_usage(family, "Low-priority", 0, 0) for family in self.limits]
        usages, since = [*low, *dedicated], int(asked.query.get("$skipToken", 0))
        more = since + self.page
        link = f"{self.server.url}{asked.path}?api-version={asked.query['api-version']}&$skipToken={more}"
        rest = {"nextLink": link} if more < len(usages) else {}
        return Answer(body={"value": usages[since:more], **rest})


def _usage(family: str, kind: str, used: int, limit: int) -> dict[str, Any]:
    name = {"value": family, "localizedValue": f"{family} {kind} vCPUs"}
    type_ = "Microsoft.MachineLearningServices/vmFamily/dedicatedCores/usages"
    counted = {"unit": "Count", "currentValue": used, "limit": limit}
    return {"id": f"/usages/{family}", "type": type_, "name": name, **counted}
