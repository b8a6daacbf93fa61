"""The road of a request: key, choice of a deployment by header or by traffic, answer, mirrored copy."""

from __future__ import annotations

import asyncio
import hmac
import json
import uuid
from collections.abc import Mapping

import aiohttp
from aiohttp import web

from deploy.platforms.local.endpoint.deployments import Deployments
from deploy.platforms.local.endpoint.live import Observations
from ml.serving.collection import PROBE

LARGEST_BODY = 17 * 2**20  # a little above the scoring server's own limit, which answers better
LONGEST_ANSWER_SECONDS = 60.0
MOST_MIRRORED_AT_ONCE = 64
GOLDEN = 0.6180339887498949
SCORING = ("/score", "/invocations")
CHOOSE = "azureml-model-deployment"
PASSED_ON = ("content-type", "content-encoding", "x-request-id", "accept")
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "date", "server", "keep-alive"}


class Turn:
    """Deals requests out by percent: after any number of them the shares are held to within one or two.

    The golden-ratio sequence is the most even of the simple ones (three-distance theorem).
    """

    def __init__(self) -> None:
        self._at = 0.0

    def choose(self, shares: Mapping[str, int]) -> str | None:
        """The next deployment; None where the shares leave this request out."""
        self._at = (self._at + GOLDEN) % 1.0
        mark = self._at * 100.0
        for name, percent in shares.items():
            if mark < percent:
                return name
            mark -= percent
        return None


class Router:
    """Answers what comes to the endpoint."""

    def __init__(self, key: str, deployments: Deployments) -> None:
        self.deployments = deployments
        self.observations = Observations()
        self.traffic: Mapping[str, int] = {}
        self.mirror: Mapping[str, int] = {}
        self._expected = f"Bearer {key}".encode()
        self._turn, self._mirror_turn = Turn(), Turn()
        self._mirrored: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Opens the connections to the deployments."""
        timeout = aiohttp.ClientTimeout(total=LONGEST_ANSWER_SECONDS)
        self._session = aiohttp.ClientSession(
            timeout=timeout, connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
        )

    async def close(self) -> None:
        """Closes them."""
        if self._session is not None:
            await self._session.close()

    async def handle(self, request: web.Request) -> web.Response:
        """One request of a client."""
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._expected):
            refusal = problem(401, "the key is missing or wrong", "send it as `Authorization: Bearer KEY`")
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        chosen = request.headers.get(CHOOSE) or self._turn.choose(self.traffic)
        if chosen is None:
            return problem(503, "no deployment carries traffic yet", "release a model to this endpoint")
        if chosen not in self.deployments.serving:
            return problem(
                404, "there is no such deployment", f"leave the header {CHOOSE} out, or name one that exists"
            )
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return problem(413, f"the body is above {LARGEST_BODY} bytes", "send fewer rows at once")
        except (OSError, web.RequestPayloadError):
            return problem(400, "the body broke off", "send as many bytes as Content-Length says")
        answer = await self._ask(chosen, request, body, passed_on(request))
        self._copy(request, body, chosen)
        return answer

    async def _ask(self, name: str, request: web.Request, body: bytes, headers: Mapping[str, str]) -> web.Response:
        if request.method != "POST" or request.path not in SCORING:
            return await self._forward(name, request, body, headers)  # no prediction, so nothing to judge a model by
        with self.observations.asked(name) as seen:
            answer = await self._forward(name, request, body, headers)
            content = answer.body if isinstance(answer.body, bytes) else b""
            seen(answer.status, content)
        return answer

    async def _forward(self, name: str, request: web.Request, body: bytes, headers: Mapping[str, str]) -> web.Response:
        if not self.deployments.is_ready(name) or self._session is None:
            return problem(503, "the deployment is not ready", "try again in a moment")
        serving = self.deployments.serving[name]
        url = f"http://127.0.0.1:{serving.port}{request.rel_url}"
        try:
            async with self._session.request(request.method, url, data=body, headers=headers) as reply:
                kept = {k: v for k, v in reply.headers.items() if k.lower() not in HOP_BY_HOP}
                return web.Response(status=reply.status, headers=kept, body=await reply.read())
        except TimeoutError:
            return problem(504, "the deployment did not answer in time", "try again, or send fewer rows")
        except aiohttp.ClientError:
            return problem(502, "the deployment broke off", "try again in a moment")

    def _copy(self, request: web.Request, body: bytes, chosen: str) -> None:
        """Sends a share of the requests to the mirrored deployment too; nobody waits for its answer."""
        name = self._mirror_turn.choose(self.mirror) if self.mirror else None
        if name is None or name == chosen or CHOOSE in request.headers or len(self._mirrored) >= MOST_MIRRORED_AT_ONCE:
            return
        # A copy is collected too; its own id tells it from what a user asked.
        headers = {**passed_on(request), "x-request-id": f"{PROBE}{uuid.uuid4().hex}"}
        task = asyncio.create_task(self._ask_silently(name, request, body, headers))
        self._mirrored.add(task)
        task.add_done_callback(self._mirrored.discard)

    async def _ask_silently(self, name: str, request: web.Request, body: bytes, headers: Mapping[str, str]) -> None:
        await self._ask(name, request, body, headers)


def passed_on(request: web.Request) -> dict[str, str]:
    """What a deployment gets of the client's headers."""
    return {name: request.headers[name] for name in PASSED_ON if name in request.headers}


def problem(status: int, title: str, detail: str) -> web.Response:
    """An RFC 9457 problem document."""
    body = json.dumps({"type": "about:blank", "status": status, "title": title, "detail": detail})
    return web.Response(status=status, text=body, content_type="application/problem+json")
