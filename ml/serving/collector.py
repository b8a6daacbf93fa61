"""Collects answered requests behind the answers' back: a bounded queue, and a thread that writes."""

from __future__ import annotations

import datetime as dt
import random
import sys
import time
from collections import deque
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import msgspec

from ml.serving.collection import DEFAULT_BYTES, Files
from ml.serving.served import Served

GATHER_SECONDS = 0.05
MOST_WAITING = 32 * 2**20
LINES_A_WRITE = 256
STOP_SECONDS = 1.0
FRAME = 256  # what a line has beside these: its keys, its time, an id of at most 128 characters


class _Waiting(NamedTuple):
    request_id: str
    time: float
    body: bytes
    answer: bytes
    size: int


class Collector:
    """Takes what was answered and never holds an answer up: what cannot be kept is counted as dropped.

    Attributes:
        dropped: answered requests that were lost: the queue or the disk was full.
        written: answered requests on disk.
    """

    def __init__(
        self,
        folder: Path,
        served: Served,
        share: float = 1.0,
        most: int = DEFAULT_BYTES,
        waiting: int = MOST_WAITING,
    ) -> None:
        """Starts the thread.

        Args:
            folder: where the files go; made where it is absent.
            served: what answers.
            share: the share of the requests that is collected, drawn at random.
            most: bytes on disk.
            waiting: bytes in the queue.

        Raises:
            OSError: the folder cannot be made.
        """
        self._files, self._share, self._most_waiting = Files(folder, most), share, waiting
        named = {"deployment": served.deployment, "model": served.model_version, "digest": served.digest}
        self._middle = msgspec.json.encode(named)[1:-1]
        self._queue: deque[_Waiting] = deque()
        # Each of these counters is written by one thread only: the first two where answers are
        # offered, the others in the writing thread.
        self._offered_bytes = self._refused = 0
        self._taken_bytes = self._lost = self.written = 0
        self._wake, self._stop = Event(), Event()
        self._thread = Thread(target=self._run, name="collector", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Answered requests that were not kept."""
        return self._refused + self._lost

    def offer(self, request_id: str, body: bytes, answer: bytes) -> None:
        """Leaves an answered request to the thread. Call it from one thread."""
        if self._share < 1.0 and random.random() >= self._share:  # noqa: S311 - a sample, not a secret
            return
        size = len(body) + len(answer) + len(self._middle) + FRAME
        if size > self._files.largest or self._offered_bytes - self._taken_bytes + size > self._most_waiting:
            self._refused += 1
            return
        self._offered_bytes += size
        self._queue.append(_Waiting(request_id, time.time(), body, answer, size))
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Writes what waits, as far as a second goes."""
        self._stop.set()
        self._wake.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._stop.wait(GATHER_SECONDS)  # many lines in one write
            self._wake.clear()
            while self._queue:
                self._write(self._take())
        self._files.close()

    def _take(self) -> list[_Waiting]:
        """The next lines: so many that formatting them does not hold the answers up for long."""
        taken = [self._queue.popleft()]
        size = taken[0].size
        while self._queue and len(taken) < LINES_A_WRITE and size + self._queue[0].size <= self._files.largest:
            taken.append(self._queue.popleft())
            size += taken[-1].size
        self._taken_bytes += size
        return taken

    def _write(self, taken: list[_Waiting]) -> None:
        try:
            self._files.append(b"".join(map(self._line, taken)))
            self.written += len(taken)
        except OSError as error:
            if not self._lost:
                print(
                    f"collection: {error.strerror}; requests are answered and not kept",
                    file=sys.stderr,
                    flush=True,
                )
            self._lost += len(taken)

    def _line(self, waiting: _Waiting) -> bytes:
        """One JSON line. The body is JSON, so a line break in it stands between its parts."""
        return b'{"request_id":"%b","time":"%b",%b,"request":%b,"response":%b}\n' % (
            waiting.request_id.encode(),
            dt.datetime.fromtimestamp(waiting.time, dt.UTC).isoformat().encode(),
            self._middle,
            waiting.body.replace(b"\n", b" ").replace(b"\r", b" "),
            waiting.answer,
        )
