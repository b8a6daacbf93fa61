"""`mlops drift`: whether Azure still is what the stack says, told by Pulumi, changing nothing."""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml.fault import Fault

ROOT = Path(__file__).parents[1]
DRIFT = 6  # ours, as in deploy.exit_codes; Pulumi tells drift by 7
PULUMI_DRIFT = 7
Command = Callable[[list[str]], tuple[int, str]]


def pulumi(command: list[str]) -> tuple[int, str]:
    """Runs `pulumi` in the repository: its exit code, and what it answered or, where it ends otherwise, all it said.

    Raises:
        Fault: the command is not on the PATH.
    """
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Fault("`pulumi` is not on the PATH", remedy="install it: pulumi.com/docs/install") from None
    # Beside an answer it may warn, as of a newer release of its own: that is no part of the answer.
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")


def refusal(said: str, where: str, stack: str) -> Fault:
    """The fault for what Pulumi ended with: a stack that it does not know needs no login, but to be brought up."""
    remedy = f"pulumi up --stack {stack}" if "no stack named" in said else "log in: az login, pulumi login"
    return Fault(said, where, remedy)


def run(arguments: argparse.Namespace, command: Command = pulumi) -> tuple[int, dict[str, Any], str]:
    """Exit code (0 none, 6 drift), JSON and text.

    Raises:
        Fault: Pulumi itself failed.
    """
    # A plain preview misses drift: --refresh reads Azure first, in memory only (T9).
    asked = [
        "pulumi",
        "preview",
        "--refresh",
        "--diff",
        "--expect-no-changes",
        "--non-interactive",
        "--color",
        "never",
    ]
    code, text = command([*asked, "--stack", arguments.stack])
    if code not in (0, PULUMI_DRIFT):
        last = [line for line in text.splitlines() if "error:" in line] or text.splitlines() or ["no word"]
        raise refusal(last[-1].strip(), f"pulumi preview --stack {arguments.stack}", arguments.stack)
    drifted = code == PULUMI_DRIFT
    found = {"version": 1, "stack": arguments.stack, "drift": drifted, "diff": text if drifted else ""}
    remedy = "\nwrite it into infra/, or put it back with: pulumi up"
    return (DRIFT, found, text + remedy) if drifted else (0, found, f"{arguments.stack} is as its stack says")
