"""The stand-in's requests: a key or a token, the traffic, the header of a deployment, a mirror."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from tests.stand_in.containers import Container
from tests.stand_in.endpoints import Endpoint, Endpoints
from tests.stand_in.server import Answer, Asked, Refused, Server, check_token


@dataclass(frozen=True)
class Seen:
    """One answered request, as metrics and the router's log tell of it."""

    at: float
    endpoint: str
    deployment: str
    status: int
    model_status: int
    milliseconds: float
    mirrored: bool


class Scoring:
    """What answers at the endpoints' addresses.

    Attributes:
        seen: every answered request.
    """

    def __init__(self, server: Server, endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self.seen: list[Seen] = []
        for method in ("POST", "GET"):
            server.route(method, "/inference/{w}/{e}/{rest*}", self._score, token=False)

    def _score(self, asked: Asked, w: str, e: str, rest: str) -> Answer:
        endpoint = self.endpoints.endpoint(w, e)
        _check_key(asked, endpoint)
        properties = endpoint.body["properties"]
        named = asked.headers.get("azureml-model-deployment")
        chosen = named or endpoint.turn.choose(properties["traffic"] or {})
        container = endpoint.deployments.get(chosen or "")
        if container is None or not container.port:
            raise Refused(404, "NoDeployment", "No deployment answers this request.")
        answer = self._ask(asked, endpoint, e, str(chosen), container, rest)
        copied = None if named else endpoint.mirror_turn.choose(properties["mirrorTraffic"] or {})
        other = endpoint.deployments.get(copied or "")
        if copied and other:
            threading.Thread(
                target=self._ask, args=(asked, endpoint, e, copied, other, rest, True), daemon=True
            ).start()
        return answer

    def _ask(
        self, asked: Asked, endpoint: Endpoint, e: str, name: str, at: Container, rest: str, mirrored: bool = False
    ) -> Answer:
        began = time.monotonic()
        status, headers, content = _forwarded(asked, at.port, rest)
        kubernetes = bool(endpoint.body["properties"].get("compute"))
        shown = status if status == 200 or kubernetes else 424
        milliseconds = (time.monotonic() - began) * 1000.0
        self.seen.append(Seen(time.time(), e, name, shown, status, milliseconds, mirrored))
        if shown == 424:
            headers["ms-azureml-model-error-statuscode"] = str(status)
        return Answer(shown, content, {**headers, "azureml-model-deployment": name})


def _check_key(asked: Asked, endpoint: Endpoint) -> None:
    word, _, key = asked.headers.get("authorization", "").partition(" ")
    by_key = endpoint.body["properties"]["authMode"].lower() == "key"
    if word != "Bearer" or (by_key and key not in endpoint.keys):
        raise Refused(401, "Unauthorized", "The key is missing or wrong.")
    if not by_key:
        check_token(asked)


def _forwarded(asked: Asked, port: int, rest: str) -> tuple[int, dict[str, str], bytes]:
    kept: Mapping[str, str] = {
        k: v for k, v in asked.headers.items() if k in ("content-type", "content-encoding", "x-request-id", "accept")
    }
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(asked.method, f"/{rest}", asked.body, dict(kept))
        answer = connection.getresponse()
        dropped = {"content-length", "connection", "date", "server", "transfer-encoding"}
        return answer.status, {k: v for k, v in answer.getheaders() if k.lower() not in dropped}, answer.read()
    except (OSError, HTTPException):
        return 503, {}, b""
    finally:
        connection.close()
