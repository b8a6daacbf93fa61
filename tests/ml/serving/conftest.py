"""Small models of every kind, trained once, and a server that answers with them."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import lightgbm
import numpy as np
import pyarrow as pa
import pytest

from ml.model.encoder import Encoder
from ml.model.model import Card, Model
from ml.serving.scorer import Scorer

ROOT = Path(__file__).parents[3]
KINDS = {
    "distance": "number",
    "wind speed": "number",  # missing in places
    "carrier": "category",
    "Flughafen Zürich": "category",  # missing in places
    "holiday": "boolean",
    "departure": "date",  # missing in places
}
CARRIED = ("flight_id", "crew")


def _table(rows: int = 600) -> pa.Table:
    rng = np.random.default_rng(7)
    moments = [dt.datetime(2013, 1, 1) + dt.timedelta(minutes=int(m)) for m in rng.integers(0, 500_000, rows)]
    gaps = rng.random((rows, 3)) < 0.1
    return pa.table(
        {
            "distance": pa.array(rng.normal(1000, 300, rows), pa.float64()),
            "wind speed": pa.array(rng.gamma(2.0, 5.0, rows), pa.float64(), mask=gaps[:, 0]),
            "carrier": pa.array([f"C{k}" for k in rng.integers(0, 9, rows)], pa.string()),
            "Flughafen Zürich": pa.array([f"tür {k}" for k in rng.integers(0, 4, rows)], pa.string(), mask=gaps[:, 1]),
            "holiday": pa.array(rng.random(rows) < 0.3, pa.bool_()),
            "departure": pa.array(moments, pa.timestamp("us"), mask=gaps[:, 2]),
        }
    )


def _target(matrix: np.ndarray) -> np.ndarray:
    filled = np.nan_to_num(matrix, nan=-1.0)
    return filled[:, 0] / 100 + filled[:, 2] + 3 * filled[:, 4] + filled[:, 6]


def _card(classes: tuple[str, ...], answer: str) -> Card:
    return Card(
        problem="small", task="classification" if classes else "regression", answer=answer, target="late",
        classes=classes, carried=CARRIED, identifier="flight_id", time=None, group="crew",
        trained_from=None, trained_until=None, rows=600, dummy=(0.0,),
    )  # fmt: skip


def _write(folder: Path, encoder: Encoder, card: Card) -> Path:
    folder.mkdir()
    encoder.save(folder / "encoder.json")
    card.save(folder / "card.json")
    return folder


def _with_booster(folder: Path, matrix: np.ndarray, target: np.ndarray, categorical: list[int], **wanted: Any) -> None:
    data = lightgbm.Dataset(matrix, target, categorical_feature=categorical)
    parameters = {"num_iterations": 20, "num_leaves": 15, "verbosity": -1, "num_threads": 1, **wanted}
    lightgbm.train(parameters, data).save_model(folder / "booster.txt")


@pytest.fixture(scope="session")
def table() -> pa.Table:
    return _table()


@pytest.fixture(scope="session")
def folders(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The models' folders by name."""
    import skops.io
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    at = tmp_path_factory.mktemp("models")
    encoder = Encoder.fit(table, KINDS)
    matrix, codes = encoder.encode(table), list(encoder.categorical)
    target = _target(matrix)
    two, three = (
        (target > np.median(target)).astype(int),
        np.digitize(target, np.quantile(target, [0.3, 0.7])),
    )

    regression = _write(at / "regression", encoder, _card((), "label"))
    _with_booster(regression, matrix, target, codes, objective="regression")
    binary = _write(at / "binary", encoder, _card(("on time", "late"), "label"))
    _with_booster(binary, matrix, two, codes, objective="binary")
    for name, answer in (("three", "probability"), ("three-labels", "label")):
        folder = _write(at / name, encoder, _card(("early", "on time", "late"), answer))
        _with_booster(folder, matrix, three, codes, objective="multiclass", num_class=3)
    linear = _write(at / "sklearn", encoder, _card(("on time", "late"), "probability"))
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(matrix, two)
    skops.io.dump(pipeline, linear / "estimator.skops")
    return {folder.name: folder for folder in at.iterdir()}


