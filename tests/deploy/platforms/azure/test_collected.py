"""Requests that a deployment's own container carried to blob storage, read back and looked at by the same command."""

import time

import pytest

from deploy.monitor.collected import asked_of
from deploy.platforms.azure.collected import folder_of
from ml.model.model import Model
from ml.serving.collection import PROBE, read_collected
from tests.deploy.platforms.azure.conftest import PROBLEM


@pytest.fixture
def asked(cloud, registered):
    """Dev serves version 1 and was asked 130 held-back rows by users, whose ids begin with `user-`."""
    from deploy.held_back import HeldBackRows

    cloud.register("1")
    cloud.released("1")
    platform = cloud.platform()
    bodies = list(HeldBackRows(platform.origin(cloud.models["1"]).live, platform.fetch(cloud.models["1"]), 10).bodies())
    for body in bodies[:13]:
        assert platform.invoke(PROBLEM, body).status == 200
    return cloud


def blobs(cloud):
    return cloud.azure.storage["dev"].list("raw", folder_of(PROBLEM))


def until_carried(cloud, rows):
    """The container carries its files every few seconds; what was answered is there in the end."""
    deadline = time.monotonic() + 20
    while True:
        kept = list(read_collected(cloud.platform().collected(PROBLEM)))
        users = [one for one in kept if not one.request_id.startswith(PROBE)]
        if sum(len(one.rows) for one in users) >= rows:
            return users
        assert time.monotonic() < deadline, (blobs(cloud), len(kept))
        time.sleep(0.1)


def test_what_a_container_carried_to_the_storage_is_read_as_on_this_machine(asked):
    kept, model = until_carried(asked, 130), asked.models["1"]
    assert blobs(asked), "it came from the storage"
    assert {(one.model, one.digest) for one in kept} == {(str(model).split(" ")[0], model.digest)}
    read = asked_of(kept, Model.load(asked.platform().fetch(model)), model.digest)
    assert read.rows.num_rows == len(read.answers) == 130


def test_only_what_was_added_since_is_fetched(cloud):
    """The storage alone: what a container writes there is in the other test."""
    line = b'{"request_id":"r%d","time":"2099-01-01T00:00:00+00:00","deployment":"d","model":"m:1","digest":"d",'
    line += b'"request":{"dataframe_records":[{"a":1}]},"response":[1.0]}\n'
    container, server = cloud.azure.storage["dev"], cloud.azure.server
    newest, oldest = (f"{folder_of(PROBLEM)}/{moment}T000000.000000Z-a.jsonl" for moment in ("20990101", "20010101"))
    container.put("raw", newest, line % 1)
    container.put("raw", oldest, line % 0)
    folder = cloud.platform().collected(PROBLEM)
    assert [one.request_id for one in read_collected(folder)] == ["r1"], "what is older than some months stays there"
    container.containers["raw"][newest].content += line % 2
    before = len(server.calls("GET", "/raw/collected/"))
    for _ in range(2):
        assert [one.request_id for one in read_collected(cloud.platform().collected(PROBLEM))] == ["r1", "r2"]
    assert len(server.calls("GET", "/raw/collected/")) == before + 1
    assert (folder / newest.rpartition("/")[2]).read_bytes() == container.get("raw", newest)
