"""`python -m ml.serving`: one process that serves one model."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from threading import Thread

import uvicorn

from ml.fault import Fault, entry, invalid
from ml.lean import without_pandas
from ml.model.model import SERVING_EXAMPLE, Model
from ml.serving import settings
from ml.serving.app import App
from ml.serving.collector import Collector
from ml.serving.identity import Identity, NoTokenError
from ml.serving.openapi import openapi
from ml.serving.scorer import Scorer
from ml.serving.settings import Settings
from ml.serving.shipping import STORAGE, AppendBlobs, Shipper

DRAIN_SECONDS = 1
STOP_SECONDS = 3
WARM_UP_ANSWERS = 20


class _Announcing(uvicorn.Server):  # type: ignore[misc]  # mypy does not follow uvicorn
    """Tells its port in one JSON line on stdout, once it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        port = (sockets or [])[0].getsockname()[1]
        print(json.dumps({"port": port}), flush=True)


@entry
def main() -> None:
    """Serves until SIGTERM or SIGINT.

    Raises:
        Fault: the settings, the model's folder or the port are no good.
    """
    without_pandas()
    # uvicorn takes the signals over while it runs, drains, and raises them again for these handlers.
    # A row or two may still be in LightGBM's hands: nothing is left to save, so it is not waited for.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    wanted = settings.read(sys.argv[1:], os.environ)
    app = _app(wanted)
    listener = _listen(wanted.host, wanted.port)
    if wanted.with_parent:
        Thread(target=_end_with_parent, name="parent", daemon=True).start()
    _serve(app, listener)


def _app(wanted: Settings) -> App:
    scorer = Scorer(Model.load(wanted.model))
    _warm_up(scorer, wanted.model / SERVING_EXAMPLE)
    document = openapi(scorer, wanted.served, wanted.model)
    return App(scorer, wanted.served, document, _collector(wanted), _shipper(wanted))


def _warm_up(scorer: Scorer, example: Path) -> None:
    """Answers the model's own example, so that no user waits for what only the first answers pay."""
    if example.exists():
        body = example.read_bytes()
        for _ in range(WARM_UP_ANSWERS):
            scorer.score(body)


def _collector(wanted: Settings) -> Collector | None:
    if wanted.collect is None:
        return None
    try:
        return Collector(wanted.collect, wanted.served, wanted.collect_share, wanted.collect_bytes)
    except OSError as error:
        raise invalid(f"cannot be made: {error.strerror}", str(wanted.collect), "name another folder") from None


def _shipper(wanted: Settings) -> Shipper | None:
    """Nothing where it is not wanted, or there is no identity to write with: requests are answered all the same."""
    if wanted.collect is None or wanted.collect_to is None:
        return None
    try:
        identity = Identity(os.environ, STORAGE)
    except NoTokenError as error:
        print(f"collection: not shipped: {error}", file=sys.stderr, flush=True)
        return None
    return Shipper(wanted.collect, AppendBlobs(wanted.collect_to, identity.token), wanted.collect_every)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Fault(f"cannot listen: {reason}", f"{host}:{port}", "name another --port, or 0 for a free one") from None


def _serve(app: App, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,  # longer than a gateway's, so that it never meets a closing connection
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    _Announcing(config).run(sockets=[listener])


def _end_with_parent() -> None:
    """Standard input reaches its end when the parent dies, however it dies."""
    if sys.stdin is not None:
        sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
