"""`python -m ml.batch` as whoever starts it sees it: full disks, signals, memory."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.fault import from_json

ROOT = Path(__file__).parents[3]
MANY = 400  # times the 500 rows: some seconds of work
SECONDS = 30.0
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(regression: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts a process; it is killed with the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(data: Path, out: str = "out.parquet", *more: str, **options: Any) -> subprocess.Popen[str]:
        paths = ["--model", str(regression), "--data", str(data), "--out", str(tmp_path / out)]
        process = subprocess.Popen(
            [sys.executable, "-m", "ml.batch", *paths, *more], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


def many(asked: pa.Table, path: Path, times: int = MANY) -> Path:
    """The rows so many times over, with distances that no compression makes small."""
    rows = pa.concat_tables([asked] * times)
    distances = pa.array(np.random.default_rng(0).normal(1000, 300, rows.num_rows))
    pq.write_table(rows.set_column(1, "distance", distances), path)
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_it_tells_what_it_did_as_one_json_object(start: Start, asked: pa.Table, tmp_path: Path) -> None:
    process = start(many(asked, tmp_path / "rows.parquet"), "out.parquet", "--progress-seconds", "0")
    said, told = process.communicate(timeout=SECONDS)
    result = json.loads(said)
    assert process.returncode == 0
    assert set(result) == {"rows", "seconds", "rows_per_second", "out"}
    assert (result["rows"], result["out"]) == (MANY * 500, str(tmp_path / "out.parquet"))
    assert result["rows_per_second"] == pytest.approx(result["rows"] / result["seconds"], rel=0.01)
    assert told.splitlines()[-1].startswith("200,000 rows, ")
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == MANY * 500


def test_a_fault_is_its_last_line_and_its_exit_code(start: Start, asked: pa.Table, tmp_path: Path) -> None:
    pq.write_table(asked.drop(["wind"]), tmp_path / "rows.parquet")
    process = start(tmp_path / "rows.parquet")
    said, told = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (2, "")
    (line,) = told.splitlines()
    fault = from_json(line)
    assert fault is not None
    assert fault.message == "there is no column `wind`"


@pytest.mark.parametrize("out", ["out.parquet", "out.csv"])
@pytest.mark.parametrize("limit", [10_000, 1_200_000])
def test_a_disk_that_fills_is_told_in_one_line_and_nothing_is_left(
    start: Start, asked: pa.Table, tmp_path: Path, out: str, limit: int
) -> None:
    """At once, and in the middle; a limit on the size of files is what every user can set."""
    many(asked, tmp_path / "rows.parquet")
    (tmp_path / out).write_text("old")
    process = start(
        tmp_path / "rows.parquet", out, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    _, told = process.communicate(timeout=SECONDS)
    (line,) = told.splitlines()
    fault = from_json(line)
    assert fault is not None
    assert (fault.message, fault.where) == ("cannot be written: File too large", str(tmp_path / out))
    assert process.returncode == fault.code == 1
    assert names(tmp_path) == {"rows.parquet", out}
    assert (tmp_path / out).read_text() == "old"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_interrupted_it_ends_at_once_and_leaves_nothing(
    start: Start, asked: pa.Table, tmp_path: Path, number: signal.Signals
) -> None:
    process = in_the_middle(start, many(asked, tmp_path / "rows.parquet", 2 * MANY))
    process.send_signal(number)
    _, told = process.communicate(timeout=SECONDS)
    fault = from_json(told.splitlines()[-1])
    assert fault is not None
    assert (process.returncode, fault.message) == (7, "interrupted; nothing was left")
    assert names(tmp_path) == {"rows.parquet"}


def in_the_middle(start: Start, rows: Path, *more: str) -> subprocess.Popen[str]:
    process = start(rows, "out.parquet", "--progress-seconds", "0", *more)
    assert process.stderr is not None
    assert "rows" in process.stderr.readline()
    return process


def test_killed_it_leaves_no_output_and_the_next_run_takes_up_the_place(
    start: Start, asked: pa.Table, tmp_path: Path
) -> None:
    process = in_the_middle(start, many(asked, tmp_path / "rows.parquet", 2 * MANY))
    process.kill()
    process.wait(SECONDS)
    assert "out.parquet" not in names(tmp_path)
    again = start(many(asked, tmp_path / "rows.parquet", 1))
    again.communicate(timeout=SECONDS)
    assert again.returncode == 0
    assert names(tmp_path) == {"rows.parquet", "out.parquet"}
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == 500


def test_it_ends_with_whoever_started_it(start: Start, asked: pa.Table, tmp_path: Path) -> None:
    process = in_the_middle(start, many(asked, tmp_path / "rows.parquet", 2 * MANY), "--with-parent")
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(SECONDS) == 7
    assert names(tmp_path) == {"rows.parquet"}
