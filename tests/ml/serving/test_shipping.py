"""What was collected, carried to blob storage by a real server with the identity that it finds."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ml.serving.collection import read_collected
from ml.serving.identity import Identity, NoTokenError
from ml.serving.settings import read
from ml.serving.shipping import AppendBlobs, Shipper
from tests.stand_in.blobs import Blobs
from tests.stand_in.server import Answer, Server

LINES = [b'{"a":%d}\n' % number for number in range(6)]


def until(holds, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


@pytest.fixture
def azure():
    """Blob storage, and the identity's endpoint beside a container."""
    server = Server()
    server.asked = []

    def token(asked):
        server.asked.append(asked)
        secret = asked.headers.get("secret") or asked.headers.get("x-identity-header")
        told = {"access_token": "t", "expires_on": str(int(time.time()) + 3600)}
        return Answer(200, told) if secret == "s" else Answer(403, {})

    server.route("GET", "/msi/token", token, token=False)
    server.start()
    server.blobs = Blobs(server, "stdev")
    server.blobs.containers["raw"] = {}
    yield server
    server.stop()


@pytest.fixture
def ship(azure, tmp_path):
    """Begins to ship a folder; ended when the test does."""
    shippers = []

    def begin(token=lambda: "t", every=0.02):
        shippers.append(Shipper(tmp_path, AppendBlobs(f"{azure.blobs.url}/raw/collected/m", token), every))
        return shippers[-1]

    yield begin
    for shipper in shippers:
        shipper.close()


def blob(azure, name="1.jsonl"):
    found = azure.blobs.containers["raw"].get(f"collected/m/{name}")
    return found.content if found else None


def write(folder: Path, *lines: bytes, name="1.jsonl"):
    with (folder / name).open("ab") as file:
        file.write(b"".join(lines))


def test_lines_are_carried_as_they_come_and_a_torn_one_waits_for_its_end(azure, ship, tmp_path):
    shipper = ship()
    write(tmp_path, *LINES[:2], LINES[2][:4])
    until(lambda: blob(azure) == b"".join(LINES[:2]))
    write(tmp_path, LINES[2][4:], *LINES[3:])
    until(lambda: blob(azure) == b"".join(LINES))
    assert shipper.shipped == len(b"".join(LINES))


def test_what_is_left_goes_when_the_server_stops(azure, ship, tmp_path):
    shipper = ship(every=60)
    write(tmp_path, *LINES)
    shipper.close()
    assert blob(azure) == b"".join(LINES)


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_answer_neither_loses_nor_doubles_a_line(azure, ship, tmp_path, applied, capsys):
    write(tmp_path, *LINES[:3])
    shipper = ship()
    until(lambda: blob(azure) == b"".join(LINES[:3]))
    azure.trouble("PUT", r"/1\.jsonl", None, applied=applied)
    write(tmp_path, *LINES[3:5])
    until(lambda: azure.troubles[0].happened)
    write(tmp_path, *LINES[5:])
    shipper.close()
    assert blob(azure) == b"".join(LINES)
    assert capsys.readouterr().err.count("not shipped") == 1


def test_another_process_goes_on_where_the_first_one_stopped(azure, ship, tmp_path):
    write(tmp_path, *LINES[:3])
    ship().close()
    write(tmp_path, *LINES[3:])
    ship()
    until(lambda: blob(azure) == b"".join(LINES))


def test_storage_that_refuses_is_told_once_and_tried_again(azure, ship, tmp_path, capsys):
    azure.trouble("*", "/collected/", Answer(403), times=5)
    write(tmp_path, *LINES)
    ship()
    until(lambda: blob(azure) == b"".join(LINES))
    assert capsys.readouterr().err.count("the storage answers 403") == 1


def test_a_line_longer_than_a_block_is_carried_whole(azure, ship, tmp_path):
    long = b'{"a":"' + b"x" * (5 * 2**20) + b'"}\n'
    write(tmp_path, long, LINES[0])
    ship()
    until(lambda: blob(azure) == long + LINES[0])


@pytest.mark.parametrize("variables", [("IDENTITY_ENDPOINT", "IDENTITY_HEADER"), ("MSI_ENDPOINT", "MSI_SECRET")])
def test_the_identity_is_asked_once_for_an_hour_and_by_its_own_client_id(azure, variables):
    environment = {variables[0]: f"{azure.url}/msi/token", variables[1]: "s", "MLOPS_IDENTITY": "c"}
    identity = Identity(environment, "https://storage.azure.com/")
    assert identity.token() == identity.token() == "t"
    (asked,) = azure.asked
    assert asked.query["resource"] == "https://storage.azure.com/"
    assert "c" in (asked.query.get("client_id"), asked.query.get("clientid"))


def test_no_identity_and_a_refused_one_say_so(azure):
    with pytest.raises(NoTokenError, match="no managed identity"):
        Identity({}, "r")
    wrong = Identity({"MSI_ENDPOINT": f"{azure.url}/msi/token", "MSI_SECRET": "wrong"}, "r")
    with pytest.raises(NoTokenError, match="403"):
        wrong.token()


def test_a_server_carries_what_it_answered_to_the_storage(azure, starting, folders, records, tmp_path):
    to = ["--collect-to", f"{azure.blobs.url}/raw/collected/m", "--collect-every", "0.05"]
    identity = {"MSI_ENDPOINT": f"{azure.url}/msi/token", "MSI_SECRET": "s"}
    place = ["--model", folders["regression"], "--port", "0", "--collect", tmp_path / "here"]
    server = starting(*place, *to, **identity)
    assert server.score({"inputs": records[:2]}, x_request_id="first")[0] == 200
    until(lambda: json.loads(server.ask("GET", "/health")[2])["shipped_bytes"] > 0)
    assert server.score({"inputs": records[:1]}, x_request_id="last")[0] == 200
    server.process.terminate()
    assert server.process.wait(timeout=8) == 0
    fetched = azure.blobs.download("raw", "collected/m", tmp_path / "fetched")
    assert [one.request_id for one in read_collected(fetched)] == ["first", "last"]


def test_a_server_without_an_identity_answers_and_says_why_nothing_is_carried(
    azure, starting, folders, records, tmp_path
):
    to = ["--collect", tmp_path / "here", "--collect-to", f"{azure.blobs.url}/raw/collected/m"]
    server = starting("--model", folders["regression"], "--port", "0", *to)
    assert server.score({"inputs": records[:1]})[0] == 200
    assert "shipped_bytes" not in json.loads(server.ask("GET", "/health")[2])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--collect-to", "https://a.blob.core.windows.net/raw"], "--collect"),
        (["--collect-to", "raw/collected", "--collect", "x"], "is no URL"),
    ],
)
def test_a_folder_of_blobs_that_cannot_be_meant_is_refused(folders, words, sentence):
    with pytest.raises(Exception, match=sentence):
        read(["--model", str(folders["regression"]), *words], {})


def test_what_lies_in_the_storage_is_read_like_any_collection(azure, ship, tmp_path):
    from ml.serving.collector import Collector
    from ml.serving.served import Served

    collector = Collector(tmp_path, Served("green", "m", "3", "d"))
    for number in range(20):
        collector.offer(f"r{number}", b'{"dataframe_records":[{"a":1}]}', b"[2.0]")
    collector.close()
    ship().close()
    fetched = azure.blobs.download("raw", "collected/m", tmp_path / "fetched")
    assert [one.request_id for one in read_collected(fetched)] == [f"r{number}" for number in range(20)]
