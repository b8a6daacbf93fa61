"""Held-back rows as requests."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.platforms.local.requests import HeldBackRows, flowing
from deploy.platforms.protocol import Address
from ml.fault import Fault
from ml.model.model import Model


def test_the_rows_are_sent_in_azures_form_each_once(registered):
    home, models = registered
    model = home / "models" / "breast-cancer" / models["1"].digest / "model"
    bodies = [json.loads(body)["input_data"] for body in HeldBackRows(home / "live" / "rows.parquet", model).bodies()]
    rows = pq.read_table(home / "live" / "rows.parquet")
    assert sum(len(body["data"]) for body in bodies) == rows.num_rows
    features = [feature.name for feature in Model.load(model).encoder.features]
    assert bodies[0]["columns"] == [*features, "sample"]
    assert bodies[0]["index"] == list(range(len(bodies[0]["data"])))
    sent = sorted(row[-1] for body in bodies for row in body["data"])
    assert sent == sorted(rows.column("sample").to_pylist())


def test_the_order_is_another_than_in_the_file_and_repeats(registered):
    home, models = registered
    model = home / "models" / "breast-cancer" / models["1"].digest / "model"
    once, again = (list(HeldBackRows(home / "live" / "rows.parquet", model).bodies()) for _ in range(2))
    assert once == again
    sent = [row[-1] for body in once for row in json.loads(body)["input_data"]["data"]]
    assert sent != sorted(sent)


def test_rows_that_are_gone_or_empty_are_one_clear_fault(registered, tmp_path):
    home, models = registered
    model = home / "models" / "breast-cancer" / models["1"].digest / "model"
    with pytest.raises(Fault, match="held-back rows are gone"):
        list(HeldBackRows(tmp_path / "rows.parquet", model).bodies())
    rows = pq.read_table(home / "live" / "rows.parquet")
    pq.write_table(rows.slice(0, 0), tmp_path / "rows.parquet")
    with pytest.raises(Fault, match="no held-back rows"):
        list(HeldBackRows(tmp_path / "rows.parquet", model).bodies())
    assert isinstance(rows, pa.Table)


class Answering(BaseHTTPRequestHandler):
    """Answers after as many seconds as the server says."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
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
    made.seen, made.seconds, made.ended = [], 0.0, threading.Event()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.ended.set()
    made.shutdown()
    made.server_close()


def address(server):
    return Address(f"http://127.0.0.1:{server.server_address[1]}/score", "the-key")


def test_requests_flow_from_the_first_to_the_last_and_again_with_the_key(server):
    with flowing(address(server), [b"one", b"two"]):
        deadline = time.monotonic() + 10
        while len(server.seen) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert server.seen[:5] == [("Bearer the-key", body) for body in (b"one", b"two", b"one", b"two", b"one")]


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
    with flowing(Address("http://127.0.0.1:9/score", "k"), [b"one"]):
        time.sleep(0.05)
        assert threading.active_count() > 1
