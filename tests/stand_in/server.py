"""The stand-in's HTTP side: routes, a fault plan, a ledger of what was called."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
TENANT = "22222222-2222-4222-8222-222222222222"
SLOW_SECONDS = 0.5


@dataclass(frozen=True)
class Asked:
    """One request; header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            raise Refused(400, "InvalidRequestContent", "The request content was invalid.") from None


@dataclass(frozen=True)
class Answer:
    """What goes back; a body that is not bytes goes as JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """An error as ARM tells it."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        error = {"error": {"code": code, "message": message}}
        self.answer = Answer(status, error, dict(headers or {}))


class Elsewhere(Refused):
    """Another part may have what was asked for; where none has, this is the refusal."""


class Lost(Exception):
    """The connection breaks off without an answer."""


@dataclass
class Trouble:
    """One entry of the fault plan: what happens to the requests that it fits.

    Attributes:
        method, path: which requests; the path is a regular expression, searched without regard to case.
        answer: what is answered in place of the route's answer; None breaks the connection off.
        times: so often, then no more; `skip` requests go well before.
        applied: whether the request has its effect before it is answered so.
        delay: seconds before anything happens; with `only_slow` that is all.
    """

    method: str
    path: str
    answer: Answer | None = None
    times: int = 1
    skip: int = 0
    applied: bool = False
    delay: float = 0.0
    only_slow: bool = False
    happened: int = 0


@dataclass(frozen=True)
class Call:
    """A line of the ledger."""

    method: str
    path: str
    status: int
    body: bytes


Handler = Callable[..., Answer]


