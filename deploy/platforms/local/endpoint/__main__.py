"""The process of a local endpoint: `python -m deploy.platforms.local.endpoint FOLDER`."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import secrets
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.log import server_logger

from deploy.platforms.local.endpoint.control import Control
from deploy.platforms.local.endpoint.deployments import Deployments
from deploy.platforms.local.endpoint.record import Record, read_record, write_record
from deploy.platforms.local.endpoint.router import LARGEST_BODY, Router
from deploy.replacement import replace_file

HOST = "127.0.0.1"
DRAIN_SECONDS = 2.0  # for requests that are being answered when the endpoint is stopped
LONGEST_REASON = 200
LOCK_ATTEMPTS, LOCK_PAUSE_SECONDS = 10, 0.05


async def serve(folder: Path) -> None:
    """Serves the endpoint kept in `folder` until it is told to stop."""
    record = read_record(folder) or Record(folder.name)
    deployments = Deployments(folder)
    router = Router(_key(folder), deployments)
    control = Control(folder, record, deployments, router)
    token = secrets.token_urlsafe(24)
    application = web.Application(client_max_size=LARGEST_BODY)
    application.add_routes(
        [*control.routes(token), web.get("/health", _health), web.route("*", "/{path:.*}", router.handle)]
    )
    await router.open()
    server_logger.addFilter(_in_one_line)
    # Compressed bodies pass as they are: the deployment unpacks them, as it does on Azure.
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=DRAIN_SECONDS, auto_decompress=False)
    await runner.setup()
    port = await _listen(runner, record.port)
    if port != record.port:
        control.record = replace(record, port=port)
        write_record(folder, control.record)
    for made in record.deployments.values():
        deployments.start(made)
    process = {"pid": os.getpid(), "port": port, "token": token}
    replace_file(folder / "process.json", json.dumps(process).encode())
    _stop_on_signals(control)
    await control.stopping.wait()
    (folder / "process.json").unlink(missing_ok=True)
    await runner.cleanup()
    await deployments.stop_all()
    await router.close()


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"status": "up"})


def _in_one_line(record: logging.LogRecord) -> bool:
    """A request that is no HTTP is the client's fault: the log names it, without a traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        reason = error.message.partition("\n")[0][:LONGEST_REASON]
        record.msg, record.exc_info = f"malformed request from %s: {reason.replace('%', '%%')}", None
    return True


async def _listen(runner: web.AppRunner, port: int) -> int:
    """The port that was used before, so that the URL stays; another one where that is taken now."""
    for wanted in (port, 0):
        site = web.TCPSite(runner, HOST, wanted)
        try:
            await site.start()
        except OSError as error:
            print(f"port {wanted}: {error.strerror}; taking another", file=sys.stderr)
            continue
        return int(runner.addresses[-1][1])
    raise SystemExit("no port can be had")


def _key(folder: Path) -> str:
    """The endpoint's key, made once, readable by its owner alone."""
    path = folder / "key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
    return path.read_text(encoding="ascii")


def _stop_on_signals(control: Control) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, control.stopping.set)


def _is_alone(lock: TextIO) -> bool:
    """Takes the lock, which a command may hold for a moment to see whether anybody does."""
    for _ in range(LOCK_ATTEMPTS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_PAUSE_SECONDS)
        else:
            return True
    return False


def main() -> None:
    """One process an endpoint: a second one for the same folder leaves."""
    folder = Path(sys.argv[1])
    lock = (folder / "process.lock").open("a+", encoding="ascii")  # never closed: held until the process is gone
    if not _is_alone(lock):
        sys.exit(0)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    asyncio.run(serve(folder))


if __name__ == "__main__":
    main()
