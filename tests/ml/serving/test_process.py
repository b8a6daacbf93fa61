"""The server as a process: how it starts, what it loads, and how it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml.fault import Fault
from ml.serving.collection import read_collected
from ml.serving.settings import read

ROOT = Path(__file__).parents[3]


def run(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A server that is expected to end by itself."""
    command = [sys.executable, "-m", "ml.serving", *map(str, arguments)]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False)


def imported_by(starting: Callable[..., Any], folder: Path) -> set[str]:
    """The names of the modules that a server of this model imports until it answered."""
    server = starting("--model", folder, "--port", "0", PYTHONPROFILEIMPORTTIME="1")
    assert server.ask("GET", "/ready")[0] == 200
    server.process.terminate()
    server.process.wait(timeout=10)
    server.log.seek(0)
    lines = server.log.read().decode().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def test_a_server_of_lightgbm_imports_nothing_heavy(starting: Callable[..., Any], folders: dict[str, Path]) -> None:
    names = imported_by(starting, folders["regression"])
    assert "numpy" in names
    heavy = {
        "pandas",
        "sklearn",
        "scipy",
        "lightgbm",
        "mlflow",
        "pyarrow",
        "pydantic",
        "skops",
        "ruamel.yaml",
        "azure",
    }
    assert not heavy & {name.partition(".")[0] for name in names}


def test_a_server_of_scikit_learn_imports_no_more_than_it_needs(
    starting: Callable[..., Any], folders: dict[str, Path]
) -> None:
    names = imported_by(starting, folders["sklearn"])
    assert "sklearn" in names
    assert not {"lightgbm", "mlflow", "pydantic", "ruamel.yaml"} & {name.partition(".")[0] for name in names}
    assert not [name for name in names if name.startswith("pandas.")]  # pandas itself is looked for, in vain


def test_on_sigterm_it_answers_what_it_has_writes_what_it_collected_and_ends_in_two_seconds(
    starting: Callable[..., Any], folders: dict[str, Path], records: list[dict[str, Any]], tmp_path: Path
) -> None:
    server = starting("--model", folders["regression"], "--port", "0", "--collect", tmp_path, "--deployment", "blue")
    statuses: list[int] = []

    def client() -> None:
        try:
            while True:
                statuses.append(server.score({"inputs": records[:1]})[0])
        except OSError:
            return

    with socket.create_connection(("127.0.0.1", server.port)) as idle:
        clients = [threading.Thread(target=client) for _ in range(3)]
        for one in clients:
            one.start()
        while len(statuses) < 50:
            time.sleep(0.005)
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=10) == 0
        assert time.monotonic() - start < 2.0
        assert idle.recv(10) == b""
    for one in clients:
        one.join()
    assert set(statuses) == {200}
    collected = list(read_collected(tmp_path))
    assert len(collected) >= len(statuses)
    assert {one.deployment for one in collected} == {"blue"}


def test_a_request_in_the_middle_does_not_hold_up_the_end(
    starting: Callable[..., Any], folders: dict[str, Path]
) -> None:
    server = starting("--model", folders["regression"], "--port", "0")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
        )
        assert server.ask("GET", "/live")[0] == 200
        start = time.monotonic()
        server.process.terminate()
        assert server.process.wait(timeout=10) == 0
        assert time.monotonic() - start < 2.0


def test_it_ends_with_its_parent(starting: Callable[..., Any], folders: dict[str, Path]) -> None:
    server = starting("--model", folders["regression"], "--port", "0", "--with-parent")
    assert server.ask("GET", "/live")[0] == 200
    server.process.stdin.close()
    assert server.process.wait(timeout=5) == 0


def test_without_that_it_outlives_its_standard_input(starting: Callable[..., Any], folders: dict[str, Path]) -> None:
    server = starting("--model", folders["regression"], "--port", "0")
    server.process.stdin.close()
    assert server.ask("GET", "/live")[0] == 200


