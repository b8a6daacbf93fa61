"""The scoring script of Azure ML's batch deployments: files in, scored files out, by the same process as locally."""

# The driver that calls it has an interpreter with older packages than ours: only the standard library here.
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

CODE = Path(__file__).resolve().parents[2]
FORMATS = (".csv", ".parquet")


def init() -> None:
    """Called once by each worker; every file has a process of its own, so there is nothing to prepare."""


def run(mini_batch: Sequence[str]) -> list[str]:
    """Scores each file into the job's output, and returns the names of what it wrote.

    The name of a file says in which format it is wanted: `00007.parquet.csv` is a CSV file whose scored
    rows are wanted as Parquet; one that says nothing, `rows.csv`, is scored into Parquet.

    Raises:
        RuntimeError: a file cannot be scored; the message is the fault's own line.
    """
    out = Path(os.environ["AZUREML_BI_OUTPUT_PATH"])
    out.mkdir(parents=True, exist_ok=True)
    return [_score(Path(file), out) for file in mini_batch]


def scored_name(file: Path) -> str:
    """What a file's scored rows are called."""
    return file.stem if Path(file.stem).suffix in FORMATS else f"{file.stem}.parquet"


def _score(file: Path, out: Path) -> str:
    # A mounted folder knows neither locks nor renaming: the file is made here, and copied when it is whole.
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / scored_name(file)
        paths = ["--model", str(_model(Path(os.environ["AZUREML_MODEL_DIR"]))), "--data", str(file), "--out", str(made)]
        python = os.environ.get("MLOPS_PYTHON", sys.executable)
        done = subprocess.run(
            [python, "-P", "-m", "ml.batch", *paths],
            env={**os.environ, "PYTHONPATH": str(CODE)},
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{file.name}: {_told(done.stderr)}")
        shutil.copyfile(made, out / made.name)
    return made.name


def _model(folder: Path) -> Path:
    """The folder itself, or the only model one level below, where Azure ML puts it."""
    inside = (path.parent for path in sorted(folder.glob("*/MLmodel")))
    return folder if (folder / "MLmodel").exists() else next(inside, folder)


def _told(stderr: str) -> str:
    """The fault in the last line, or the line itself."""
    last = stderr.strip().rsplit("\n", 1)[-1]
    try:
        error = json.loads(last)["error"]
        return f"{error['where']}: {error['message']} → {error['remedy']}"
    except (ValueError, KeyError, TypeError):
        return last
