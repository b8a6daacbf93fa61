"""The server over real HTTP: routes, headers, sizes, and that nothing a client sends harms it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ml.serving.app import App
from ml.serving.collection import read_collected
from ml.serving.collector import Collector
from ml.serving.scorer import Answer
from ml.serving.served import Served

Records = list[dict[str, Any]]
LIMIT = 16 * 2**20
HEAD = b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


@pytest.fixture(autouse=True)
def healthy(server: Any) -> Iterator[None]:
    """Whatever a test does, the server is as well afterwards as it was."""
    yield
    assert server.ask("GET", "/health")[0] == 200
    assert server.process.poll() is None


@pytest.mark.parametrize("path", ["/score", "/invocations"])
def test_both_paths_answer_every_format(
    server: Any, scorer: Any, records: Records, body_of: Callable[[Records], Any], path: str
) -> None:
    body = body_of(records[:3])
    status, _, answer = server.score(body, path)
    assert status == 200
    assert answer == json.loads(scorer.score(json.dumps(body).encode()).body)


def test_an_answer_names_the_request_the_deployment_and_the_model(server: Any, records: Records) -> None:
    for body in ({"inputs": records[:1]}, {"inputs": []}):
        _, headers, _ = server.score(body, x_request_id="order-66.a_b:c")
        assert headers["x-request-id"] == "order-66.a_b:c"
        assert headers["azureml-model-deployment"] == "blue"
        assert headers["mlops-model-version"] == "small:3"
        assert headers["mlops-model-digest"] == "abc"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "ä", "a\tb", 'a"b', "a,b"])
def test_an_id_that_could_do_harm_is_replaced(server: Any, records: Records, given: str) -> None:
    ids = {server.score({"inputs": records[:1]}, x_request_id=given)[1]["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert given not in ids
    assert all(len(one) >= 24 for one in ids)


@pytest.mark.parametrize("path", ["/", "/live", "/ready", "/health", "/ping"])
def test_health_is_told_by_get_and_head(server: Any, path: str) -> None:
    status, _, body = server.ask("GET", path)
    assert (status, json.loads(body)) == (200, {"status": "healthy"})
    status, headers, body = server.ask("HEAD", path)
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


def test_version_tells_what_is_deployed(server: Any) -> None:
    told = json.loads(server.ask("GET", "/version")[2])
    assert told == {"deployment": "blue", "model": "small", "version": "3", "digest": "abc"}


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/score", 405, "POST"),
        ("PUT", "/invocations", 405, "POST"),
        ("OPTIONS", "/score", 405, "POST"),
        ("POST", "/health", 405, "GET, HEAD"),
        ("DELETE", "/openapi.json", 405, "GET, HEAD"),
        ("GET", "/scores", 404, None),
        ("POST", "/score/", 404, None),
        ("GET", "/..%2fetc%2fpasswd", 404, None),
    ],
)
def test_wrong_methods_and_paths_are_problem_documents(
    server: Any, method: str, path: str, status: int, allow: str | None
) -> None:
    answered, headers, body = server.ask(method, path)
    assert (answered, headers["content-type"], headers.get("allow")) == (
        status,
        "application/problem+json",
        allow,
    )
    assert json.loads(body)["status"] == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"inputs": [{"distance": NaN}]}', 400),
        (b'{"inputs": [], "inputs": []}', 400),
        (b'\xff{"inputs": []}', 400),
        (b"[" * 200_000, 400),
        (b'{"inputs": []}', 422),
        (b'{"inputs": [{"distance": 1e999}]}', 422),
        (b'{"inputs": [{}]}', 422),
    ],
)
def test_bad_bodies_are_problem_documents(server: Any, body: bytes, status: int) -> None:
    answered, headers, answer = server.score(body)
    assert (answered, headers["content-type"]) == (status, "application/problem+json")
    assert answer["status"] == status
    assert (status == 400) or answer["errors"]
    assert "Traceback" not in str(answer)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_415(server: Any, content_type: str) -> None:
    assert server.score(b"{}", content_type=content_type)[0] == 415


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(server: Any) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(HEAD % (LIMIT + 1))
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_grows_too_large_is_refused_while_it_comes(server: Any) -> None:
    head = HEAD.replace(b"content-length: %d", b"transfer-encoding: chunked")
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head)
        for _ in range(LIMIT // 2**20):
            connection.sendall(b"%x\r\n%b\r\n" % (2**20, b" " * 2**20))
        connection.sendall(b"2\r\n  \r\n")  # and no end
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_sends_all_of_a_large_body_still_reads_the_refusal(server: Any) -> None:
    assert server.score(b" " * (LIMIT + 1))[0] == 413


def test_a_body_at_the_limit_is_taken(server: Any, records: Records) -> None:
    body = json.dumps({"inputs": records[:1]}).encode()
    assert server.score(body + b" " * (LIMIT - len(body)))[0] == 200


def test_a_client_that_leaves_in_the_middle_harms_nobody(server: Any, records: Records) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(HEAD % 99 + b"{")
    assert server.score({"inputs": records[:1]})[0] == 200


def test_small_requests_are_answered_while_a_large_one_is_worked_on(server: Any, scorer: Any, records: Records) -> None:
    many = {"inputs": records * 60}
    with ThreadPoolExecutor(4) as clients:
        large = clients.submit(server.score, many)
        small = [clients.submit(server.score, {"inputs": [record]}) for record in records[:40]]
        answers = [one.result() for one in small]
        status, _, answer = large.result()
    assert status == 200
    assert (
        answer["predictions"]
        == json.loads(scorer.score(json.dumps({"inputs": records}).encode()).body)["predictions"] * 60
    )
    assert [a["predictions"][0] for _, _, a in answers] == answer["predictions"][:40]


def test_pipelined_requests_are_answered_in_their_order(server: Any) -> None:
    ask = "GET /live HTTP/1.1\r\nhost: x\r\nx-request-id: {}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall("".join(ask.format(f"id{i}") for i in range(5)).encode())
        told = b""
        while told.count(b"healthy") < 5:
            told += connection.recv(4096)
    assert [told.index(b"x-request-id: id%d" % i) for i in range(5)] == sorted(
        told.index(b"x-request-id: id%d" % i) for i in range(5)
    )


def test_what_waits_to_be_collected_is_written_when_the_server_stops(
    scorer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.serving.collector.GATHER_SECONDS", 60.0)
    collector = Collector(tmp_path, Served())
    collector.offer("last", b'{"inputs": [{"size": 1}]}', b"[1]")
    events, sent = iter(["lifespan.startup", "lifespan.shutdown"]), []

    async def receive() -> dict[str, Any]:
        return {"type": next(events)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    asyncio.run(App(scorer, Served(), b"{}", collector)({"type": "lifespan"}, receive, send))
    assert [line.request_id for line in read_collected(tmp_path)] == ["last"]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


class _Failing:
    """A scorer with a fault of the program."""

    def __init__(self, scorer: Any) -> None:
        self.refuse_other_than_json, self.refuse_too_large = (
            scorer.refuse_other_than_json,
            scorer.refuse_too_large,
        )

    def score(self, body: bytes, content_type: bytes) -> Answer:
        raise ZeroDivisionError("the secret of the program")


def test_a_fault_of_the_program_is_500_and_logged_with_the_request_id(
    scorer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"x-request-id", b"abc")]
    scope = {"type": "http", "method": "POST", "path": "/score", "headers": headers}
    asyncio.run(App(_Failing(scorer), Served(), b"{}")(scope, receive, send))
    assert sent[0]["status"] == 500
    assert b"secret" not in sent[1]["body"]
    logged = capsys.readouterr().err
    assert "ZeroDivisionError" in logged
    assert "x-request-id abc" in logged
