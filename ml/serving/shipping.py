"""Carries what was collected from the container's disk to blob storage, behind the answers' back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO
from urllib.parse import quote, urlsplit

from ml.serving.collection import SUFFIX
from ml.serving.identity import NoTokenError

STORAGE = "https://storage.azure.com/"
VERSION = "2021-12-02"
BLOCK = 4 * 2**20  # the most that one append takes in this version
SECONDS, STOP_SECONDS = 10.0, 5.0


class BlobRefusedError(Exception):
    """The storage answers with an error."""


@dataclass
class AppendBlobs:
    """A folder of append blobs.

    Attributes:
        url: of the folder: https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER.
        token: gives a bearer token.
    """

    url: str
    token: Callable[[], str]
    _connection: HTTPConnection | None = None

    def length(self, name: str) -> int:
        """How long a blob is, which is made where it is not there."""
        status, headers = self._ask("HEAD", name)
        if status == 404:
            # Another may have made it meanwhile: then it is as long as that one says.
            status, _ = self._ask("PUT", name, headers={"x-ms-blob-type": "AppendBlob", "If-None-Match": "*"})
            return 0 if self._accept("made", name, status, 201, 409) == 201 else self.length(name)
        self._accept("read", name, status, 200)
        return int(headers["content-length"])

    def append(self, name: str, data: bytes, at: int) -> bool:
        """Appends where the blob has the length `at`; False where it has another."""
        status, _ = self._ask("PUT", name, "?comp=appendblock", data, {"x-ms-blob-condition-appendpos": str(at)})
        return self._accept("written", name, status, 201, 412) == 201

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _accept(self, done: str, name: str, status: int, *fine: int) -> int:
        if status not in fine:
            raise BlobRefusedError(f"{self.url}/{name} cannot be {done}: the storage answers {status}")
        return status

    def _ask(
        self, method: str, name: str, query: str = "", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str]]:
        parts = urlsplit(self.url)
        if self._connection is None:
            kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
            self._connection = kind(parts.netloc, timeout=SECONDS)
        sent = {
            "Authorization": f"Bearer {self.token()}",
            "x-ms-version": VERSION,
            "x-ms-date": formatdate(usegmt=True),
            "Content-Length": str(len(body)),
            **(headers or {}),
        }
        try:
            self._connection.request(method, f"{parts.path}/{quote(name)}{query}", body, sent)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            self.close()
            raise
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}


class Shipper:
    """Appends whole lines of a folder's files to blobs of the same names, every few seconds.

    What a blob has is asked of the blob: a lost answer or a restart neither loses nor doubles a line.

    Attributes:
        shipped: bytes that this process has carried over.
    """

    def __init__(self, folder: Path, blobs: AppendBlobs, every: float = SECONDS) -> None:
        """Starts the thread."""
        self.shipped = 0
        self._folder, self._blobs, self._every = folder, blobs, every
        self._lengths: dict[str, int] = {}
        self._told = ""
        self._stop = Event()
        self._thread = Thread(target=self._run, name="shipper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Carries over what is left, as far as a few seconds go."""
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stop.wait(self._every)
            try:
                for path in sorted(self._folder.glob(f"*{SUFFIX}")):
                    self._ship(path)
                self._told = ""
            except (BlobRefusedError, NoTokenError, OSError, HTTPException) as error:
                self._tell(f"collection: not shipped: {error}; tried again")
        self._blobs.close()

    def _ship(self, path: Path) -> None:
        name = path.name
        try:
            if path.stat().st_size == self._lengths.get(name):
                return
            with path.open("rb") as file:
                self._carry(file, name)
        except FileNotFoundError:
            self._lengths.pop(name, None)  # the server made room

    def _carry(self, file: BinaryIO, name: str) -> None:
        at = self._lengths[name] if name in self._lengths else self._blobs.length(name)
        while lines := _whole_lines(_read_at(file, at)):
            if self._blobs.append(name, lines, at):
                at += len(lines)
                self.shipped += len(lines)
            else:  # the answer to an append was lost: the blob knows how far it came
                at = self._blobs.length(name)
            self._lengths[name] = at
        self._lengths[name] = at

    def _tell(self, message: str) -> None:
        """Once for each reason, not every few seconds."""
        if message != self._told:
            print(message, file=sys.stderr, flush=True)
        self._told = message


def _read_at(file: BinaryIO, at: int) -> bytes:
    file.seek(at)
    return file.read(BLOCK)


def _whole_lines(data: bytes) -> bytes:
    """Up to the last end of a line; a line longer than a block goes in pieces, which end where readers can tell."""
    end = data.rfind(b"\n") + 1
    return data[:end] if end else data if len(data) == BLOCK else b""
