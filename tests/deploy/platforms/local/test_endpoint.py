"""A local endpoint with its real processes: who is asked, who answers, and what survives."""

import gzip
import json
import os
import resource
import signal
import socket
import threading
from collections import Counter
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.platforms.local import platform as local_platform
from deploy.platforms.local.endpoint import router
from deploy.release.state import Tags
from ml.fault import Fault
from ml.serving.collection import PROBE, read_collected
from tests.deploy.conftest import PROBLEM, new_machine, until

CHOOSE = "azureml-model-deployment"


def with_two(machine):
    """An endpoint with two deployments, all traffic on the first."""
    platform = machine.platform()
    platform.create_endpoint(PROBLEM)
    for name, version in (("one", "1"), ("two", "2")):
        platform.create_deployment(PROBLEM, name, machine.models[version])
    platform.set_mirror(PROBLEM, {})
    platform.set_traffic(PROBLEM, {"one": 100})
    return machine


@pytest.fixture(scope="module")
def running(tmp_path_factory, registered):
    """One endpoint for the tests that leave it alive."""
    made = new_machine(tmp_path_factory.mktemp("running"), registered)
    yield with_two(made)
    made.stop()


@pytest.fixture
def two(running):
    """The endpoint as every test finds it."""
    return with_two(running)


@pytest.fixture
def mortal(machine):
    """An endpoint that a test may end."""
    return with_two(machine)


def answered_by(machine, requests):
    """Who answered so many requests on one connection."""
    address = machine.platform().address(PROBLEM)
    connection = HTTPConnection(address.url.split("/")[2], timeout=20)
    headers, body, counted = {"Authorization": f"Bearer {address.key}"}, machine.example, Counter()
    headers["Content-Type"] = "application/json"
    for _ in range(requests):
        connection.request("POST", "/score", body, headers)
        answer = connection.getresponse()
        answer.read()
        counted[answer.headers[CHOOSE]] += 1
    connection.close()
    return counted


def test_traffic_is_split_as_it_is_written(two):
    began = two.platform().now()
    two.platform().set_traffic(PROBLEM, {"two": 10, "one": 90})
    counted = answered_by(two, 100)
    assert abs(counted["two"] - 10) <= 2
    assert counted["one"] + counted["two"] == 100
    seen = two.platform().live(PROBLEM, began)
    assert {name: live.requests for name, live in seen.items()} == dict(counted)
    assert all(live.failures == 0 and live.predictions == 5 * live.requests for live in seen.values())


def test_a_header_chooses_the_deployment_and_an_unknown_one_is_404(two):
    status, headers, _ = two.score(**{CHOOSE: "two"})
    assert (status, headers[CHOOSE], headers["mlops-model-version"]) == (200, "two", f"{PROBLEM}:2")
    status, _, body = two.score(**{CHOOSE: "three"})
    assert status == 404
    assert json.loads(body)["title"] == "there is no such deployment"


@pytest.mark.parametrize("key", ["", "Bearer wrong", "wrong", "Basic abc"])
def test_a_key_that_is_missing_or_wrong_is_401(two, key):
    began = two.platform().now()
    status, headers, body = two.score(Authorization=key)
    assert (status, headers["content-type"]) == (401, "application/problem+json; charset=utf-8")
    assert headers["www-authenticate"] == "Bearer"
    assert json.loads(body)["status"] == 401
    assert not any(live.requests for live in two.platform().live(PROBLEM, began).values()), (
        "it is no failure of a model"
    )


def test_a_compressed_body_reaches_the_deployment_as_it_came(two):
    plain, coding = two.score(), {"Content-Encoding": "gzip"}
    packed = two.score(body=gzip.compress(two.example), **coding)
    assert (packed[0], packed[2]) == (200, plain[2])
    for body, status in ((two.example, 400), (gzip.compress(bytes(64 * 2**20)), 413)):
        answered, headers, document = two.score(body=body, **coding)
        assert (answered, headers["content-type"]) == (status, "application/problem+json")
        assert json.loads(document)["status"] == status