@pytest.fixture(scope="session")
def scorers(folders: dict[str, Path]) -> dict[str, Scorer]:
    return {name: Scorer(Model.load(folder)) for name, folder in folders.items()}


@pytest.fixture(scope="session")
def scorer(scorers: dict[str, Scorer]) -> Scorer:
    return scorers["regression"]


def as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value


@pytest.fixture(scope="session")
def records(table: pa.Table) -> list[dict[str, Any]]:
    """The table's rows as a client has them in JSON."""
    return [{name: as_json(value) for name, value in row.items()} for row in table.to_pylist()]


def _split(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {"columns": list(records[0]), "data": [list(record.values()) for record in records]}


def _reversed_split(records: list[dict[str, Any]]) -> dict[str, Any]:
    split = _split(records)
    return {"data": [row[::-1] for row in split["data"]], "columns": split["columns"][::-1]}


BODIES: dict[str, Callable[[list[dict[str, Any]]], dict[str, Any]]] = {
    "input_data": lambda rows: {"input_data": {**_split(rows), "index": list(range(len(rows)))}},
    "input_data without index": lambda rows: {"input_data": _split(rows)},
    "input_data, columns reversed": lambda rows: {"input_data": _reversed_split(rows)},
    "dataframe_split": lambda rows: {"dataframe_split": _split(rows)},
    "dataframe_records": lambda rows: {"dataframe_records": rows},
    "inputs of records": lambda rows: {"inputs": rows},
    "inputs of columns": lambda rows: {"inputs": {name: [row[name] for row in rows] for name in rows[0]}},
}


@pytest.fixture(params=sorted(BODIES))
def body_of(request: pytest.FixtureRequest) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """Each format, as what makes a body of records."""
    return BODIES[request.param]


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    log: IO[bytes]

    def ask(
        self, method: str, path: str, body: bytes | str | Iterator[bytes] | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, and body of one answer on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def score(self, body: Any, path: str = "/score", **headers: str) -> tuple[int, dict[str, str], Any]:
        """The same for a body said to be JSON, with the answer decoded; an iterator comes in chunks."""
        text = json.dumps(body) if isinstance(body, dict) else body
        status, answered, answer = self.ask("POST", path, text, **{"content_type": "application/json", **headers})
        return status, answered, json.loads(answer)


def start(*arguments: str | Path, **variables: str) -> Server:
    command = [sys.executable, "-m", "ml.serving", *map(str, arguments)]
    log = tempfile.TemporaryFile()  # noqa: SIM115 - `stop` closes it
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **variables},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
    )  # fmt: skip
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 30)[0], "the server told no port"
    line = process.stdout.readline()
    log.seek(0)
    assert line, log.read().decode()
    return Server(process, json.loads(line)["port"], log)


def stop(server: Server) -> None:
    server.process.kill()
    server.process.wait()
    for pipe in (server.process.stdin, server.process.stdout, server.log):
        assert pipe is not None
        pipe.close()


@pytest.fixture
def starting() -> Iterator[Callable[..., Server]]:
    """Starts servers that end with the test."""
    servers: list[Server] = []

    def begin(*arguments: str | Path, **variables: str) -> Server:
        servers.append(start(*arguments, **variables))
        return servers[-1]

    yield begin
    for server in servers:
        stop(server)


@pytest.fixture(scope="session")
def server(folders: dict[str, Path]) -> Iterator[Server]:
    """A server of the regression model."""
    named = ("--deployment", "blue", "--model-name", "small", "--model-version", "3", "--digest", "abc")
    running = start("--model", folders["regression"], "--port", "0", *named)
    yield running
    stop(running)