def test_what_is_collected_is_what_was_answered(
    starting: Callable[..., Any], folders: dict[str, Path], records: list[dict[str, Any]], tmp_path: Path
) -> None:
    named = {
        "MLOPS_DEPLOYMENT": "green",
        "MLOPS_MODEL_NAME": "small",
        "MLOPS_MODEL_VERSION": "4",
        "MLOPS_DIGEST": "abc",
    }
    server = starting(MLOPS_MODEL=str(folders["binary"]), MLOPS_PORT="0", MLOPS_COLLECT=str(tmp_path), **named)
    rows = [{**row, "flight_id": i} for i, row in enumerate(records[:6])]
    _, one, first = server.score({"inputs": rows[:1]}, x_request_id="mine")
    _, two, second = server.score({"inputs": rows[1:]})
    assert server.score({"inputs": [{}]})[0] == 422
    server.process.terminate()
    assert server.process.wait(timeout=5) == 0
    kept = {line.request_id: line for line in read_collected(tmp_path)}
    assert list(kept) == ["mine", two["x-request-id"]]
    assert kept["mine"].rows + kept[two["x-request-id"]].rows == rows
    assert kept["mine"].answers + kept[two["x-request-id"]].answers == first["predictions"] + second["predictions"]
    assert {(line.deployment, line.model, line.digest) for line in kept.values()} == {("green", "small:4", "abc")}
    assert one["mlops-model-version"] == "small:4"


def test_a_full_disk_leaves_the_answers_alone(
    starting: Callable[..., Any], folders: dict[str, Path], records: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "collected").mkdir()
    server = starting("--model", folders["regression"], "--port", "0", "--collect", tmp_path / "collected")
    (tmp_path / "collected").rmdir()
    (tmp_path / "collected").write_text("no folder any more")
    assert [server.score({"inputs": records[:1]})[0] for _ in range(5)] == [200] * 5
    deadline = time.monotonic() + 5
    while json.loads(server.ask("GET", "/health")[2]) != {"status": "healthy", "collected": 0, "dropped": 5}:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: shutil.rmtree(folder),
        lambda folder: (folder / "card.json").unlink(),
        lambda folder: (folder / "encoder.json").write_text("{"),
        lambda folder: (folder / "encoder.json").write_text('{"features": []}'),
        lambda folder: (folder / "card.json").write_text('{"problem": "x"}'),
        lambda folder: (folder / "booster.txt").unlink(),
        lambda folder: (folder / "booster.txt").write_text(""),
        lambda folder: (folder / "booster.txt").write_text((folder / "booster.txt").read_text()[:9_000]),
    ],
)
def test_a_damaged_model_is_one_line_and_exit_2(
    folders: dict[str, Path], tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(folders["regression"], folder)
    damage(folder)
    ended = run("--model", folder, "--port", "0")
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert json.loads(line)["error"]["remedy"]


def test_a_port_that_is_taken_is_one_line(folders: dict[str, Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("--model", folders["regression"], "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "cannot listen" in json.loads(line)["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "no model"),
        (("--port", "x"), "invalid int"),
        (("--model", "/nowhere"), "no model"),
        (("--nosuch",), "nosuch"),
    ],
)
def test_wrong_usage_is_exit_2(arguments: tuple[str, ...], word: str) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert word in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_name_that_cannot_stand_in_a_header_is_refused(folders: dict[str, Path]) -> None:
    for name in ("a\r\nset-cookie: x", "é", "", " a"):
        with pytest.raises(Fault, match="header"):
            read(["--model", str(folders["regression"]), "--deployment", name], {})


def test_an_option_wins_over_its_variable_and_that_over_the_default(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["regression"], tmp_path / "anything")
    variables = {"AZUREML_MODEL_DIR": str(tmp_path), "MLOPS_PORT": "7", "MLOPS_WITH_PARENT": "1"}
    settings = read(["--digest", "abc"], variables)
    assert settings.model == tmp_path / "anything"
    assert (settings.port, settings.served.digest, settings.with_parent) == (7, "abc", True)
    assert read(["--port", "8", "--model", str(folders["binary"])], variables).port == 8
    assert read([], {"AZUREML_MODEL_DIR": str(tmp_path)}).port == 5001
