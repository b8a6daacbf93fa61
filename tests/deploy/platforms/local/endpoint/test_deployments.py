"""What becomes of a deployment's process that does not do as it should."""

import asyncio
import sys

import pytest

from deploy.platforms.local.endpoint import deployments
from deploy.platforms.local.endpoint.deployments import Deployments
from deploy.platforms.local.endpoint.record import Made
from deploy.release.state import ModelRef
from ml import digest
from tests.deploy.conftest import until

SERVERS = {
    "ends at once": "raise SystemExit(3)",
    "ends with a fault": "from ml.fault import *\n@entry\ndef main(): raise invalid('broken', 'it', 'train')\nmain()",
    "says nothing": "import sys; sys.stdin.read()",
    "says something else": "import sys; print('hello', flush=True); sys.stdin.read()",
}

HANGING = """\
import json, socket, sys
open("LIVES", "a").write(".")
listening = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts a deployment with the given server until it has settled, then ends it."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_text("a")
    monkeypatch.setattr(deployments, "READY_WITHIN_SECONDS", 0.5)
    monkeypatch.setattr(deployments, "LONGEST_PAUSE_SECONDS", 0.01)

    def go(code, model=None):
        (tmp_path / "server.py").write_text(code)
        monkeypatch.setenv("MLOPS_SERVER", f"{sys.executable} {tmp_path / 'server.py'}")
        made = Made("one", ModelRef("m", "1", model or digest.of_path(tmp_path / "model")), str(tmp_path / "model"))
        return asyncio.run(_until_settled(Deployments(tmp_path), made))

    return go


async def _until_settled(kept, made):
    serving = kept.start(made)
    await asyncio.wait_for(serving.settled.wait(), 20)
    await kept.stop_all()
    return serving


@pytest.mark.parametrize(("server", "reason"), [
    ("ends at once", "it ended without a word"),
    ("ends with a fault", "it: broken → train"),
    ("says nothing", "it said nothing for"),
    ("says something else", "it ended without a word"),
])  # fmt: skip
def test_a_server_has_failed_that(start, server, reason):
    serving = start(SERVERS[server])
    assert serving.state == "failed"
    assert reason in serving.reason
    assert serving.process.returncode is not None


def test_other_bytes_than_those_registered_are_not_started(start):
    serving = start(SERVERS["says nothing"], model="0" * 64)
    assert (serving.state, serving.process) == ("failed", None)
    assert "not those that were registered" in serving.reason


def test_a_command_that_is_not_there_is_told(start, monkeypatch):
    monkeypatch.setattr(deployments, "server_command", lambda: ["/nowhere/server"])
    serving = start("")
    assert serving.state == "failed"
    assert "it cannot be started: No such file" in serving.reason


def test_a_log_stays_bounded_while_its_writer_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(deployments, "LOG_BYTES", 100)
    log = tmp_path / "one.log"
    with log.open("ab", buffering=0) as file:
        file.write(b"a" * 101)
        deployments._bound(log)
        file.write(b"b")
    assert log.read_bytes() == b"b"
    assert (tmp_path / "one.old.log").read_bytes() == b"a" * 101


def test_a_deployment_that_hangs_is_made_anew(start, monkeypatch, tmp_path):
    """Its port is open, and nobody answers there."""
    monkeypatch.setattr(deployments, "HANGS_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(deployments, "LOOK_EVERY_SECONDS", 0.1)
    lives = tmp_path / "lives"
    code = HANGING.replace("LIVES", str(lives))
    (tmp_path / "server.py").write_text(code)
    monkeypatch.setattr(deployments, "READY_WITHIN_SECONDS", 10.0)
    monkeypatch.setenv("MLOPS_SERVER", f"{sys.executable} {tmp_path / 'server.py'}")

    async def twice():
        kept = Deployments(tmp_path)
        made = Made("one", ModelRef("m", "1", digest.of_path(tmp_path / "model")), str(tmp_path / "model"))
        kept.start(made)
        await asyncio.to_thread(until, lambda: lives.exists() and len(lives.read_text()) > 1)
        await kept.stop_all()

    asyncio.run(twice())
