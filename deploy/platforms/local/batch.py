"""Batch scoring in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploy.platforms.local.home import REPOSITORY
from deploy.screen import Screen
from ml.fault import Fault, from_json

PROGRESS_SECONDS, PROGRESS_SECONDS_IN_A_LOG = 1, 10


def score(model: Path, data: Path, out: Path, screen: Screen) -> dict[str, Any]:
    """Scores in a process of its own, whose memory and imports are not the command's.

    Raises:
        Fault: that the process told, or that it was killed.
    """
    seconds = PROGRESS_SECONDS if screen.terminal else PROGRESS_SECONDS_IN_A_LOG
    paths = ["--model", str(model), "--data", str(data), "--out", str(out)]
    process = subprocess.Popen(
        # -P: a folder `ml` where the command is called has nothing to do with ours.
        [sys.executable, "-P", "-m", "ml.batch", *paths, "--progress-seconds", str(seconds), "--with-parent"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            last = _shown(process.stderr, screen)
            told = process.stdout.read()
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise from_json(last) or _killed(process.returncode, last)
    result: dict[str, Any] = json.loads(told)
    return result


def _shown(lines: Iterable[str], screen: Screen) -> str:
    """Shows the progress, and returns the last line."""
    show = screen.working if screen.terminal else screen.done
    last = ""
    for line in lines:
        last = line.strip()
        if from_json(last) is None:
            show(last)
    return last


def _killed(status: int, last: str) -> Fault:
    if status < 0:
        return Fault(
            f"batch scoring was killed by signal {-status}",
            remedy="free some memory, then give the same command again",
        )
    return Fault(
        f"batch scoring ended with exit code {status}: {last}",
        remedy="give the same command again; if it ends so again, that line says why",
    )
