"""The one way to Azure's command line: a frozen call in, its JSON out."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    error: str


Run = Callable[[list[str]], Result]


def run(arguments: list[str]) -> Result:
    """Runs `az` with its answer as JSON; the command is a list, never a shell's line."""
    try:
        done = subprocess.run(["az", *arguments, "--output", "json"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return Result(127, "", "the command `az` is not on the PATH: learn.microsoft.com/cli/azure/install-azure-cli")
    return Result(done.returncode, done.stdout, done.stderr.strip())


class AzFault(Exception):
    """A command that Azure refused, with its own words."""


def ask(az: Run, *arguments: str) -> Any:
    """The JSON that a command answers; None where what it shows is not there.

    Raises:
        AzFault: any other failure.
    """
    result = az(list(arguments))
    if result.code == 0:
        return json.loads(result.out) if result.out.strip() else {}
    missing = ("NotFound", "could not be found", "was not found", "does not exist")
    if "show" in arguments and any(word in result.error for word in missing):
        return None
    raise AzFault(f"az {' '.join(arguments)}: {result.error.splitlines()[0] if result.error else result.code}")