MALFORMED = {
    "no request line": b"x y z\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nhost x\r\n\r\n",
    "a long line": b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n",
    "a broken chunk": b"POST /score HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\n"
    b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n",
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_request_is_400_and_no_traceback_in_the_log(two, what):
    address = two.platform().address(PROBLEM)
    host, port = address.url.split("/")[2].split(":")
    log = next(two.client().folder.glob("*.log"))
    before = log.stat().st_size
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(MALFORMED[what].replace(b"%b", address.key.encode()))
        assert connection.recv(12)[8:] == b" 400"
    assert two.score()[0] == 200
    told = log.read_text()[before:].splitlines()
    assert len(told) <= 1
    assert all("malformed request from 127.0.0.1: " in line and len(line) < 300 for line in told)


def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_no_traceback(two):
    address, log = two.platform().address(PROBLEM), next(two.client().folder.glob("*.log"))
    host, port = address.url.split("/")[2].split(":")
    before = log.stat().st_size
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"POST /score HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + address.key.encode())
        connection.sendall(b"\r\ncontent-length: 99\r\nexpect: 100-continue\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")  # the handler waits for the body by now
        connection.sendall(b"{")
    assert two.score()[0] == 200
    assert "Traceback" not in log.read_text()[before:]


def test_the_key_is_for_its_owner_alone(two):
    assert (two.client().folder / "key").stat().st_mode & 0o077 == 0


def test_the_control_is_closed_to_those_who_know_the_key_alone(two):
    address = two.platform().address(PROBLEM)
    connection = HTTPConnection(address.url.split("/")[2], timeout=20)
    for token in ({}, {"x-control-token": address.key}, {"Authorization": f"Bearer {address.key}"}):
        connection.request("PUT", "/_control/traffic", json.dumps({"two": 100}), token)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 404
    connection.close()
    assert two.served() == {"1": 100}


def test_nobody_waits_for_the_mirror(machine, faulty):
    faulty("2", "hangs-at-once")
    platform = with_two(machine).platform()
    platform.set_mirror(PROBLEM, {"two": 50})
    assert answered_by(machine, 20) == {"one": 20}


def test_copies_are_answered_by_the_mirror_too(two):
    began = two.platform().now()
    two.platform().set_mirror(PROBLEM, {"two": 50})
    answered_by(two, 20)
    until(lambda: two.platform().live(PROBLEM, began)["two"].predictions >= 45)
    two.client().stop()  # what is not written yet is written at the end
    ids = {one.deployment: one.request_id for one in read_collected(two.platform().collected(PROBLEM))}
    assert ids["two"].startswith(PROBE), "a copy is no user's request"
    assert not ids["one"].startswith(PROBE)


REFUSED = {
    "a sum below 100": {"one": 90},
    "a sum above 100": {"one": 100, "two": 10},
    "a share that is no whole number": {"one": 99.5, "two": 0.5},
    "a negative share": {"one": 110, "two": -10},
    "one that is absent": {"three": 100},
    "true": {"one": 99, "two": True},
}


@pytest.mark.parametrize("what", REFUSED)
def test_traffic_is_refused_with(two, what):
    before = two.record()
    with pytest.raises(Fault):
        two.platform().set_traffic(PROBLEM, REFUSED[what])
    assert two.record() == before


def test_what_carries_traffic_is_neither_deleted_nor_mirrored(two):
    platform = two.platform()
    with pytest.raises(Fault, match="one carries traffic"):
        platform.delete_deployment(PROBLEM, "one")
    with pytest.raises(Fault, match="mirror"):
        platform.set_mirror(PROBLEM, {"one": 10})
    platform.set_mirror(PROBLEM, {"two": 10})
    with pytest.raises(Fault, match="two carries traffic"):
        platform.delete_deployment(PROBLEM, "two")
    platform.set_mirror(PROBLEM, {})
    platform.delete_deployment(PROBLEM, "two")
    platform.delete_deployment(PROBLEM, "two")  # an answer that was lost is asked for again
    assert [d.name for d in two.observe().deployments] == ["one"]


def test_a_name_is_never_given_to_other_bytes(two):
    with pytest.raises(Fault, match="two serves"):
        two.platform().create_deployment(PROBLEM, "two", two.models["3"])


def test_a_killed_deployment_is_seen_as_unhealthy_and_comes_back(two, capsys):
    os.kill(two.serving_pid("one"), signal.SIGKILL)
    until(lambda: state(two, "one") == "unhealthy", 5)
    status, _, body = two.score()
    assert (status, json.loads(body)["title"]) == (503, "the deployment is not ready")
    with pytest.raises(Fault, match="one is not ready"):
        two.platform().set_traffic(PROBLEM, {"one": 50, "two": 50})
    until(lambda: state(two, "one") == "ready")
    assert two.score()[0] == 200


def state(machine, name):
    return machine.observe().deployment(name).state


def test_a_killed_endpoint_leaves_no_orphan_and_comes_back_with_its_url_and_key(mortal):
    mortal.platform().write_tags(PROBLEM, Tags((mortal.models["1"],)))
    address, before = mortal.platform().address(PROBLEM), mortal.observe()
    assert len(mortal.processes()) == 3
    os.kill(mortal.client().process().pid, signal.SIGKILL)
    until(lambda: not mortal.processes())
    assert mortal.client().process() is None
    down = mortal.observe()
    assert (down.running, down.traffic, down.tags) == (False, before.traffic, before.tags)
    with pytest.raises(Fault, match="down"):
        mortal.platform().address(PROBLEM)
    mortal.platform().create_endpoint(PROBLEM)
    assert mortal.platform().address(PROBLEM) == address
    assert mortal.observe() == before
    assert mortal.score()[0] == 200


def test_a_port_that_was_taken_meanwhile_is_left_to_who_has_it_and_the_new_one_is_told(mortal, capsys):
    port = mortal.client().process().port
    mortal.client().stop()
    with socket.create_server(("127.0.0.1", port)):
        mortal.pin("1")
        mortal.dev_has_released("1")
        capsys.readouterr()
        assert mortal.mlops("release", PROBLEM, "--stack", "prod") == 0
        new = mortal.client().process().port
        assert new != port
        told = f"port {port} is taken by another process: the endpoint is at port {new} from now on"
        assert told in capsys.readouterr().err
        assert mortal.score()[0] == 200


def test_a_stopped_endpoint_leaves_nothing_behind(mortal):
    assert mortal.client().stop()
    assert until(lambda: not mortal.processes(), 5)
    assert not mortal.client().stop()


def test_an_endpoint_that_hangs_is_told_apart_and_ended(mortal, monkeypatch):
    monkeypatch.setattr("deploy.platforms.local.endpoint_client.ANSWERS_WITHIN_SECONDS", 0.3)
    pid = mortal.client().process().pid
    os.kill(pid, signal.SIGSTOP)
    assert not mortal.observe().running
    with pytest.raises(Fault, match="does not answer") as fault:
        mortal.platform().create_endpoint(PROBLEM)
    assert "mlops down" in fault.value.remedy
    assert mortal.client().stop()
    assert until(lambda: not mortal.processes(), 5)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits another process, which Linux alone can")
def test_a_full_disk_loses_nothing_and_is_told_in_one_line(two):
    pid, before = two.client().process().pid, two.record()
    most = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (10, most))
    with pytest.raises(Fault, match="record cannot be written"):
        two.platform().set_traffic(PROBLEM, {"two": 100})
    assert (two.record(), two.served()) == (before, {"1": 100})
    assert answered_by(two, 5) == {"one": 5}
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
    two.platform().set_traffic(PROBLEM, {"two": 100})
    assert two.served() == {"2": 100}
    assert not list(two.client().folder.glob("endpoint.json.*"))


