"""Runs and model versions in MLflow on SQLite; the only room that imports MLflow."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.code import code_files
from deploy.platforms.local.home import REPOSITORY, Home
from deploy.release.state import ModelRef
from deploy.runs import Run
from ml.fault import Fault

if TYPE_CHECKING:
    from mlflow import MlflowClient


class Tracking:
    """MLflow's client for this machine.

    Importing it and making the database take seconds, so both begin in the background while the pipeline runs.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self._ready: threading.Thread | None = None
        self._client: MlflowClient | None = None
        self._fault: Exception | None = None

    def warm_up(self) -> None:
        """Begins to import MLflow and to make its database."""
        if self._ready is None:
            self._ready = threading.Thread(target=self._open, daemon=True)
            self._ready.start()

    @property
    def client(self) -> MlflowClient:
        """The client, waited for."""
        self.warm_up()
        assert self._ready is not None
        self._ready.join()
        if self._fault is not None:
            raise self._fault
        assert self._client is not None
        return self._client

    def _open(self) -> None:
        try:
            self.home.root.mkdir(parents=True, exist_ok=True)
            if not self.home.tracking.exists():
                _make(self.home.tracking)
            self._client = _opened(self.home.tracking)
        except Exception as fault:
            self._fault = fault

    def log_run(self, run: Run) -> str:
        """Logs a run with its parameters, metrics, durations, code and files; returns MLflow's id."""
        client = self.client
        tags = {
            "mlops.run_id": run.run_id,
            "mlops.git_commit": run.git_commit,
            "mlops.data_digest": run.data_digest,
            "mlops.model_digest": run.model_digest,
            "mlflow.runName": run.run_id,
        }
        logged = client.create_run(self._experiment(run.problem), tags=tags)
        run_id: str = logged.info.run_id
        client.log_batch(run_id, metrics=_metrics(run), params=_parameters(run))
        for name in ("model", "evaluation"):
            client.log_artifacts(run_id, getattr(run, name), name)
        client.log_artifact(run_id, run.problem_file, "problem")
        self._log_code(run_id)
        client.set_terminated(run_id, "FINISHED")
        return run_id

    def register(self, name: str, model_digest: str, source: Path, run: Run, decision: str) -> ModelRef:
        """A version for these bytes; the one that has them already where there is one."""
        client = self.client
        known = self._version_of(name, model_digest)
        if known is not None:
            return known
        _create_registered_model(client, name)
        tags = {"digest": model_digest, "verdict": decision, "git_commit": run.git_commit, "run": run.run_id}
        made = client.create_model_version(name, source.as_uri(), run_id=run.tracking_id or None, tags=tags)
        return ModelRef(name, str(made.version), model_digest)

    def log_file(self, tracking_id: str, path: Path) -> None:
        """Adds a file (the report, the evidence) to a logged run."""
        self.client.log_artifact(tracking_id, str(path))

    def _version_of(self, name: str, model_digest: str) -> ModelRef | None:
        found = self.client.search_model_versions(f"name = '{name}' and tags.digest = '{model_digest}'")
        return ModelRef(name, str(found[0].version), model_digest) if found else None

    def _experiment(self, name: str) -> str:
        known = self.client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        return str(self.client.create_experiment(name, artifact_location=(self.home.artifacts / name).as_uri()))

    def _log_code(self, run_id: str) -> None:
        for name in code_files(REPOSITORY):
            self.client.log_artifact(run_id, str(REPOSITORY / name), str(Path("code") / Path(name).parent))


def _make(database: Path) -> None:
    """Makes the database beside its place: MLflow's migrations cannot be taken up where they were broken off."""
    new = database.with_name(f"{database.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    try:
        with _unhurried():
            _client(new).search_experiments(max_results=1)
        with new.open("rb") as written:
            os.fsync(written.fileno())
        with contextlib.suppress(FileExistsError):  # another process was faster
            os.link(new, database)
    finally:
        new.unlink(missing_ok=True)


@contextlib.contextmanager
def _unhurried() -> Iterator[None]:
    """Lets SQLite write when the machine likes to, where each of a thousand statements would wait for the disk.

    Only for a file that nobody reads before it is whole.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def connected(connection: sqlite3.Connection, record: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")

    event.listen(Engine, "connect", connected)
    try:
        yield
    finally:
        event.remove(Engine, "connect", connected)


def _opened(database: Path) -> MlflowClient:
    """The client of a database; one that a killed run left half made is made anew, as long as it is empty.

    Raises:
        Fault: MLflow refuses it, and it may hold runs.
    """
    if _is_empty(database):
        try:  # under another spelling: MLflow keeps a connection for each, also to what is replaced below
            _client(f"{database.parent}/./{database.name}").search_experiments(max_results=1)
        except Exception:
            database.unlink()
            _make(database)
    try:
        client = _client(database)
        client.search_experiments(max_results=1)
    except Exception as refusal:
        remedy = f"mlflow db upgrade sqlite:///{database}, or move it away: models and pins are kept elsewhere"
        why = " ".join(str(refusal).split()).split(". ")[0]
        raise Fault(f"MLflow cannot use it: {why}", str(database), remedy) from None
    return client


def _is_empty(database: Path) -> bool:
    """Whether there are neither runs nor versions of models in it; what is no database may have held some."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        try:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            return not any(
                connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608 - names of our own
                for table in tables & {"runs", "model_versions"}
            )
        except sqlite3.DatabaseError:
            return False


def _client(database: Path | str) -> MlflowClient:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    import logging

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from mlflow import MlflowClient

    address = f"sqlite:///{database}"
    return MlflowClient(tracking_uri=address, registry_uri=address)


def _create_registered_model(client: MlflowClient, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as fault:
        if fault.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _metrics(run: Run) -> list[Any]:
    from mlflow.entities import Metric

    measures = json.loads((Path(run.evaluation) / "measures.json").read_text(encoding="utf-8"))
    values = {
        **measures["metrics"],
        **{f"dummy_{name}": value for name, value in measures["dummy_metrics"].items()},
        **{name: measures[name] for name in ("latency_ms", "size_mb")},
        **{f"seconds_{step.name}": step.seconds for step in run.steps},
        "seconds": run.seconds,
    }
    return [Metric(name, value, 0, 0) for name, value in values.items() if value is not None]


def _parameters(run: Run) -> list[Any]:
    from mlflow.entities import Param

    return [Param(name, str(value)) for name, value in {**run.parameters, "until": run.until}.items()]
