import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ml import tracking
from ml.fault import Fault
from ml.tracking import log_metrics


class Tracking(BaseHTTPRequestHandler):
    """Answers what the server's list says, then 200."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(tracking, "PAUSE_SECONDS", 0.0)
    made = ThreadingHTTPServer(("127.0.0.1", 0), Tracking)
    made.asked, made.answers = [], []
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    made.environment = {
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{made.server_address[1]}/mlflow/v1.0/workspace?",
        "MLFLOW_TRACKING_TOKEN": "the-token",
        "MLFLOW_RUN_ID": "run-7",
    }
    yield made
    made.shutdown()
    made.server_close()


def test_metrics_arrive_in_mlflows_own_form_and_those_that_are_no_number_do_not(server):
    log_metrics({"mae": 1.5, "r2": None}, server.environment)
    ((path, authorization, body),) = server.asked
    assert path == "/mlflow/v1.0/workspace/api/2.0/mlflow/runs/log-batch"
    assert authorization == "Bearer the-token"
    assert body["run_id"] == "run-7"
    assert [(metric["key"], metric["value"]) for metric in body["metrics"]] == [("mae", 1.5)]


def test_a_hiccup_is_waited_through(server):
    server.answers = [503, 429]
    log_metrics({"mae": 1.5}, server.environment)
    assert len(server.asked) == 3


def test_a_refusal_is_a_fault_at_once(server):
    server.answers = [403]
    with pytest.raises(Fault, match="answers 403"):
        log_metrics({"mae": 1.5}, server.environment)
    assert len(server.asked) == 1


def test_outside_of_a_job_nothing_is_asked(server):
    log_metrics({"mae": 1.5}, {})
    log_metrics({"mae": 1.5}, {**server.environment, "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db"})
    assert server.asked == []
