"""What nobody foresaw, as a fault like all others: its traceback goes to a file that the remedy names."""

from __future__ import annotations

import sys
import tempfile
import traceback

from deploy.exit_codes import INTERRUPTED
from ml.fault import Fault, of_the_machine


def as_fault(raised: BaseException) -> Fault:
    """Whatever ended a command, as what its user is told."""
    if isinstance(raised, Fault):
        return raised
    if isinstance(raised, KeyboardInterrupt):
        return Fault("interrupted", remedy="the same command goes on", code=INTERRUPTED)
    known = of_the_machine(raised, "the disk") if isinstance(raised, OSError) else None
    return known or _bug(raised)


def _bug(raised: BaseException) -> Fault:
    last = traceback.extract_tb(raised.__traceback__)[-1:]
    where = f"{last[0].filename}:{last[0].lineno}" if last else ""
    message = " ".join(str(raised).split())
    name = type(raised).__name__
    return Fault(f"{name}: {message}" if message else name, where, f"a fault of mlops itself; {_kept(raised)}")


def _kept(raised: BaseException) -> str:
    """Where the traceback is: in a file, or on stderr where none can be written."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="mlops-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            traceback.print_exception(raised, file=file)
        return f"its traceback is in {file.name}"
    except OSError:
        traceback.print_exception(raised, file=sys.stderr)
        return "its traceback is above"
