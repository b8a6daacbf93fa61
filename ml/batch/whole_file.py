"""A file that takes its name only when it is whole."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ml.fault import Fault, invalid


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write: put in place at the end, where it replaces what is there; after an exception it is gone.

    Until then it is a hidden file beside `path`. What a killed process left there, the next one writes over.

    Raises:
        Fault: there is no such folder, another process writes the same file, or the disk is full.
    """
    check_place(path)
    part = path.with_name(f".{path.name}.part")
    with writing(path):
        file = _locked(part)
    try:
        yield file
        with writing(path):
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        with suppress(OSError):  # what a full disk did not take is tried once more when the file is closed
            file.close()


def check_place(path: Path) -> None:
    """Refuses a place before anything is done for it.

    Raises:
        Fault: no file can stand there.
    """
    if not path.parent.is_dir() or path.is_dir():
        raise invalid("no file can stand there", str(path), "name a file in a folder that exists")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the disk refuses into a fault that names the file."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        remedy = "free some space, or name another folder; nothing was left there"
        raise Fault(f"cannot be written: {reason}", str(path), remedy) from None


def _locked(part: Path) -> BinaryIO:
    """The file, empty, and ours until it is closed."""
    while True:
        file = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT, 0o666), "wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise Fault(
                "another process is writing this file", str(part), "wait until it has ended, or give another --out"
            ) from None
        if _is_named(file, part):
            file.truncate(0)
            return file
        file.close()  # the other process was done in between, and put it in place


def _is_named(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
