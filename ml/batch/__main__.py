"""`python -m ml.batch`: one process that scores one file, or one folder of files."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from ml.fault import Fault, entry
from ml.lean import without_pandas

INTERRUPTED = 7


@entry
def main() -> None:
    """Scores, and prints one JSON object: rows, seconds, rows_per_second, out.

    Raises:
        Fault: see `ml.batch.scoring.score`; also when interrupted (exit code 7).
    """
    arguments = _parser().parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    if arguments.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    without_pandas()
    # The rows are shared out among threads of our own; a library that starts more only stands in their way.
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    from ml.batch.scoring import score

    began = time.monotonic()
    rows = score(arguments.model, arguments.data, arguments.out, _Progress(began, arguments.progress_seconds))
    seconds = time.monotonic() - began
    result = {"rows": rows, "seconds": round(seconds, 3), "rows_per_second": round(rows / seconds)}
    print(json.dumps({**result, "out": str(arguments.out)}, ensure_ascii=False))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m ml.batch", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the model's folder")
    parser.add_argument("--data", type=Path, required=True, help="a CSV or Parquet file, or a folder of them")
    parser.add_argument("--out", type=Path, required=True, help="a file that ends in .parquet or .csv")
    parser.add_argument("--progress-seconds", type=float, default=10.0, help="how often a line tells the rows so far")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input does")
    return parser


class _Progress:
    """Tells the rows so far on stderr, every `seconds` seconds."""

    def __init__(self, began: float, seconds: float) -> None:
        self._began = self._told = began
        self._seconds = seconds

    def __call__(self, rows: int) -> None:
        now = time.monotonic()
        if now - self._told >= self._seconds:
            print(f"{rows:,} rows, {rows / (now - self._began):,.0f} a second", file=sys.stderr, flush=True)
            self._told = now


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Fault("interrupted; nothing was left", remedy="the same command starts anew", code=INTERRUPTED)


def _end_with_parent() -> None:
    """Standard input reaches its end when the parent dies, however it dies."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