@pytest.mark.parametrize("text", ["", '{"name": "bre', "[]", '{"name": "x"}'])
def test_a_torn_record_is_one_clear_line(machine, text, capsys):
    folder = machine.client().folder
    folder.mkdir(parents=True)
    (folder / "endpoint.json").write_text(text)
    assert machine.mlops("status", "--stack", "prod") == 1
    told = capsys.readouterr().err.strip()
    assert len(told.splitlines()) == 1
    assert "it is damaged → move it away" in told


def test_the_endpoint_says_before_the_client_that_nobody_answers():
    assert local_platform.INVOKE_SECONDS > router.LONGEST_ANSWER_SECONDS


@pytest.mark.parametrize(
    "answer", [(200, b"{}"), (200, b"[1]"), (404, b'{"detail": "Not Found"}'), (404, b"[]"), (200, b"x")]
)
def test_a_stranger_who_has_the_port_now_is_no_endpoint(machine, answer, strangers):
    folder = machine.client().folder
    folder.mkdir(parents=True)
    (folder / "process.json").write_text(json.dumps({"pid": 1, "port": strangers(*answer), "token": "t"}))
    assert machine.client().process() is None
    assert not machine.observe().exists
    assert not machine.client().stop()


@pytest.fixture
def strangers():
    """Starts a server that gives one answer to everything."""
    servers = []

    def start(status, body):
        class Stranger(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Stranger))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1].server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
