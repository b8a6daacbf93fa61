"""The one way to the commands that the checks ask: `az`, `gh` and the tools' versions."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Result:
    """How a command ended; 127 is a command that is not there."""

    code: int
    out: str
    error: str = ""


class Seam(Protocol):
    """What the checks need of the world."""

    def __call__(self, *command: str) -> Result:
        """Runs a command to its end."""
        ...


def process(*command: str) -> Result:
    """Runs a command as a list, never through a shell."""
    try:
        done = subprocess.run(list(command), capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return Result(127, "", f"{command[0]}: not found")
    except subprocess.TimeoutExpired:
        return Result(124, "", f"{command[0]}: no answer within 60 s")
    return Result(done.returncode, done.stdout, done.stderr.strip())


class Refused(Exception):
    """The service refused a question, in its own words."""


def az(seam: Seam, *arguments: str) -> Any:
    """The JSON that `az` answers.

    Raises:
        Refused: it does not answer.
    """
    result = seam("az", *arguments, "--output", "json")
    if result.code:
        raise Refused(
            (result.error or result.out).strip().splitlines()[0]
            if result.error or result.out
            else f"exit {result.code}"
        )
    return json.loads(result.out) if result.out.strip() else None
