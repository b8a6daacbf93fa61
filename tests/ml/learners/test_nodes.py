import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.fault import Fault
from ml.learners.nodes import Nodes, meet, rank
from ml.model.model import Model

REPOSITORY = Path(__file__).parents[3]
RNG = np.random.default_rng(0)
ROWS = pa.table({"x": RNG.normal(size=600), "colour": RNG.choice(["red", "green", "blau"], 600)})
ROWS = ROWS.append_column("y", pa.array(3 * ROWS["x"].to_numpy() + RNG.normal(scale=0.1, size=600)))
BARE = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
from ml.problem import load_problem
from ml.steps.train import train
place, folder = map(Path, sys.argv[1:])
folder.mkdir()
rows = pq.read_table(place / "train" / "rows.parquet")
train(rows, {"from": None, "until": None}, load_problem(place / "delay-small.yaml"), folder)
"""
PROBLEM = """\
name: delay-small
expected_output: A number.
task: regression
data: {path: rows.csv}
columns: {target: y, features: {x: number, colour: category}}
split: {evaluation_share: 0.25}
model: {parameters: {num_iterations: 10, min_data_in_leaf: 5, num_threads: 1}}
success: {metric: mae, margin: 0.1}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def environments(count):
    first = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(count)}
    return [{**first, "RANK": str(number)} for number in range(count)]


def test_one_node_meets_nobody():
    assert meet({}) is None
    assert meet({"WORLD_SIZE": "1", "RANK": "0"}) is None
    assert rank({}) == 0


@pytest.mark.parametrize("count", [2, 5])
def test_all_nodes_learn_where_all_listen_in_the_same_order(count):
    met: dict[int, Nodes] = {}

    def come(number, environment):
        met[number] = meet(environment, within=20)

    threads = [threading.Thread(target=come, args=pair) for pair in enumerate(environments(count))]
    for thread in reversed(threads):  # the first comes last
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {number: nodes.rank for number, nodes in met.items()} == {number: number for number in range(count)}
    assert len({nodes.machines for nodes in met.values()}) == 1
    assert len(set(met[0].machines)) == count
    assert [f"127.0.0.1:{met[number].port}" for number in range(count)] == list(met[0].machines)


@pytest.mark.parametrize("number", [0, 1])
def test_a_node_that_stays_alone_says_so(number):
    with pytest.raises(Fault, match=rf"node {number} of 2 did not meet the others"):
        meet(environments(2)[number], within=0.3)


@pytest.fixture
def together(tmp_path):
    """Runs a command in as many processes as there are environments."""
    (tmp_path / "delay-small.yaml").write_text(PROBLEM)
    (tmp_path / "train").mkdir()
    pq.write_table(ROWS, tmp_path / "train" / "rows.parquet")
    (tmp_path / "train" / "window.json").write_text('{"from": null, "until": null}')

    def run(commands, environments):
        processes = [
            subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, **own}, stderr=subprocess.PIPE, text=True)
            for command, own in zip(commands, environments, strict=True)
        ]
        for process in processes:
            errors = process.communicate(timeout=60)[1]
            assert process.returncode == 0, errors

    return run


def test_two_processes_learn_one_model_together_the_same_each_time(together, tmp_path):
    """Once by the step's own command, once by the function below it, whose folder every node has for itself."""
    given = ["--problem", tmp_path / "delay-small.yaml", "--train", tmp_path / "train"]
    step = [sys.executable, "-m", "ml.steps.train", *given, "--model", tmp_path / "model"]
    together([step, step], environments(2))
    bare = [[sys.executable, "-c", BARE, tmp_path, tmp_path / f"node-{number}"] for number in range(2)]
    together(bare, environments(2))
    together([[sys.executable, "-c", BARE, tmp_path, tmp_path / "alone"]], [{}])
    folders = [tmp_path / "model", *(tmp_path / name for name in ("node-0", "node-1", "alone"))]
    two, first, second, alone = (next(folder.rglob("booster.txt")).read_text() for folder in folders)
    assert two == first == second != alone
    assert "[num_machines: 2]" in two
    assert "127.0.0.1" not in two
    assert grown_on(two) == grown_on(alone) == ROWS.num_rows
    errors = [np.abs(Model.load(folder).outputs(ROWS) - ROWS["y"].to_numpy()).mean() for folder in folders]
    assert errors[0] == pytest.approx(errors[-1], rel=0.25)


def grown_on(booster):
    """The number of rows at the root of the first tree."""
    return int(booster.split("internal_count=")[1].split()[0])
