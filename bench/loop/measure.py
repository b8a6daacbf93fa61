"""How long the loop and the commands around it take: `.venv/bin/python bench/loop/measure.py`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from deploy.pipeline import load_pipeline
from deploy.platforms.local.executor import run_pipeline

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


REPOSITORY = Path(__file__).parents[2]
STEPS = 10
COMPONENT = """\
type: command
name: nothing
inputs:
  number: {type: string}
code: {code}
environment: azureml:training@latest
command: python -c "import sys" ${{inputs.number}}
"""


def own_cost() -> float:
    """Seconds of the executor for one step, over the bare process, beside the repository's own code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "nothing.yml").write_text(COMPONENT.replace("{code}", str(REPOSITORY)))
        jobs = "".join(
            f"  step_{n}:\n    type: command\n    component: ./nothing.yml\n    inputs: {{number: '{n}'}}\n"
            for n in range(STEPS)
        )
        (folder / "pipeline.yml").write_text(f"type: pipeline\njobs:\n{jobs}")
        pipeline = load_pipeline(folder / "pipeline.yml")
        began = time.monotonic()
        run_pipeline(pipeline, {}, folder / "store", {"azureml:training@latest": ""})
        through = time.monotonic() - began
        began = time.monotonic()
        for _ in range(STEPS):
            subprocess.run([sys.executable, "-c", "import sys"], check=True)
        return (through - (time.monotonic() - began)) / STEPS


def tell(title: str, took: float, limit: float) -> None:
    """One line of the table."""
    print(f"{title:24} {took:6.2f} s   limit {limit:g} s")


def main() -> None:
    """Measures in a home of its own and prints one line a command."""
    tell("the executor, a step", own_cost(), 0.3)
    with tempfile.TemporaryDirectory() as home:
        try:
            tell("run, the first time", seconds(home, "run", "--yes"), 30.0)
            for title, words, limit in COMMANDS:
                tell(title, median(seconds(home, *words) for _ in range(REPEATS)), limit)
        finally:
            seconds(home, "down")


if __name__ == "__main__":
    main()
