"""Starts, reads and changes a local endpoint from the command's process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NoReturn

from deploy.exit_codes import INTERRUPTED
from deploy.platforms.local.endpoint.record import Record, read_record, record_from_json
from deploy.platforms.local.home import REPOSITORY
from deploy.release.state import Deployment, Observed, State
from ml.fault import Fault

ANSWERS_WITHIN_SECONDS = 5.0
UP_WITHIN_SECONDS = 20.0
SETTLED_WITHIN_SECONDS = 90.0  # longer than a deployment may take to come up
DOWN_WITHIN_SECONDS = 10.0


@dataclass(frozen=True)
class Process:
    """A running endpoint's process."""

    pid: int
    port: int
    token: str


@dataclass(frozen=True)
class EndpointClient:
    """The endpoint kept in `folder`."""

    folder: Path

    def process(self) -> Process | None:
        """The process, if it answers."""
        found = self._state()
        return found[0] if found else None

    def observe(self) -> Observed:
        """The endpoint as it is now; from its record where it is down.

        Raises:
            Fault: the record is damaged.
        """
        found = self._state()
        if found is None:
            return _down(read_record(self.folder))
        serving = {name: s["state"] for name, s in found[1]["serving"].items()}
        return _observed(record_from_json(found[1]), serving, running=True)

    def start(self) -> str | None:
        """Brings the endpoint up with the deployments it has, and waits until each has settled.

        Returns:
            That its port was taken and is another one now; None where it is the one it was.

        Raises:
            Fault: it does not come up.
        """
        before = read_record(self.folder)
        if self.process() is None:
            spawned = self._spawn()
            _until(lambda: self._up() or spawned.poll() is not None, UP_WITHIN_SECONDS, lambda: None)
            if not self._up():
                self._does_not_start()
        _until(self._settled, SETTLED_WITHIN_SECONDS, lambda: None)
        now = self.process()
        if before is None or now is None or before.port in (0, now.port):
            return None
        return f"port {before.port} is taken by another process: the endpoint is at port {now.port} from now on"

    def stop(self) -> bool:
        """Ends the endpoint with its deployments, also one that hangs; False where it was down."""
        if self._gone():
            return False
        process = self.process()
        if process is not None:
            with contextlib.suppress(OSError, HTTPException):
                self._call(process, "POST", "/_control/stop", None, ANSWERS_WITHIN_SECONDS)
        _until(self._gone, DOWN_WITHIN_SECONDS if process else 0.0, self._kill)
        return True

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control.

        Raises:
            Fault: the endpoint is down, breaks off, or refuses.
        """
        process = self.process()
        if process is None:
            raise Fault("the endpoint is down", str(self.folder), "`mlops release` starts it", INTERRUPTED)
        try:
            return self._call(process, method, path, body, SETTLED_WITHIN_SECONDS)
        except (OSError, HTTPException) as error:
            message = f"the endpoint broke off: {error or type(error).__name__}"
            raise Fault(message, str(self.folder), "the same command goes on", INTERRUPTED) from None

    def _state(self) -> tuple[Process, Any] | None:
        try:
            process = Process(**json.loads((self.folder / "process.json").read_text(encoding="utf-8")))
            state = self._call(process, "GET", "/_control/state", None, ANSWERS_WITHIN_SECONDS)
            return (process, state) if state["pid"] == process.pid else None
        except (OSError, ValueError, TypeError, LookupError, HTTPException, Fault):
            return None  # nobody is there, or somebody else who has the port now

    def _call(self, process: Process, method: str, path: str, body: Any, seconds: float) -> Any:
        connection = HTTPConnection("127.0.0.1", process.port, timeout=seconds)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"x-control-token": process.token})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise Refusal(answer.status, content)
        return json.loads(content)

    def _up(self) -> bool:
        return self.process() is not None

    def _spawn(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "endpoint.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "deploy.platforms.local.endpoint", str(self.folder)],
                cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def _gone(self) -> bool:
        """The process holds a lock as long as it lives, whether it answers or not."""
        try:
            with (self.folder / "process.lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False
        return True

    def _kill(self) -> None:
        """The lock's file names its holder."""
        if not self._gone():
            os.kill(int((self.folder / "process.lock").read_text(encoding="ascii")), signal.SIGKILL)
            _until(self._gone, DOWN_WITHIN_SECONDS, lambda: None)

    def _settled(self) -> bool:
        return all(d.state != "creating" for d in self.observe().deployments)

    def _does_not_start(self) -> NoReturn:
        if not self._gone():
            raise Fault("the endpoint's process does not answer", str(self.folder), "`mlops down` ends it")
        lines = (self.folder / "endpoint.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        word = lines[-1] if lines else "no word"
        raise Fault(f"the endpoint does not start: {word}", str(self.folder), "see endpoint.log there")


class Refusal(Fault):
    """The endpoint's answer other than 200, with its status."""

    def __init__(self, status: int, body: bytes) -> None:
        try:
            document = json.loads(body)
            title, detail = document["title"], document["detail"]
        except (ValueError, TypeError, LookupError):
            title, detail = f"it answered {status}", ""
        super().__init__(title, "endpoint", detail)
        self.status = status


def _down(record: Record | None) -> Observed:
    if record is None:
        return Observed(exists=False, running=False)
    return _observed(record, {}, running=False)


def _observed(record: Record, serving: dict[str, State], running: bool) -> Observed:
    deployments = tuple(
        Deployment(d.name, d.model, serving.get(d.name, "unhealthy")) for d in record.deployments.values()
    )
    return Observed(True, running, deployments, dict(record.traffic), dict(record.mirror), record.tags)


def _until(holds: Callable[[], bool], seconds: float, otherwise: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            otherwise()
            return
        time.sleep(0.03)
