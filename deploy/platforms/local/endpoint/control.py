"""What the platform may ask of its endpoint: read the state, change deployments, traffic and tags."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from aiohttp import web

from deploy.platforms.local.endpoint.deployments import Deployments
from deploy.platforms.local.endpoint.record import Made, Record, tags_from_json, write_record
from deploy.platforms.local.endpoint.router import Router, problem
from deploy.release.state import ModelRef

TOKEN = "x-control-token"  # noqa: S105 - the header's name
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """Owns the record: what is asked is written first, then done."""

    def __init__(self, folder: Path, record: Record, deployments: Deployments, router: Router) -> None:
        self.folder, self.record = folder, record
        self.deployments, self.router = deployments, router
        self.stopping = asyncio.Event()
        self._apply()

    def routes(self, token: str) -> list[web.RouteDef]:
        """The control's routes, each for the holder of the token alone."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/_control/state", self._state),
            ("GET", "/_control/live", self._live),
            ("PUT", "/_control/deployments/{name}", self._create),
            ("DELETE", "/_control/deployments/{name}", self._delete),
            ("PUT", "/_control/traffic", self._traffic),
            ("PUT", "/_control/mirror", self._mirror),
            ("PUT", "/_control/tags", self._tags),
            ("POST", "/_control/stop", self._stop),
        ]
        return [web.route(method, path, _guarded(handler, token)) for method, path, handler in table]

    def _write(self, record: Record) -> None:
        write_record(self.folder, record)
        self.record = record
        self._apply()

    def _apply(self) -> None:
        self.router.traffic, self.router.mirror = self.record.traffic, self.record.mirror

    async def _state(self, request: web.Request) -> web.Response:
        serving = {n: {"state": s.state, "reason": s.reason} for n, s in self.deployments.serving.items()}
        return web.json_response({**asdict(self.record), "serving": serving, "pid": os.getpid()})

    async def _live(self, request: web.Request) -> web.Response:
        seen = self.router.observations.since(float(request.query["since"]))
        return web.json_response({name: asdict(live) for name, live in seen.items()})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        made = Made(request.match_info["name"], ModelRef(**asked["model"]), asked["folder"])
        there = self.deployments.serving.get(made.name)
        if there is not None and there.made != made:
            return problem(409, f"{made.name} serves {there.made.model}", "choose another name")
        if there is None:
            self._write(self.record.with_deployment(made))
            there = self.deployments.start(made)
        await there.settled.wait()
        if there.state == "failed":
            return problem(422, f"{made.name} does not start", there.reason)
        return web.json_response({"state": there.state})

    async def _delete(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if self.record.traffic.get(name) or self.record.mirror.get(name):
            return problem(409, f"{name} carries traffic", "move it first")
        if name in self.deployments.serving:
            self._write(self.record.without_deployment(name))
            await self.deployments.stop(name)
            self.router.observations.forget(name)
        return web.json_response({})

    async def _traffic(self, request: web.Request) -> web.Response:
        wanted = {name: percent for name, percent in (await request.json()).items() if percent}
        fault = self._traffic_fault(wanted)
        if fault:
            return problem(400, fault, "integers that sum to 100, or nothing, for deployments that are ready")
        self._write(replace(self.record, traffic=wanted))
        return web.json_response({})

    def _traffic_fault(self, wanted: dict[str, Any]) -> str:
        if any(type(percent) is not int or percent < 0 for percent in wanted.values()):
            return "a percent is no natural number"
        if sum(wanted.values()) not in (0, 100):
            return f"the traffic sums to {sum(wanted.values())}"
        absent = [name for name in wanted if not self.deployments.is_ready(name)]
        return f"{absent[0]} is not ready" if absent else ""

    async def _mirror(self, request: web.Request) -> web.Response:
        wanted = {name: percent for name, percent in (await request.json()).items() if percent}
        fits = len(wanted) <= 1 and all(1 <= p <= 50 and not self.record.traffic.get(n) for n, p in wanted.items())
        if not fits or not all(self.deployments.is_ready(name) for name in wanted):
            detail = "at most 50 % to one deployment that is ready and carries no traffic"
            return problem(400, "the mirror is not possible", detail)
        self._write(replace(self.record, mirror=wanted))
        return web.json_response({})

    async def _tags(self, request: web.Request) -> web.Response:
        self._write(replace(self.record, tags=tags_from_json(await request.json())))
        return web.json_response({})

    async def _stop(self, request: web.Request) -> web.Response:
        self.stopping.set()
        return web.json_response({})


def _guarded(handler: Handler, token: str) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        if not hmac.compare_digest(request.headers.get(TOKEN, "").encode(), token.encode()):
            return problem(404, "there is nothing here", "see /openapi.json")
        try:
            return await handler(request)
        except OSError as error:
            return problem(507, f"the endpoint's record cannot be written: {error.strerror}", "free some disk space")

    return guarded