class Server:
    """Answers requests of the routes that its parts have added."""

    def __init__(self) -> None:
        self.ledger: list[Call] = []
        self.troubles: list[Trouble] = []
        self.mishaps: list[str] = []  # tracebacks of the stand-in's own: tests want none
        self._routes: list[tuple[str, re.Pattern[str], Handler, bool]] = []
        self._lock = threading.Lock()
        self._operations: dict[str, dict[str, Any]] = {}
        self._ended: dict[str, threading.Event] = {}
        self._http: ThreadingHTTPServer | None = None
        self.route("GET", "/subscriptions/{s}/operations/{id}", self._operation)

    @property
    def url(self) -> str:
        assert self._http is not None
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> None:
        handler = type("Handler", (_Handler,), {"server_": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        assert self._http is not None
        self._http.shutdown()
        self._http.server_close()

    def route(self, method: str, path: str, handler: Handler, token: bool = True) -> None:
        """`{name}` is one segment, `{name*}` all that follows; `token` asks for a valid one of Entra."""
        pattern = re.sub(r"\\\{(\w+)(\\\*)?\\\}", lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", re.escape(path))
        self._routes.append((method, re.compile(f"/*{pattern}/?", re.IGNORECASE), handler, token))
        self._routes.sort(key=lambda route: route[1].groups)  # what is said in more words comes before what fits all

    def trouble(self, method: str, path: str, answer: Answer | None = None, **how: Any) -> Trouble:
        """Adds to the fault plan."""
        entry = Trouble(method, path, answer, **how)
        self.troubles.append(entry)
        return entry

    def refuse(self, method: str, path: str, status: int, code: str, message: str, **how: Any) -> Trouble:
        """Adds an error of ARM's to the fault plan."""
        headers = {"Retry-After": str(how.pop("retry_after"))} if "retry_after" in how else {}
        return self.trouble(method, path, Refused(status, code, message, headers).answer, **how)

    def calls(self, method: str = "", path: str = "") -> list[Call]:
        """The ledger's lines of a method, with a path that holds the pattern."""
        return [c for c in list(self.ledger) if method in ("", c.method) and re.search(path, c.path, re.IGNORECASE)]

    def operate(self, work: Callable[[], None], seconds: float = 0.0) -> dict[str, str]:
        """Begins a long-running operation; returns the headers that name where it is asked for."""
        number = uuid.uuid4().hex
        status = self._operations[number] = {"id": number, "name": number, "status": "InProgress"}
        ended = self._ended[number] = threading.Event()

        def run() -> None:
            time.sleep(seconds)
            try:
                work()
                status["status"] = "Succeeded"
            except Refused as refused:
                status.update(refused.answer.body, status="Failed")
            finally:
                ended.set()

        threading.Thread(target=run, daemon=True).start()
        return {"Azure-AsyncOperation": f"{self.url}/subscriptions/{SUBSCRIPTION}/operations/{number}?api-version=1"}

    def _operation(self, asked: Asked, s: str, id: str) -> Answer:
        """How an operation is; slow to say so while it is under way, which saves both sides the asking."""
        self._ended[id].wait(SLOW_SECONDS)
        return Answer(body=self._operations[id])

    def answer(self, asked: Asked) -> Answer:
        trouble = self._trouble(asked)
        if trouble is not None:
            time.sleep(trouble.delay)
            if trouble.applied or trouble.only_slow:
                given = self._route(asked)
                if trouble.only_slow:
                    return given
            if trouble.answer is None:
                raise Lost
            return trouble.answer
        return self._route(asked)

    def _route(self, asked: Asked) -> Answer:
        last = Refused(404, "NoSuchRoute", f"The stand-in has no {asked.method} {asked.path}")
        for method, pattern, handler, token in self._routes:
            found = pattern.fullmatch(asked.path) if method == asked.method else None
            if found:
                try:
                    if token:
                        check_token(asked)
                    return handler(asked, **{k: unquote(v) for k, v in found.groupdict().items()})
                except Elsewhere as elsewhere:
                    last = elsewhere
                except Refused as refused:
                    return refused.answer
        return last.answer

    def _trouble(self, asked: Asked) -> Trouble | None:
        with self._lock:
            for entry in self.troubles:
                fits = entry.method in ("*", asked.method) and re.search(entry.path, asked.path, re.IGNORECASE)
                if fits and entry.happened < entry.skip + entry.times:
                    entry.happened += 1
                    return entry if entry.happened > entry.skip else None
        return None


def check_token(asked: Asked) -> None:
    """A JWT that is not over; whose it is and what it may do is not looked at."""
    word, _, token = asked.headers.get("authorization", "").partition(" ")
    if word != "Bearer":
        raise Refused(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    try:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    except (IndexError, ValueError):
        raise Refused(401, "InvalidAuthenticationToken", "The access token is invalid.") from None
    if claims["exp"] < time.time():
        raise Refused(401, "ExpiredAuthenticationToken", "The access token has expired.")


def token(seconds: float = 3600.0) -> str:
    """A JWT as Entra would give it, not signed."""
    claims = {"aud": "https://ml.azure.com", "exp": int(time.time() + seconds), "oid": "o", "tid": TENANT, "name": "A"}
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "eA"])


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server_: Server

    def _any(self) -> None:
        parts = urlsplit(self.path)
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query, True)), headers, body)
        try:
            answer = self.server_.answer(asked)
        except Lost:
            self.server_.ledger.append(Call(asked.method, asked.path, 0, body))
            self.close_connection = True
            return
        except Exception:
            self.server_.mishaps.append(traceback.format_exc())
            answer = Answer(500, self.server_.mishaps[-1].encode())
        self.server_.ledger.append(Call(asked.method, asked.path, answer.status, body))
        self._send(answer)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, answer: Answer) -> None:
        raw = isinstance(answer.body, bytes)
        content = answer.body if raw else b"" if answer.body is None else json.dumps(answer.body).encode()
        kind = {} if raw or answer.body is None else {"Content-Type": "application/json; charset=utf-8"}
        headers = {"Content-Length": str(len(content)), "x-ms-request-id": uuid.uuid4().hex, **kind, **answer.headers}
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _any  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:
        pass
