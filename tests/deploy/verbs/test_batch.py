"""`mlops batch` around the process that scores."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from deploy.platforms.local import batch
from deploy.platforms.local.home import REPOSITORY
from ml.fault import Fault

SECONDS = 30.0
Stack = Any  # of conftest.py


def fault_of(stack: Stack, *words: object) -> Fault:
    with pytest.raises(Fault) as caught:
        stack.run("batch", *words)
    return caught.value


def test_a_file_is_scored_with_the_model_that_the_pin_names(
    stack: Stack, expected: Callable[[int], list[float]], tmp_path: Path
) -> None:
    csv.write_csv(stack.rows, tmp_path / "rows.csv")
    out = tmp_path / "out.parquet"
    done = stack.run("batch", "--stack", "dev", "--data", tmp_path / "rows.csv", "--out", out)
    assert pq.read_table(out).column("prediction").to_pylist() == expected(0)
    assert set(done.result) == {"rows", "seconds", "rows_per_second", "out", "model"}
    assert (done.code, done.result["rows"], done.result["out"]) == (0, 250, str(out))
    assert done.result["model"] == vars(stack.refs[0])
    assert done.lines[0].startswith("250 rows in ")
    assert done.lines[0].endswith(str(out))


def test_without_a_pin_it_says_what_sets_one(stack: Stack, tmp_path: Path) -> None:
    fault = fault_of(stack, "--data", "rows.csv", "--out", tmp_path / "out.csv")
    assert "prod has no pin" in fault.message
    assert fault.remedy == "mlops promote small-problem --stack prod"


def test_a_model_whose_bytes_were_changed_is_not_used(stack: Stack, tmp_path: Path) -> None:
    card = stack.platform.fetch(stack.refs[0]) / "card.json"
    text = card.read_text()
    try:
        card.write_text(text + " ")
        fault = fault_of(stack, "--stack", "dev", "--data", "rows.csv", "--out", tmp_path / "out.csv")
    finally:
        card.write_text(text)
    assert "have the digest" in fault.message


def test_a_fault_of_the_process_is_the_commands(stack: Stack, tmp_path: Path) -> None:
    csv.write_csv(stack.rows.drop(["kind of"]), tmp_path / "rows.csv")
    fault = fault_of(stack, "--stack", "dev", "--data", tmp_path / "rows.csv", "--out", tmp_path / "out.csv")
    assert (fault.message, fault.where, fault.code) == (
        "there is no column `kind of`",
        str(tmp_path / "rows.csv"),
        2,
    )


def test_a_log_gets_plain_lines_of_progress(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "PROGRESS_SECONDS_IN_A_LOG", 0)
    pq.write_table(pa.concat_tables([stack.rows] * 400), tmp_path / "rows.parquet")
    log = io.StringIO()
    words = ("--stack", "dev", "--data", tmp_path / "rows.parquet", "--out", tmp_path / "out.csv")
    stack.run("batch", *words, stream=log)
    lines = log.getvalue().splitlines()
    assert "100,000 rows, " in lines[-1]
    assert lines[-1].endswith(" a second")
    assert "\x1b" not in log.getvalue()


def test_a_process_that_was_killed_is_told_in_one_line(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = tmp_path / "dying"
    dying.write_text("#!/bin/sh\nkill -9 $$\n")
    dying.chmod(dying.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(dying))
    fault = fault_of(stack, "--stack", "dev", "--data", "rows.csv", "--out", tmp_path / "out.csv")
    assert fault.message == "batch scoring was killed by signal 9"


def test_a_folder_ml_where_the_command_is_called_is_not_ours(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ml").mkdir()
    (tmp_path / "ml" / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    csv.write_csv(stack.rows, "rows.csv")
    assert stack.run("batch", "--stack", "dev", "--data", "rows.csv", "--out", "out.csv").result["rows"] == 250
    assert (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_command_leaves_neither_file_nor_process(
    stack: Stack, tmp_path: Path, number: signal.Signals
) -> None:
    pq.write_table(pa.concat_tables([stack.rows] * 8000), tmp_path / "rows.parquet")
    part = tmp_path / ".out.csv.part"
    words = ["--stack", "dev", "--data", tmp_path / "rows.parquet", "--out", tmp_path / "out.csv"]
    command = subprocess.Popen(
        [sys.executable, "-m", "deploy", "batch", stack.problem, *words],
        cwd=REPOSITORY, env={**os.environ, "MLOPS_HOME": str(stack.home.root)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(part.exists)
    command.send_signal(number)
    _, told = command.communicate(timeout=SECONDS)
    assert command.returncode == (7 if number == signal.SIGTERM else -signal.SIGKILL), told
    until(lambda: not part.exists())
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)
