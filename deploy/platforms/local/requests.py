"""A flow of requests to a local endpoint, as users would send them."""

from __future__ import annotations

import contextlib
import itertools
import threading
import uuid
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection, HTTPException

from deploy.platforms.protocol import Address
from ml.serving.collection import PROBE

ANSWER_SECONDS, STOP_SECONDS = 10.0, 1.0
PAUSE_SECONDS = 0.001  # leaves the deployments some of the two cores


@contextlib.contextmanager
def flowing(address: Address, bodies: Sequence[bytes]) -> Iterator[None]:
    """While it is open, a thread asks the endpoint, one request after the other and again from the first."""
    stop = threading.Event()
    thread = threading.Thread(target=_send, args=(address, bodies, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_SECONDS)  # one that waits for an answer is left behind: an interrupted release stops at once


def _send(address: Address, bodies: Sequence[bytes], stop: threading.Event) -> None:
    host = address.url.split("/")[2]
    headers = {"Authorization": f"Bearer {address.key}", "Content-Type": "application/json"}
    connection = HTTPConnection(host, timeout=ANSWER_SECONDS)
    for body in itertools.cycle(bodies):
        if stop.wait(PAUSE_SECONDS):
            break
        # An id that says that no user sent it: the monitor looks at what users asked.
        named = {**headers, "x-request-id": f"{PROBE}{uuid.uuid4().hex}"}
        try:
            connection.request("POST", "/score", body, named)
            connection.getresponse().read()
        except (OSError, HTTPException):
            connection.close()  # a request that finds nobody is the endpoint's failure, and is counted there
    connection.close()
