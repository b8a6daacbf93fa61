"""The release's own requests: held-back rows sent to each deployment by header, and what came back."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from deploy.platforms.local.endpoint.live import Observations
from deploy.platforms.protocol import Reply
from deploy.release.analysis import Live
from ml.fault import Fault

PAUSE_SECONDS = 0.25  # some two hundred requests a minute to each side: enough to judge by, no load
STOP_SECONDS = 1.0
FAILED = 503

Ask = Callable[[bytes, str], Reply]


class Probes:
    """Asks every deployment the same rows, one after the other, while they are open."""

    def __init__(self) -> None:
        self._seen = Observations()

    @contextlib.contextmanager
    def open(self, ask: Ask, names: Callable[[], Sequence[str]], bodies: Sequence[bytes]) -> Iterator[None]:
        """While it is open, a thread sends; `names` are the deployments as they are now."""
        stop = threading.Event()
        thread = threading.Thread(target=self._send, args=(ask, tuple(names()), bodies, stop), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(STOP_SECONDS)  # one that waits for an answer is left behind

    def since(self, moment: float) -> Mapping[str, Live]:
        """By deployment, what came back from `moment` (seconds of the monotonic clock) on."""
        return self._seen.since(moment)

    def _send(self, ask: Ask, names: Sequence[str], bodies: Sequence[bytes], stop: threading.Event) -> None:
        for body in itertools.cycle(bodies):
            for name in names:
                with self._seen.asked(name) as answered:
                    try:
                        reply = ask(body, name)
                        answered(reply.status, reply.body)
                    except Fault:
                        answered(FAILED, b"")
            if stop.wait(PAUSE_SECONDS):
                return


def monotonic(moment: float) -> float:
    """A moment of the epoch on the monotonic clock."""
    return time.monotonic() - (time.time() - moment)
