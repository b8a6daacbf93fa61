"""This machine as a platform: the protocol's verbs over processes and files."""

from __future__ import annotations

import contextlib
import fcntl
import shlex
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.held_back import HeldBackRows
from deploy.platforms.local.endpoint_client import EndpointClient, Refusal
from deploy.platforms.local.home import REPOSITORY, Home
from deploy.platforms.local.registry import Registry
from deploy.platforms.local.requests import flowing
from deploy.platforms.local.tracking import Tracking
from deploy.platforms.protocol import (
    Address,
    Asset,
    Component,
    DeploymentFailed,
    Held,
    Origin,
    Reply,
    Schedule,
    TrainingInputs,
)
from deploy.release.analysis import Live
from deploy.release.state import ModelRef, Observed, Tags
from deploy.runs import Run, load_run
from ml.fault import Fault, invalid
from ml.serving.collection import PROBE

if TYPE_CHECKING:
    from deploy.screen import Screen
    from ml.problem import Problem

INVOKE_SECONDS = 70  # the router gives a deployment 60, so that it is the endpoint who tells of one that hangs


@dataclass
class LocalPlatform:
    """One stack on this machine."""

    stack: str
    home: Home = field(default_factory=Home.of_this_machine)
    name: str = "local"
    _rows: dict[str, tuple[bytes, ...]] = field(default_factory=dict)

    @cached_property
    def tracking(self) -> Tracking:
        """MLflow."""
        return Tracking(self.home)

    @property
    def registry(self) -> Registry:
        """The registered models."""
        return Registry(self.home, self.tracking)

    def client(self, endpoint: str) -> EndpointClient:
        """The endpoint's process."""
        return EndpointClient(self.home.endpoints(self.stack) / endpoint)

    def push(self, problem: Problem, file: Path, screen: Screen) -> Asset:
        """See `Platform`; training on this machine reads the rows where they lie."""
        from deploy.platforms.local.data import asset

        return asset(self.home, problem, file)

    def pull(self, problem: Problem, file: Path, version: str | None, screen: Screen) -> Asset:
        """See `Platform`; only the rows as they are now can be had."""
        from deploy.platforms.local.data import present

        return present(self.home, problem, file, version)

    def schedule(
        self, problem: Problem, file: Path, screen: Screen, emails: tuple[str, ...] = (), update: bool = False
    ) -> tuple[Schedule, ...]:
        """See `Platform`; this machine has a clock of its own."""
        raise _by_cron(problem)

    def unschedule(self, problem: Problem, screen: Screen) -> tuple[Schedule, ...]:
        """See `Platform`."""
        raise _by_cron(problem)

    def components(self, screen: Screen) -> tuple[Component, ...]:
        """See `Platform`; pipelines here are files alone."""
        message = "components are registered on Azure; here they are the files of ml/pipelines/"
        raise invalid(message, "--platform local", "--platform azure")

    def submit(self, inputs: TrainingInputs, screen: Screen) -> str:
        """See `Platform`; a run that is new is logged."""
        from deploy.platforms.local.training import run_training

        return run_training(self.home, inputs, self.tracking, screen).run_id

    def wait(self, run_id: str, screen: Screen, file: Path | None = None) -> Run:
        """See `Platform`."""
        return load_run(self.home.runs, run_id)

    def evaluate(self, run: Run, model: ModelRef, screen: Screen) -> Path:
        """See `Platform`."""
        from deploy.platforms.local.training import evaluate

        return evaluate(self.home, Path(run.problem_file), self.fetch(model), Path(run.evaluation_rows))

    def register(self, run: Run, evidence: bytes, decision: str) -> ModelRef:
        """See `Platform`."""
        return self.registry.register(run, evidence, decision)

    def find(self, name: str, digest: str) -> ModelRef | None:
        """See `Platform`."""
        return self.registry.find(name, digest)

    def evidence(self, model: ModelRef) -> tuple[bytes, str]:
        """See `Platform`."""
        return self.registry.evidence(model)

    def fetch(self, model: ModelRef) -> Path:
        """See `Platform`."""
        return self.registry.fetch(model)

    def origin(self, model: ModelRef) -> Origin:
        """See `Platform`."""
        return self.registry.origin(model)

    def share(self, model: ModelRef) -> None:
        """See `Platform`; the stacks of a machine have one registry."""

    def is_shared(self, model: ModelRef) -> bool:
        """See `Platform`."""
        return LocalPlatform("dev", self.home).observe(model.name).tags.has_released(model.digest)

    def batch(self, model: ModelRef, data: Path, out: Path, screen: Screen, pipeline: bool = False) -> dict[str, Any]:
        """See `Platform`; here it is one process either way."""
        from deploy.platforms.local.batch import score

        return score(self.fetch(model), data, out, screen)

    def observe(self, endpoint: str) -> Observed:
        """See `Platform`."""
        return self.client(endpoint).observe()

    def endpoints(self) -> tuple[str, ...]:
        """The names of the stack's endpoints."""
        folder = self.home.endpoints(self.stack)
        return tuple(sorted(path.parent.name for path in folder.glob("*/endpoint.json")))

    def address(self, endpoint: str) -> Address:
        """See `Platform`."""
        client = self.client(endpoint)
        process = client.process()
        if process is None:
            raise Fault("the endpoint is down", endpoint, "`mlops release` starts it")
        key = client.folder / "key"
        shown = key.relative_to(Path.cwd()) if key.is_relative_to(Path.cwd()) else key
        url = f"http://127.0.0.1:{process.port}/score"
        return Address(url, key.read_text(encoding="ascii"), f"cat {shlex.quote(str(shown))}")

    @contextlib.contextmanager
    def lock(self, endpoint: str) -> Iterator[None]:
        """See `Platform`; the kernel lets go of it when the process dies."""
        folder = self.home.endpoints(self.stack) / endpoint
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "release.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Held(endpoint) from None
            yield

    def create_endpoint(self, endpoint: str) -> str | None:
        """See `Platform`."""
        return self.client(endpoint).start()

    def create_deployment(self, endpoint: str, name: str, model: ModelRef) -> None:
        """See `Platform`."""
        body = {"model": asdict(model), "folder": str(self.fetch(model))}
        try:
            self.client(endpoint).ask("PUT", f"/_control/deployments/{name}", body)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            raise DeploymentFailed(f"{refusal.message}: {refusal.remedy}") from None

    def delete_deployment(self, endpoint: str, name: str) -> None:
        """See `Platform`."""
        self.client(endpoint).ask("DELETE", f"/_control/deployments/{name}")

    def set_traffic(self, endpoint: str, traffic: Mapping[str, int]) -> None:
        """See `Platform`."""
        self.client(endpoint).ask("PUT", "/_control/traffic", dict(traffic))

    def set_mirror(self, endpoint: str, mirror: Mapping[str, int]) -> None:
        """See `Platform`."""
        self.client(endpoint).ask("PUT", "/_control/mirror", dict(mirror))

    def write_tags(self, endpoint: str, tags: Tags) -> None:
        """See `Platform`."""
        self.client(endpoint).ask("PUT", "/_control/tags", asdict(tags))

    def invoke(
        self, endpoint: str, body: bytes, deployment: str | None = None, seconds: float = INVOKE_SECONDS
    ) -> Reply:
        """See `Platform`."""
        address = self.address(endpoint)
        headers = {"Authorization": f"Bearer {address.key}", "Content-Type": "application/json"}
        if deployment is not None:
            headers["azureml-model-deployment"] = deployment
            headers["x-request-id"] = f"{PROBE}{uuid.uuid4().hex}"
        connection = HTTPConnection(address.url.split("/")[2], timeout=seconds)
        try:
            connection.request("POST", "/score", body, headers)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        except TimeoutError:
            return Reply(504, {}, b"")
        except (OSError, HTTPException) as error:
            raise Fault(
                f"the endpoint does not answer: {error}", address.url, "`mlops status` shows how it is"
            ) from None
        finally:
            connection.close()

    def live(self, endpoint: str, since: float) -> Mapping[str, Live]:
        """See `Platform`."""
        seen = self.client(endpoint).ask("GET", f"/_control/live?since={since}")
        return {name: Live(**live) for name, live in seen.items()}

    def now(self) -> float:
        """See `Platform`; the monotonic clock is the same for all processes of a machine."""
        return time.monotonic()

    @contextlib.contextmanager
    def requests(self, endpoint: str, model: ModelRef) -> Iterator[None]:
        """See `Platform`."""
        if model.digest not in self._rows:
            rows = HeldBackRows(self.origin(model).live, self.fetch(model))
            self._rows[model.digest] = tuple(rows.bodies())
        with flowing(self.address(endpoint), self._rows[model.digest]):
            yield

    def collected(self, endpoint: str) -> Path:
        """See `Platform`."""
        return self.client(endpoint).folder / "collected"

    def labels(self, endpoint: str) -> Path:
        """See `Platform`."""
        return _made(self.client(endpoint).folder / "labels")

    def labelled(self, problem: str) -> Path:
        """See `Platform`."""
        return _made(self.home.root / self.stack / "labelled" / problem)

    def keep_labelled(self, problem: str, rows: Path) -> None:
        """See `Platform`; whole or not at all."""
        new = self.labelled(problem) / f"{rows.name}.new"
        shutil.copyfile(rows, new)
        new.replace(new.with_name(rows.name))

    def logs(self, endpoint: str, lines: int) -> Mapping[str, tuple[str, ...]]:
        """See `Platform`."""
        folder = self.client(endpoint).folder
        paths = [*sorted((folder / "logs").glob("*.log")), folder / "endpoint.log"]
        return {path.stem: _tail(path, lines) for path in paths}

    def needs(self) -> Mapping[str, Callable[[], str]]:
        """See `Platform`; `deploy.doctor.local` looks at this machine."""
        return {}

    def state(self) -> str | None:
        """See `Platform`."""
        return None

    def stop(self, endpoint: str) -> bool:
        """See `Platform`; what it served is remembered."""
        return self.client(endpoint).stop()


def _tail(path: Path, lines: int) -> tuple[str, ...]:
    if not path.exists():
        return ()
    return tuple(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _by_cron(problem: Problem) -> Fault:
    """Schedules are Azure's; cron runs the same commands here."""
    line = f"30 4 * * * cd {REPOSITORY} && .venv/bin/mlops monitor {problem.name}"
    return invalid("schedules are Azure's; here cron runs the commands", "--platform local", f"crontab: {line}")
