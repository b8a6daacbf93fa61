"""Keeps the deployments' processes alive, each the scoring server that Azure ML runs too."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import sys
import time
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import aiohttp

from deploy.platforms.local.endpoint.record import Made
from deploy.release.state import State
from ml import digest
from ml.fault import from_json

READY_WITHIN_SECONDS = 60.0
LOOK_EVERY_SECONDS = 1.0
HANGS_AFTER_SECONDS = 10.0
FAILED_STARTS = 3
LONGEST_PAUSE_SECONDS = 5.0
LOG_BYTES = 4_000_000
LONGEST_REASON = 500


def server_command() -> list[str]:
    """How a deployment is served; `MLOPS_SERVER` names another server with the same arguments."""
    return shlex.split(os.environ.get("MLOPS_SERVER", "")) or [sys.executable, "-m", "ml.serving"]


@dataclass
class Serving:
    """One deployment's process and how it does."""

    made: Made
    state: State = "creating"
    port: int = 0
    reason: str = ""
    process: Process | None = None
    keeper: asyncio.Task[None] | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class Deployments:
    """The processes of one endpoint, by the deployment's name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.serving: dict[str, Serving] = {}
        (folder / "logs").mkdir(parents=True, exist_ok=True)

    def start(self, made: Made) -> Serving:
        """Starts a deployment and keeps it alive from then on."""
        serving = Serving(made)
        self.serving[made.name] = serving
        serving.keeper = asyncio.create_task(self._keep(serving))
        return serving

    def is_ready(self, name: str) -> bool:
        """Whether there is such a deployment, and it answers."""
        return name in self.serving and self.serving[name].state == "ready"

    async def stop(self, name: str) -> None:
        """Ends a deployment's process."""
        serving = self.serving.pop(name)
        assert serving.keeper is not None
        serving.keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving.keeper

    async def stop_all(self) -> None:
        """Ends all of them."""
        await asyncio.gather(*(self.stop(name) for name in list(self.serving)))

    async def _keep(self, serving: Serving) -> None:
        """Starts it, again when it ends, slower each time; gives up on one that has never come up."""
        began, failures = time.monotonic(), 0
        while True:
            try:
                came_up = await self._run_once(serving)
            except TimeoutError:
                came_up, serving.reason = False, f"it said nothing for {READY_WITHIN_SECONDS:.0f} s"
            except OSError as error:
                came_up, serving.reason = False, f"it cannot be started: {error.strerror}"
            finally:
                await _end(serving.process)
            failures = 0 if came_up else failures + 1
            late = time.monotonic() - began > READY_WITHIN_SECONDS
            if not serving.settled.is_set() and (late or failures == FAILED_STARTS):
                serving.state = "failed"
                serving.settled.set()
                return
            await asyncio.sleep(min(0.2 * 2**failures, LONGEST_PAUSE_SECONDS))

    async def _run_once(self, serving: Serving) -> bool:
        """One life of the process; whether it came up."""
        made = serving.made
        if await asyncio.to_thread(digest.of_path, Path(made.folder)) != made.model.digest:
            serving.reason = "the model's files are not those that were registered"
            return False
        log = self.folder / "logs" / f"{made.name}.log"
        with log.open("ab") as file:
            serving.process = await self._spawn(made, file)
        port = await self._first_line(serving.process)
        if port is None:
            serving.reason = _last_line(log)
            return False
        serving.port, serving.state = port, "ready"
        serving.settled.set()
        await self._until_it_dies(serving, log)
        serving.state = "unhealthy"
        return True

    async def _spawn(self, made: Made, log: BinaryIO) -> Process:
        command = [
            *server_command(), "--model", made.folder, "--port", "0", "--deployment", made.name,
            "--model-name", made.model.name, "--model-version", made.model.version, "--digest", made.model.digest,
            "--collect", str(self.folder / "collected"), "--with-parent",
        ]  # fmt: skip
        return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=log)

    async def _first_line(self, process: Process) -> int | None:
        """The port, which the server tells once it answers; None where it ends instead."""
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), READY_WITHIN_SECONDS)
        try:
            return int(json.loads(line)["port"])
        except (ValueError, KeyError, TypeError):
            return None

    async def _until_it_dies(self, serving: Serving, log: Path) -> None:
        """Waits for the end of the process, and makes one of a process that hangs."""
        process = serving.process
        assert process is not None
        timeout = aiohttp.ClientTimeout(total=HANGS_AFTER_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while process.returncode is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), LOOK_EVERY_SECONDS)
                    return
                with contextlib.suppress(OSError):
                    _bound(log)
                if not await _alive(session, serving.port):
                    return


def _bound(log: Path) -> None:
    """The server appends to the file that it has open, so the file is emptied rather than renamed."""
    if log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".old.log"))
        os.truncate(log, 0)


async def _alive(session: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with session.get(f"http://127.0.0.1:{port}/live") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


async def _end(process: Process | None) -> None:
    """SIGTERM, and SIGKILL where that does not help."""
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(process.wait()), 3.0)
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if not lines:
        return "it ended without a word"
    return str(from_json(lines[-1]) or lines[-1])[:LONGEST_REASON]
