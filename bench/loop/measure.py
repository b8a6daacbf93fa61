"""How long the loop and the commands around it take: `.venv/bin/python bench/loop/measure.py`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from statistics import median

REPEATS = 5
COMMANDS = (
    ("run, nothing changed", ("run", "--yes"), 5.0),
    ("--help", ("--help",), 0.3),
    ("status", ("status",), 1.0),
)


def seconds(home: str, *words: str) -> float:
    """One command, from start to end."""
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "deploy", *words],
        env={**os.environ, "MLOPS_HOME": home},
        capture_output=True,
        check=True,
    )
    return time.monotonic() - began


def tell(title: str, took: float, limit: float) -> None:
    """One line of the table."""
    print(f"{title:24} {took:6.2f} s   limit {limit:g} s")


def main() -> None:
    """Measures in a home of its own and prints one line a command."""
    with tempfile.TemporaryDirectory() as home:
        try:
            tell("run, the first time", seconds(home, "run", "--yes"), 30.0)
            for title, words, limit in COMMANDS:
                tell(title, median(seconds(home, *words) for _ in range(REPEATS)), limit)
        finally:
            seconds(home, "down")


if __name__ == "__main__":
    main()
