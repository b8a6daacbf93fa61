"""What a person is told when something is wrong: what, where, and the remedy."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from typing import NoReturn

FAULT = 1
INVALID_INPUT = 2
FREE_SPACE = "free some space, then run the same command"
REMEDIES = {
    errno.ENOSPC: FREE_SPACE,
    errno.EDQUOT: FREE_SPACE,
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), then run the same command",
    errno.EROFS: "make it writable, or set MLOPS_HOME to a folder that is",
    errno.EACCES: "check its rights",
}


@dataclass(eq=False)
class Fault(Exception):
    """A fault with a remedy.

    Attributes:
        message: what is wrong, with the value.
        where: the file, row, column, key or URL; empty where there is no such place.
        remedy: what would be right.
        code: the process's exit code: 1 for a fault, 2 for wrong usage or invalid input;
            `deploy.exit_codes` lists the others.
    """

    message: str
    where: str = ""
    remedy: str = ""
    code: int = FAULT

    def __str__(self) -> str:
        """One line: where: message → remedy."""
        place = f"{self.where}: " if self.where else ""
        remedy = f" → {self.remedy}" if self.remedy else ""
        return f"{place}{self.message}{remedy}"


def invalid(message: str, where: str = "", remedy: str = "") -> Fault:
    """A fault of the input, not of the program (exit code 2)."""
    return Fault(message, where, remedy, INVALID_INPUT)


def of_the_machine(error: OSError, place: str) -> Fault | None:
    """A full disk or missing rights, told as such; None where it is something else.

    Args:
        error: as the kernel told it.
        place: where it happened, for an error that names no file.
    """
    remedy = REMEDIES.get(error.errno or 0)
    if remedy is None:
        return None
    return Fault(error.strerror or "no space", str(error.filename or place), remedy)


def to_json(fault: Fault) -> str:
    """The one JSON line by which a process tells its fault to whoever started it."""
    return json.dumps({"error": asdict(fault)}, ensure_ascii=False)


def from_json(line: str) -> Fault | None:
    """The fault that `to_json` wrote, or None where the line is something else."""
    try:
        return Fault(**json.loads(line)["error"])
    except (ValueError, KeyError, TypeError):
        return None


def entry(main: Callable[[], None]) -> Callable[[], NoReturn]:
    """Makes a step's main a process: a fault is its last line on stderr and its exit code."""

    @wraps(main)
    def run() -> NoReturn:
        try:
            main()
        except Fault as fault:
            print(to_json(fault), file=sys.stderr)
            sys.exit(fault.code)
        except OSError as error:
            known = of_the_machine(error, "the disk")
            if known is None:
                raise
            print(to_json(known), file=sys.stderr)
            sys.exit(known.code)
        sys.exit(0)

    return run
