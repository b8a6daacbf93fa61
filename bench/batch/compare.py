"""Measures `ml.batch` beside Booster.predict alone, pandas and MLflow, in turns, on this machine."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq

HERE = Path(__file__).parent
LIMIT = "booster"
NAMES = {
    LIMIT: "Booster.predict alone, on a ready array",
    "ours": "ml.batch, Parquet to Parquet",
    "ours-csv": "ml.batch, CSV to CSV",
    "pandas": "pandas and the pipeline, Parquet to Parquet",
    "pyfunc": "MLflow pyfunc, Parquet to Parquet",
}


@dataclass(frozen=True)
class Seen:
    """One run: seconds on the clock and on the processors, imports apart; the process's peak memory in MB."""

    clock: float
    processors: float
    peak: float


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--passes", type=int, default=5, help="runs of each way")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        subprocess.run([sys.executable, HERE / "make.py", folder, str(options.rows)], check=True)
        passes = [{way: run(way, folder) for way in NAMES} for _ in range(options.passes)]
        require_same_predictions(folder)
    show(passes, options.rows)


def run(way: str, folder: Path) -> Seen:
    """Runs one way; the kernel tells the peak."""
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, str(HERE / "ways.py"), way, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=quiet)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{way} ended with {process.returncode}")
    return Seen(**json.loads(said), peak=usage.ru_maxrss * 1024 / 1e6)


def require_same_predictions(folder: Path) -> None:
    """Stops where two ways differ in a bit."""
    ours = pq.read_table(folder / "ours.parquet", columns=["prediction"])
    for other in ("pandas", "pyfunc"):
        if not ours.equals(pq.read_table(folder / f"{other}.parquet", columns=["prediction"])):
            sys.exit(f"{other} predicts something else")


def show(passes: list[dict[str, Seen]], rows: int) -> None:
    """A table: medians, and the fastest pass of each, which the machine's other work disturbed least."""
    print(f"{rows:,} rows, {len(passes)} passes, {os.cpu_count()} cores\n")
    print("| way | rows/s, fastest pass | of the limit | rows/s, median | of the limit | processor time | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for way, name in NAMES.items():
        fastest, limit = (min(one[each].clock for one in passes) for each in (way, LIMIT))
        middle = median(one[way].clock for one in passes)
        ratio = median(one[LIMIT].clock / one[way].clock for one in passes)
        busy = median(one[way].processors / one[LIMIT].processors for one in passes)
        peak = median(one[way].peak for one in passes)
        print(
            f"| {name} | {rows / fastest:,.0f} | {limit / fastest:.2f} "
            f"| {rows / middle:,.0f} | {ratio:.2f} | {busy:.2f} | {peak:,.0f} |"
        )


if __name__ == "__main__":
    main()
