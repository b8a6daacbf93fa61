import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    code: int
    result: dict
    errors: str


@dataclass(frozen=True)
class Command:
    """The command `mlops` with a home of its own, as a person or a script calls it."""

    home: Path

    def __call__(self, *words: str, code: int = 0) -> Ended:
        process = subprocess.run(
            [sys.executable, "-m", "deploy", *words, "--json"],
            cwd=REPOSITORY, env={**os.environ, "MLOPS_HOME": str(self.home)}, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert process.returncode == code, (
            f"{words} ended with {process.returncode}\n{process.stdout}\n{process.stderr}"
        )
        return Ended(process.returncode, json.loads(process.stdout), process.stderr)

    def key(self, stack: str, problem: str) -> str:
        return (self.home / stack / "endpoints" / problem / "key").read_text()


@pytest.fixture(scope="module")
def mlops(tmp_path_factory):
    """One home for the chapters of a story."""
    command = Command(tmp_path_factory.mktemp("story") / "home")
    yield command
    command("down")
