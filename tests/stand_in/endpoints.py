"""The stand-in's online endpoints: made, changed, shown late, with keys and tokens."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from deploy.platforms.local.endpoint.router import Turn
from tests.stand_in.assets import PROVIDER, Assets
from tests.stand_in.containers import Container
from tests.stand_in.described import check
from tests.stand_in.server import Answer, Asked, Refused, Server, token

NAME = re.compile(r"(?=.{3,32}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*")
MOST_TAGS, LONGEST_TAG, LONGEST_TAG_NAME = 50, 256, 512
ALL = f"/subscriptions/{{s}}/resourceGroups/{{g}}/{PROVIDER}/workspaces/{{w}}/onlineEndpoints"
ONE = f"{ALL}/{{e}}"


@dataclass
class Endpoint:
    """One endpoint: what was asked for, its deployments, and what reads still show."""

    body: dict[str, Any]
    deployments: dict[str, Container] = field(default_factory=dict)
    keys: tuple[str, str] = field(default_factory=lambda: (uuid.uuid4().hex, uuid.uuid4().hex))
    busy: bool = False
    turn: Turn = field(default_factory=Turn)
    mirror_turn: Turn = field(default_factory=Turn)
    stale: list[dict[str, Any]] = field(default_factory=list)


class Endpoints:
    """The online endpoints of both workspaces.

    Attributes:
        operation_seconds: how long a write is under way, of a deployment too.
        stale_reads: how many reads after a write of an endpoint show what was before.
    """

    def __init__(self, server: Server, assets: Assets) -> None:
        self.server, self.assets = server, assets
        self.known: dict[tuple[str, str], Endpoint] = {}
        self.operation_seconds = 0.0
        self.stale_reads = 0
        self.lock = threading.RLock()  # of the deployments too
        route = server.route
        route("GET", ALL, self._list)
        route("GET", ONE, self._get)
        route("PUT", ONE, self._put)
        route("DELETE", ONE, self._delete)
        route("POST", f"{ONE}/listKeys", self._list_keys)
        route("POST", f"{ONE}/token", self._token)

    def endpoint(self, workspace: str, name: str) -> Endpoint:
        if workspace not in self.assets.workspaces:
            raise Refused(404, "ResourceNotFound", f"The workspace {workspace} was not found.")
        found = self.known.get((workspace, name.lower()))
        if found is None:
            raise Refused(404, "ResourceNotFound", f"OnlineEndpoint {name} was not found.")
        return found

    def _list(self, asked: Asked, s: str, g: str, w: str) -> Answer:
        if w not in self.assets.workspaces:
            raise Refused(404, "ResourceNotFound", f"The workspace {w} was not found.")
        return Answer(body={"value": [e.body for (where, _), e in self.known.items() if where == w]})

    def _get(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        endpoint = self.endpoint(w, e)
        return Answer(body=endpoint.stale.pop(0) if endpoint.stale else endpoint.body)

    def _put(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        body = asked.json
        with self.lock:
            self.assets._known(w)
            check("OnlineEndpoint", body)
            known = self.known.get((w, e.lower()))
            self._check_endpoint(e, body, known)
            self._check_place(w, e, body["properties"])
            if known and known.busy:
                raise Refused(409, "Conflict", f"There is already an operation on the endpoint {e}.")
            before = json.loads(json.dumps(known.body)) if known else None
            made = self._shown(w, e, body, "Updating" if known else "Creating")
            endpoint = known or self.known.setdefault((w, e.lower()), Endpoint(made))
            endpoint.body, endpoint.busy = made, True
            if before:
                endpoint.stale = [before] * self.stale_reads

        def done() -> None:
            made["properties"]["provisioningState"] = "Succeeded"
            endpoint.busy = False

        return Answer(200 if known else 201, made, self.server.operate(done, self.operation_seconds))

    def _check_endpoint(self, name: str, body: dict[str, Any], known: Endpoint | None) -> None:
        if not NAME.fullmatch(name):
            raise Refused(400, "UserError", f"The endpoint name {name} is not valid.")
        tags = body.get("tags") or {}
        if len(tags) > MOST_TAGS or any(len(k) > LONGEST_TAG_NAME or len(v) > LONGEST_TAG for k, v in tags.items()):
            raise Refused(
                400, "InvalidTags", "A resource has at most 50 tags, names of 512 and values of 256 characters."
            )
        traffic, mirror = (body["properties"].get(key) or {} for key in ("traffic", "mirrorTraffic"))
        kubernetes = bool(body["properties"].get("compute"))
        deployments = known.deployments if known else {}
        for deployment in {*traffic, *mirror}:
            if deployment not in deployments:
                raise Refused(400, "BadArgument", f"The deployment {deployment} in the traffic does not exist.")
        if traffic and (sum(traffic.values()) not in (0, 100) or min(traffic.values()) < 0):
            raise Refused(400, "BadArgument", "The traffic must sum to 0 or 100, of shares of 0 to 100.")
        if mirror and (kubernetes or len(mirror) > 1 or not 0 <= max(mirror.values()) <= 50):
            raise Refused(400, "BadArgument", "Mirroring: managed endpoints only, one deployment, at most 50 percent.")
        if any(traffic.get(name) and mirror.get(name) for name in mirror):
            raise Refused(400, "BadArgument", "A deployment gets live or mirrored traffic, not both.")

    def _check_place(self, w: str, name: str, properties: dict[str, Any]) -> None:
        """A name is one of the region's; a cluster is one that is attached, and takes no Entra token."""
        if any(taken == name.lower() and where != w for where, taken in self.known):
            raise Refused(400, "UserError", f"The endpoint name {name} is already taken in this region.")
        compute = str(properties.get("compute") or "").rpartition("/")[2]
        if compute and compute not in self.assets.computes[w]:
            raise Refused(400, "UserError", f"The compute {compute} was not found.")
        if compute and properties["authMode"].lower() == "aadtoken":
            raise Refused(400, "UserError", "Kubernetes endpoints do not support AADToken.")

    def _shown(self, w: str, e: str, body: dict[str, Any], state: str) -> dict[str, Any]:
        place = self.assets.workspaces[w]
        properties = {
            "traffic": {},
            "mirrorTraffic": {},
            **body["properties"],
            "provisioningState": state,
            "scoringUri": f"{self.server.url}/inference/{w}/{e}/score",
            "swaggerUri": f"{self.server.url}/inference/{w}/{e}/swagger.json",
        }
        kind = "K8S" if properties.get("compute") else "Managed"
        more = {
            "location": body["location"],
            "tags": body.get("tags") or {},
            "kind": kind,
            "identity": body.get("identity"),
        }
        return self.assets.resource(
            f"{place.id}/onlineEndpoints/{e}", f"{PROVIDER[10:]}/workspaces/onlineEndpoints", properties, **more
        )

    def _delete(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        endpoint = self.endpoint(w, e)

        def work() -> None:
            for container in endpoint.deployments.values():
                container.stop()
            self.known.pop((w, e.lower()), None)

        return Answer(202, headers=self.server.operate(work, self.operation_seconds))

    def _list_keys(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        endpoint = self.endpoint(w, e)
        if endpoint.body["properties"]["authMode"].lower() != "key":
            raise Refused(400, "UserError", "The endpoint has no keys.")
        return Answer(body=dict(zip(("primaryKey", "secondaryKey"), endpoint.keys, strict=True)))

    def _token(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        self.endpoint(w, e)
        moment = int(time.time())
        body = {
            "accessToken": token(),
            "expiryTimeUtc": moment + 3600,
            "refreshAfterTimeUtc": moment + 1800,
            "tokenType": "Bearer",
        }
        return Answer(body=body)
