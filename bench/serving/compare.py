"""Measures the scoring server beside azureml-inference-server-http, in turns, on this machine."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
OURS, OTHER = "ml.serving", "azureml-inference-server-http"
PORTS = {OURS: 5081, OTHER: 5082}
SERVER_CORE, CLIENT_CORE = "0", "1"


@dataclass(frozen=True)
class Load:
    """How the servers are asked."""

    name: str
    clients: int
    bodies: str
    rows: int


LOADS = (
    Load("1 row, 1 client", 1, "one.jsonl", 1),
    Load("1 row, 16 clients", 16, "one.jsonl", 1),
    Load("100 rows, 1 client", 1, "many.jsonl", 100),
)


@dataclass(frozen=True)
class Pass:
    """What one pass of wrk saw.

    Attributes:
        rate: answers a second.
        p50: the median latency in milliseconds.
        p99: the 99th percentile.
        cpu: processor time that the server spent on one answer, in milliseconds; what else runs on
            the machine disturbs it least.
    """

    rate: float
    p50: float
    p99: float
    cpu: float


def main() -> None:
    """Prints the table."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        python = options.other / "bin" / "python"
        subprocess.run([python, HERE / "train.py", folder], check=True)
        other = _running(_other(folder, options.other), AZUREML_MODEL_DIR=str(folder))
        with _running(_ours(folder)) as ours, other as others:
            for name in PORTS:
                _wait(name)
            _require_same_answers(folder)
            groups = {OURS: ours, OTHER: others}
            seen = _measure(folder, options, groups)
            _require_collected()
            _print(seen, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--other", type=Path, required=True, help="the other server's virtual environment")
    parser.add_argument("--seconds", type=int, default=5, help="length of a pass")
    parser.add_argument("--passes", type=int, default=3, help="passes of each load on each server; medians are shown")
    return parser.parse_args()


def _ours(folder: Path) -> list[str | Path]:
    options = ["--model", folder, "--port", str(PORTS[OURS]), "--collect", folder / "collected"]
    return [sys.executable, "-m", "ml.serving", *options]


def _other(folder: Path, environment: Path) -> list[str | Path]:
    script = ["--entry_script", HERE / "entry_script.py", "--port", str(PORTS[OTHER])]
    return [environment / "bin" / "azmlinfsrv", *script]


@contextmanager
def _running(command: list[str | Path], **variables: str) -> Iterator[int]:
    """Runs a server on its core; its processes are the group that is given."""
    pinned = ["taskset", "-c", SERVER_CORE, *command]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        pinned,
        env={**os.environ, **variables},
        stdout=quiet,
        stderr=quiet,
        cwd=HERE.parents[1],
        start_new_session=True,
    )
    try:
        yield process.pid
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def _wait(name: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORTS[name]}/")
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"{name} does not answer")


def _ask(name: str, body: str) -> list[float]:
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{PORTS[name]}/score", body.encode(), headers)
    return json.load(urllib.request.urlopen(request))


def _require_same_answers(folder: Path) -> None:
    for load in LOADS:
        body = (folder / load.bodies).read_text().splitlines()[7]
        if _ask(OURS, body) != _ask(OTHER, body):
            sys.exit(f"the servers answer differently: {load.name}")


def _measure(folder: Path, options: argparse.Namespace, groups: dict[str, int]) -> dict[tuple[str, str], list[Pass]]:
    seen: dict[tuple[str, str], list[Pass]] = {}
    for _ in range(options.passes):
        for load in LOADS:
            for name, group in groups.items():
                seen.setdefault((load.name, name), []).append(_wrk(name, group, load, folder, options.seconds))
    return seen


def _wrk(name: str, group: int, load: Load, folder: Path, seconds: int) -> Pass:
    options = ["-t1", f"-c{load.clients}", f"-d{seconds}s", "--latency", "-s", HERE / "bodies.lua"]
    command = ["taskset", "-c", CLIENT_CORE, "wrk", *options, f"http://127.0.0.1:{PORTS[name]}", "--"]
    spent = _processor_seconds(group)
    printed = subprocess.run([*command, folder / load.bodies], check=True, capture_output=True, text=True).stdout
    spent = _processor_seconds(group) - spent
    if "Non-2xx" in printed or "Socket errors" in printed:
        sys.exit(f"{name} failed under {load.name}:\n{printed}")
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", printed)[0])
    answers = int(re.findall(r"(\d+) requests in", printed)[0])
    return Pass(rate, _milliseconds(printed, 50), _milliseconds(printed, 99), 1000.0 * spent / answers)


def _processor_seconds(group: int) -> float:
    """What all processes of a group have spent (proc(5): utime and stime follow pgrp by nine fields)."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            numbers = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        ticks += int(numbers[11]) + int(numbers[12]) if int(numbers[2]) == group else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def _milliseconds(printed: str, percentile: int) -> float:
    number, unit = re.findall(rf"\s{percentile}%\s+([\d.]+)(us|ms|s)\b", printed)[0]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def _require_collected() -> None:
    health = json.load(urllib.request.urlopen(f"http://127.0.0.1:{PORTS[OURS]}/health"))
    print(f"collected {health['collected']}, dropped {health['dropped']}")


def _print(seen: dict[tuple[str, str], list[Pass]], options: argparse.Namespace) -> None:
    print(f"medians of {options.passes} passes of {options.seconds} s; servers on core 0, wrk on core 1\n")
    print("| load | server | rows/s | p50 ms | p99 ms | CPU ms | ratio of rows/s | of CPU |")
    print("|---|---|---|---|---|---|---|---|")
    for load in LOADS:
        other = _medians(seen[load.name, OTHER])
        for name in (OTHER, OURS):
            one = _medians(seen[load.name, name])
            seen_so = f"{one.rate * load.rows:,.0f} | {one.p50:.2f} | {one.p99:.2f} | {one.cpu:.3f}"
            print(f"| {load.name} | {name} | {seen_so} | {one.rate / other.rate:.1f} | {other.cpu / one.cpu:.1f} |")


def _medians(passes: list[Pass]) -> Pass:
    return Pass(*(median(getattr(one, field.name) for one in passes) for field in fields(Pass)))


if __name__ == "__main__":
    main()
