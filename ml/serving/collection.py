"""The collected requests on disk: JSON lines in files that are bounded in sum."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ml.fault import Fault
from ml.serving.formats import unpack

SUFFIX = ".jsonl"
DEFAULT_BYTES = 64 * 2**20
FILES = 4
# How the request ids begin of requests that no user sent: smoke tests, mirrored copies, whatever names its deployment.
PROBE = "probe-"


@dataclass(frozen=True)
class Collected:
    """One answered request.

    Attributes:
        request_id: the id that the answer carried.
        time: when it was answered, in UTC.
        deployment: what answered it.
        model: the model, as name:version.
        digest: the digest of the model's files.
        rows: for each row the request's columns and values as they came; dates are strings.
        answers: one a row.
    """

    request_id: str
    time: dt.datetime
    deployment: str
    model: str
    digest: str
    rows: list[dict[str, Any]]
    answers: list[Any]


class _Line(msgspec.Struct):
    request_id: str
    time: dt.datetime
    deployment: str
    model: str
    digest: str
    request: dict[str, Any]
    response: list[Any] | dict[str, list[Any]]


_read_line = msgspec.json.Decoder(_Line).decode


def read_collected(folder: Path, since: dt.datetime | None = None) -> Iterator[Collected]:
    """What was collected in `folder`, file by file; each file in the order of its answers.

    Args:
        folder: where the servers collect; none there is nothing collected.
        since: an aware moment; what was answered before is left out.

    Raises:
        Fault: a line is damaged. A last line that a killed process left torn is passed over.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with contextlib.suppress(FileNotFoundError):  # a server made room meanwhile
            # A file's time is taken from a coarser clock than a line's.
            if since is None or path.stat().st_mtime + 1.0 >= since.timestamp():
                yield from (line for line in _read_file(path) if since is None or line.time >= since)


def _read_file(path: Path) -> Iterator[Collected]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield _collected(_read_line(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Fault(f"is damaged: {error}", f"{path}:{number}", "remove the line") from None


def _collected(line: _Line) -> Collected:
    rows = [dict(zip(columns, values, strict=True)) for columns, values in unpack(line.request).rows()]
    answers = line.response if isinstance(line.response, list) else line.response["predictions"]
    return Collected(line.request_id, line.time, line.deployment, line.model, line.digest, rows, answers)


class Files:
    """Appends to files of its own in a folder that several processes may share.

    The oldest files go, whoever wrote them, before the folder would hold more than `most` bytes.
    """

    def __init__(self, folder: Path, most: int = DEFAULT_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._most = folder, most
        self.largest = most // FILES
        self._process = secrets.token_hex(4)
        self._file, self._length = -1, 0

    def append(self, lines: bytes) -> None:
        """Writes whole lines, at most `largest` bytes of them; all or nothing.

        Raises:
            OSError: the disk is full, or the folder gone. The next call tries again.
        """
        if self._is_over(len(lines)):
            self.close()
        self._make_room(len(lines))
        if self._file < 0:
            self._open()
        try:
            _write_all(self._file, lines)
        except OSError:
            self._take_back()
            raise
        self._length += len(lines)

    def close(self) -> None:
        """Ends the current file."""
        if self._file >= 0:
            os.close(self._file)
        self._file, self._length = -1, 0

    def _is_over(self, more: int) -> bool:
        """Whether the current file is full, or was removed by another process that made room."""
        if self._file < 0:
            return False
        return self._length + more > self.largest or os.fstat(self._file).st_nlink == 0

    def _open(self) -> None:
        now = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        path = self._folder / f"{now}-{self._process}{SUFFIX}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def _make_room(self, more: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with os.scandir(self._folder) as entries:
            sizes = {entry.path: entry.stat().st_size for entry in entries if entry.name.endswith(SUFFIX)}
        for path in sorted(sizes):
            if sum(sizes.values()) + more <= self._most:
                return
            with contextlib.suppress(FileNotFoundError):
                Path(path).unlink()
            del sizes[path]

    def _take_back(self) -> None:
        """Cuts off the half of a line that a full disk took; where that fails, the file ends here."""
        try:
            os.ftruncate(self._file, self._length)
        except OSError:
            self.close()


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
