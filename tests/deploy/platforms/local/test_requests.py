"""The flow of requests."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.platforms.local.requests import flowing
from deploy.platforms.protocol import Address
from ml.serving.collection import PROBE


class Answering(BaseHTTPRequestHandler):
    """Answers after as many seconds as the server says."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.server.ids.append(self.headers["x-request-id"])
        self.server.seen.append((self.headers["Authorization"], self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.ended.wait(self.server.seconds)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    made.seen, made.ids, made.seconds, made.ended = [], [], 0.0, threading.Event()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.ended.set()
    made.shutdown()
    made.server_close()


def address(server):
    return Address(f"http://127.0.0.1:{server.server_address[1]}/score", "the-key", "cat key")


def test_requests_flow_from_the_first_to_the_last_and_again_with_the_key(server):
    with flowing(address(server), [b"one", b"two"]):
        deadline = time.monotonic() + 10
        while len(server.seen) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert server.seen[:5] == [("Bearer the-key", body) for body in (b"one", b"two", b"one", b"two", b"one")]
    assert len(set(server.ids)) == len(server.ids)
    assert all(one.startswith(PROBE) for one in server.ids), "the monitor would take them for users' requests"


def test_no_request_is_sent_after_the_end(server):
    with flowing(address(server), [b"one"]):
        pass
    seen = len(server.seen)
    time.sleep(0.1)
    assert len(server.seen) == seen


def test_nobody_is_waited_for_who_does_not_answer(server):
    server.seconds = 60.0
    with flowing(address(server), [b"one"]):
        deadline = time.monotonic() + 10
        while not server.seen and time.monotonic() < deadline:
            time.sleep(0.01)
        ending = time.monotonic()
    assert time.monotonic() - ending < 1.9, "an interrupted release has two seconds"


def test_an_endpoint_that_is_gone_does_not_end_the_flow():
    with flowing(Address("http://127.0.0.1:9/score", "k", "cat key"), [b"one"]):
        time.sleep(0.05)
        assert threading.active_count() > 1
