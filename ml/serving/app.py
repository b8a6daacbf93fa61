"""The HTTP side of the scoring server: a bare ASGI application."""

from __future__ import annotations

import asyncio
import secrets
import sys
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, TypeVar

import msgspec

from ml.serving.collector import Collector
from ml.serving.content_coding import decoded
from ml.serving.refusal import Refusal
from ml.serving.scorer import JSON, Answer, Scorer, refused
from ml.serving.served import Served
from ml.serving.shipping import Shipper

SCORING = ("/score", "/invocations")
HEALTH = ("/", "/live", "/ready", "/health", "/ping")
OPENAPI = ("/openapi.json", "/swagger.json")
# A body of this size takes milliseconds: it goes to a thread, so that others are answered meanwhile.
BULK = 64 * 2**10
LONGEST_ID = 128
ID_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:"

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Result = TypeVar("Result")


# A new id is a random word for the process and a number: no two are equal, and it costs no system call.
_PROCESS, _NUMBERS = secrets.token_hex(12).encode(), count(1)


class _ClientGoneError(Exception):
    """The client closed the connection before its request was whole."""


class App:
    """Answers HTTP requests."""

    def __init__(
        self,
        scorer: Scorer,
        served: Served,
        openapi: bytes,
        collector: Collector | None = None,
        shipper: Shipper | None = None,
    ) -> None:
        self._scorer, self._collector, self._shipper = scorer, collector, shipper
        self._headers = served.headers
        self._bulk = ThreadPoolExecutor(1, "bulk")
        self._documents = {
            **dict.fromkeys(OPENAPI, Answer(200, JSON, openapi)),
            "/version": Answer(200, JSON, served.document()),
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id", b""))
        try:
            answer = await self._answer(scope, headers, receive, request_id)
        except Refusal as refusal:
            answer = refused(refusal)
        except _ClientGoneError:
            return
        except Exception:
            traceback.print_exc()
            answer = refused(Refusal(500, "the server failed; its log names the request id"))
        if answer.status >= 500:
            print(
                f"{answer.status} {scope['path']!r} x-request-id {request_id.decode()}",
                file=sys.stderr,
                flush=True,
            )
        await self._send(send, answer, request_id)

    async def _answer(self, scope: Message, headers: dict[bytes, bytes], receive: Receive, request_id: bytes) -> Answer:
        path, method = scope["path"], scope["method"]
        if path in SCORING:
            if method != "POST":
                raise Refusal(405, "rows are sent by POST", headers=((b"allow", b"POST"),))
            return await self._score(headers, receive, request_id)
        if path not in self._documents and path not in HEALTH:
            raise Refusal(404, "there is no such path; rows go to /score or /invocations, and /openapi.json tells how")
        if method not in ("GET", "HEAD"):
            raise Refusal(405, "this path is read by GET", headers=((b"allow", b"GET, HEAD"),))
        return self._documents.get(path) or self._health()

    async def _score(self, headers: dict[bytes, bytes], receive: Receive, request_id: bytes) -> Answer:
        scorer = self._scorer
        content_type = headers.get(b"content-type", b"")
        scorer.refuse_other_than_json(content_type)
        scorer.refuse_too_large(int(headers.get(b"content-length", 0)))
        body = await self._body(receive)
        coding = headers.get(b"content-encoding", b"identity")
        if coding != b"identity":
            body = await self._in_bulk(decoded, body, coding, scorer.limits.body)
        if len(body) < BULK:
            answer = scorer.score(body, content_type)
        else:
            answer = await self._in_bulk(scorer.score, body, content_type)
        if self._collector is not None and answer.status == 200:
            self._collector.offer(request_id.decode(), body, answer.body)
        return answer

    async def _in_bulk(self, work: Callable[..., Result], *given: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._bulk, work, *given)

    async def _body(self, receive: Receive) -> bytes:
        """The whole body; one that grows beyond the limit is refused while it comes in."""
        parts, length, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientGoneError
            parts.append(message["body"])
            length += len(parts[-1])
            self._scorer.refuse_too_large(length)
            more = message["more_body"]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _health(self) -> Answer:
        state: dict[str, Any] = {"status": "healthy"}
        if self._collector is not None:
            state |= {"collected": self._collector.written, "dropped": self._collector.dropped}
        if self._shipper is not None:
            state["shipped_bytes"] = self._shipper.shipped
        return Answer(200, JSON, msgspec.json.encode(state))

    async def _send(self, send: Send, answer: Answer, request_id: bytes) -> None:
        headers = [
            (b"content-type", answer.media),
            (b"content-length", b"%d" % len(answer.body)),
            (b"x-request-id", request_id),
            *self._headers,
            *answer.headers,
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _live(self, receive: Receive, send: Send) -> None:
        """ASGI's lifespan: what waits to be collected is written, and carried over, when the server stops."""
        while True:
            event = (await receive())["type"]
            for part in (self._collector, self._shipper):
                if event == "lifespan.shutdown" and part is not None:
                    part.close()
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return


def _request_id(given: bytes) -> bytes:
    """The client's id where it is one that can stand in a header, a log and a file; otherwise a new one."""
    if given and len(given) <= LONGEST_ID and not given.translate(None, ID_CHARACTERS):
        return given
    return b"%b-%x" % (_PROCESS, next(_NUMBERS))
