"""Drift measured by `mlops monitor` and by Evidently on the same files: time, memory, what is found."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from deploy.monitor.drift import Thresholds, compare
from ml.problem import find, load_problem
from ml.profile import count, profile
from ml.raw.folder import open_raw
from ml.raw.typed import read_typed
from ml.sources.flights import make

HERE = Path(__file__).parent
SAMPLES = {500: 10, 1_000: 10, 3_000: 10}
NONE = np.zeros(1)  # no predictions are compared here


def main() -> None:
    """Prints three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evidently", type=Path, help="the environment that Evidently is installed in")
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000], help="sizes of the made-up table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        kinds, teach, summer, halves = _flights(folder)
        _speed(options, folder, kinds, teach, summer)
        print("\nJune to August against January to April")
        for name, (found,) in _all_ways(options, kinds, teach, [summer]).items():
            print(f"{name:24} {', '.join(found['drifted'])}")
        print("\nRandom samples of January to April against others of the same months: columns drifted, of 15")
        for size, draws in SAMPLES.items():
            samples = [_sample(folder, halves[1], size, seed) for seed in range(draws)]
            for name, found in _all_ways(options, kinds, halves[0], samples).items():
                alarms = sum(len(one["drifted"]) for one in found)
                print(f"{size:6} rows  {name:24} {alarms / draws:.2f} a sample")


def _speed(options: argparse.Namespace, folder: Path, kinds: dict[str, str], teach: Path, summer: Path) -> None:
    print("seconds (reading the files apart); peak MB of the process, the tables included")
    cases = [("flights", kinds, teach, summer)] + [_made_up(folder, rows) for rows in options.rows]
    for name, columns, before, after in cases:
        # Each in a process of its own, so that the peak is its own.
        code = "import sys, json; from compare import ours; print(json.dumps(ours(*json.loads(sys.argv[1]))))"
        arguments = json.dumps([columns, str(before), str(after)])
        said = _run([sys.executable, "-c", code, arguments], HERE)
        found = {"ours": [json.loads(line) for line in said]}
        if options.evidently:
            found["Evidently, its choice"] = _evidently(options.evidently, before, [after])
        for way, (one,) in found.items():
            print(f"{name:20} {way:24} {one['seconds']:8.2f} s {one['peak_mb']:7.0f} MB")


def ours(kinds: dict[str, str], before: str, after: str) -> dict[str, object]:
    """What Evidently's script prints, of ours: the profile of the reference is made anew each time."""
    teach, asked = pq.read_table(before), pq.read_table(after)
    began = time.perf_counter()
    reference = profile(teach, kinds, NONE)
    columns = compare(reference, count(reference, asked), Thresholds())
    seconds = time.perf_counter() - began
    peak = peak_mb()
    drifted = sorted(column.name for column in columns if column.drifted)
    return {"seconds": seconds, "peak_mb": peak, "drifted": drifted}


def peak_mb() -> float:
    """The most memory that this process had, on Linux; `getrusage` would count its parent's too."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


def _all_ways(
    options: argparse.Namespace, kinds: dict[str, str], before: Path, after: Sequence[Path]
) -> dict[str, list[dict]]:
    found = {"ours": [ours(kinds, str(before), str(path)) for path in after]}
    if options.evidently:
        found["Evidently, its choice"] = _evidently(options.evidently, before, after)
        found["Evidently, psi"] = _evidently(options.evidently, before, after, "--method", "psi")
    return found


def _evidently(environment: Path, before: Path, after: Sequence[Path], *others: str) -> list[dict]:
    script = HERE / "evidently_drift.py"
    command = [environment / "bin" / "python", script, before, *after, *others]
    return [json.loads(line) for line in _run([str(part) for part in command], HERE)]


def _run(command: list[str], folder: Path) -> list[str]:
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return [line for line in done.stdout.splitlines() if line.startswith("{")]


def _flights(folder: Path) -> tuple[dict[str, str], Path, Path, tuple[Path, Path]]:
    columns = load_problem(find("flight-delay")).columns
    kinds = dict(columns.features)
    rows = read_typed(open_raw(make(folder)), {**kinds, columns.time: "date"}).rows
    month = pc.month(rows.column(columns.time))
    rows = rows.select(list(kinds))
    spring = rows.filter(pc.less_equal(month, 4))
    summer = rows.filter(pc.and_(pc.greater_equal(month, 6), pc.less_equal(month, 8)))
    order = np.random.default_rng(0).permutation(spring.num_rows)
    half = spring.num_rows // 2
    halves = (spring.take(order[:half]), spring.take(order[half:]))
    paths = [folder / f"{name}.parquet" for name in ("spring", "summer", "half", "other")]
    for path, table in zip(paths, (spring, summer, *halves), strict=True):
        pq.write_table(table, path)
    return kinds, paths[0], paths[1], (paths[2], paths[3])


def _sample(folder: Path, path: Path, size: int, seed: int) -> Path:
    rows = pq.read_table(path)
    chosen = np.random.default_rng(seed).choice(rows.num_rows, size, replace=False)
    sample = folder / f"sample-{size}-{seed}.parquet"
    pq.write_table(rows.take(chosen), sample)
    return sample


def _made_up(folder: Path, rows: int) -> tuple[str, dict[str, str], Path, Path]:
    """16 numbers and 4 categories of 20 levels."""
    kinds = {f"n{k}": "number" for k in range(16)} | {f"c{k}": "category" for k in range(4)}
    paths = [folder / f"made-up-{rows}-{side}.parquet" for side in ("before", "after")]
    for seed, path in enumerate(paths):
        draw = np.random.default_rng(seed)
        names = np.array([f"level {k}" for k in range(20)])
        table = {n: draw.normal(size=rows) if k == "number" else draw.choice(names, rows) for n, k in kinds.items()}
        pq.write_table(pa.table(table), path)
    return f"{rows:,} x 20", kinds, paths[0], paths[1]


if __name__ == "__main__":
    main()
