"""Azure Machine Learning as a platform: the protocol's verbs over its rooms."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from deploy.held_back import HeldBackRows
from deploy.platforms.azure.batch import Batch
from deploy.platforms.azure.clock import Clock
from deploy.platforms.azure.collected import CollectedRequests
from deploy.platforms.azure.components import Components
from deploy.platforms.azure.data import Data
from deploy.platforms.azure.deployments import Deployments
from deploy.platforms.azure.endpoints import Endpoints
from deploy.platforms.azure.invoke import Invoker
from deploy.platforms.azure.labels import Labels
from deploy.platforms.azure.live import azure_monitor, router_log
from deploy.platforms.azure.live.probes import Probes
from deploy.platforms.azure.live.together import LiveNumbers
from deploy.platforms.azure.lock import Locks
from deploy.platforms.azure.needs import Needs
from deploy.platforms.azure.outputs import Outputs, read_outputs, state_of
from deploy.platforms.azure.registry import Registry
from deploy.platforms.azure.sdk import Sdk, check_installed
from deploy.platforms.azure.serving import serving_of
from deploy.platforms.azure.traffic import Traffic
from deploy.platforms.azure.training import Training
from deploy.platforms.local.home import Home
from deploy.platforms.protocol import Address, Asset, Component, Origin, Reply, Schedule, TrainingInputs
from deploy.release.analysis import Live
from deploy.release.policy import FOLDER, load_policy
from deploy.release.state import ModelRef, Observed, Tags
from deploy.runs import Run
from deploy.screen import Screen
from ml.problem import Problem


@dataclass
class AzurePlatform:
    """One stack on Azure."""

    stack: str
    home: Home
    name: str = "azure"
    _rows: dict[str, tuple[bytes, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Says at once where the SDK is missing."""
        check_installed()

    @cached_property
    def outputs(self) -> Outputs:
        """What Pulumi has made."""
        return read_outputs(self.stack, self.home.root)

    @cached_property
    def sdk(self) -> Sdk:
        """The clients."""
        return Sdk(self.outputs)

    @cached_property
    def registry(self) -> Registry:
        """The registered models."""
        return Registry(self.sdk, self.home.models / self.stack)

    @cached_property
    def _endpoints(self) -> Endpoints:
        serving = serving_of(load_policy(self.name, self.stack), self.outputs, str(FOLDER / "azure.yaml"))
        return Endpoints(self.sdk, serving)

    @cached_property
    def _deployments(self) -> Deployments:
        return Deployments(self._endpoints, self.registry, self.home.root / "code")

    @cached_property
    def _traffic(self) -> Traffic:
        return Traffic(self._endpoints)

    @cached_property
    def _invoker(self) -> Invoker:
        return Invoker(self._endpoints)

    @cached_property
    def _locks(self) -> Locks:
        return Locks(self.sdk)

    @cached_property
    def _live(self) -> LiveNumbers:
        source = azure_monitor.seen if self._endpoints.serving.is_managed else router_log.seen
        return LiveNumbers(partial(source, self.sdk))

    @cached_property
    def _probes(self) -> Probes:
        return self._live.probes

    @cached_property
    def _training(self) -> Training:
        return Training(self.sdk, self.home, self.registry)

    @cached_property
    def _data(self) -> Data:
        return Data(self.sdk, self.home)

    @cached_property
    def _labels(self) -> Labels:
        return Labels(self.sdk, self.home.root)

    @cached_property
    def _clock(self) -> Clock:
        return Clock(self._training, self._data, self._endpoints, self.registry, self.home.root / "code")

    def push(self, problem: Problem, file: Path, screen: Screen) -> Asset:
        """See `Platform`; a schedule of training on new rows begins where these are new to it."""
        pushed = self._data.push(problem, file, screen)
        self._clock.moved(problem, file, screen)
        return pushed

    def pull(self, problem: Problem, file: Path, version: str | None, screen: Screen) -> Asset:
        """See `Platform`."""
        return self._data.pull(problem, version, screen)

    def schedule(
        self, problem: Problem, file: Path, screen: Screen, emails: tuple[str, ...] = (), update: bool = False
    ) -> tuple[Schedule, ...]:
        """See `Platform`."""
        return self._clock.set(problem, file, screen, emails, update)

    def unschedule(self, problem: Problem, screen: Screen) -> tuple[Schedule, ...]:
        """See `Platform`."""
        return self._clock.remove(problem, screen)

    def components(self, screen: Screen) -> tuple[Component, ...]:
        """See `Platform`."""
        return Components(self.sdk, self.home.root / "code").register(screen)

    def submit(self, inputs: TrainingInputs, screen: Screen) -> str:
        """See `Platform`."""
        return self._training.submit(inputs, screen)

    def wait(self, run_id: str, screen: Screen, file: Path | None = None) -> Run:
        """See `Platform`."""
        return self._training.wait(run_id, screen, file)

    def evaluate(self, run: Run, model: ModelRef, screen: Screen) -> Path:
        """See `Platform`."""
        return self._training.evaluate(run, model, screen)

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
        """See `Platform`."""
        self.registry.share(model)

    def is_shared(self, model: ModelRef) -> bool:
        """See `Platform`; the registry holds nothing else than what dev has released."""
        return self.registry.is_shared(model)

    def batch(self, model: ModelRef, data: Path, out: Path, screen: Screen, pipeline: bool = False) -> dict[str, Any]:
        """See `Platform`."""
        scoring = Batch(self.sdk, self.registry, self.home.root / "batch" / self.stack)
        return scoring.score(model, data, out, screen, pipeline)

    def collected(self, endpoint: str) -> Path:
        """See `Platform`."""
        return CollectedRequests(self.sdk, self.home.root / "collected" / self.stack).bring(endpoint)

    def labels(self, endpoint: str) -> Path:
        """See `Platform`."""
        return self._labels.came(endpoint)

    def labelled(self, problem: str) -> Path:
        """See `Platform`."""
        return self._labels.joined(problem)

    def keep_labelled(self, problem: str, rows: Path) -> None:
        """See `Platform`."""
        self._labels.keep(problem, rows)

    def endpoints(self) -> tuple[str, ...]:
        """See `Platform`."""
        return self._endpoints.problems()

    def observe(self, endpoint: str) -> Observed:
        """See `Platform`."""
        return self._endpoints.observe(endpoint)

    def address(self, endpoint: str) -> Address:
        """See `Platform`."""
        return self._invoker.address(endpoint)

    def lock(self, endpoint: str) -> AbstractContextManager[None]:
        """See `Platform`."""
        return self._locks.hold(endpoint)

    def create_endpoint(self, endpoint: str) -> None:
        """See `Platform`."""
        self._locks.check(endpoint)
        self._endpoints.create(endpoint)

    def create_deployment(self, endpoint: str, name: str, model: ModelRef) -> None:
        """See `Platform`."""
        self._locks.check(endpoint)
        self._deployments.create(endpoint, name, model)

    def delete_deployment(self, endpoint: str, name: str) -> None:
        """See `Platform`."""
        self._locks.check(endpoint)
        self._deployments.delete(endpoint, name)

    def set_traffic(self, endpoint: str, traffic: Mapping[str, int]) -> None:
        """See `Platform`."""
        self._locks.check(endpoint)
        self._traffic.set(endpoint, traffic)

    def set_mirror(self, endpoint: str, mirror: Mapping[str, int]) -> None:
        """See `Platform`."""
        self._locks.check(endpoint)
        self._traffic.mirror(endpoint, mirror)

    def write_tags(self, endpoint: str, tags: Tags) -> None:
        """See `Platform`."""
        self._locks.check(endpoint)
        self._endpoints.write_tags(endpoint, tags)

    def invoke(self, endpoint: str, body: bytes, deployment: str | None = None, seconds: float = 70.0) -> Reply:
        """See `Platform`."""
        return self._invoker.invoke(endpoint, body, deployment, seconds)

    def live(self, endpoint: str, since: float) -> Mapping[str, Live]:
        """See `Platform`."""
        return self._live.since(self._endpoints.azure_name(endpoint), since)

    def now(self) -> float:
        """See `Platform`; the service counts by the clock on the wall."""
        return time.time()

    def requests(self, endpoint: str, model: ModelRef) -> AbstractContextManager[None]:
        """See `Platform`; beside the users' own, each deployment is asked the same held-back rows by header."""
        if model.digest not in self._rows:
            rows = HeldBackRows(self.origin(model).live, self.fetch(model))
            self._rows[model.digest] = tuple(rows.bodies())

        def names() -> tuple[str, ...]:
            return tuple(d.name for d in self.observe(endpoint).deployments if d.state == "ready")

        ask = partial(self._invoker.invoke, endpoint)
        return self._probes.open(ask, names, self._rows[model.digest])

    def logs(self, endpoint: str, lines: int) -> Mapping[str, tuple[str, ...]]:
        """See `Platform`."""
        return self._deployments.logs(endpoint, lines)

    def needs(self) -> Mapping[str, Callable[[], str]]:
        """See `Platform`."""
        return Needs(self.sdk, self._endpoints).reads()

    def state(self) -> str | None:
        """See `Platform`."""
        return state_of(self.stack, self.home.root)

    def stop(self, endpoint: str) -> bool:
        """See `Platform`; the endpoint itself costs nothing and keeps its tags."""
        observed = self.observe(endpoint)
        if not observed.deployments:
            return False
        with self.lock(endpoint):
            if observed.mirror:
                self.set_mirror(endpoint, {})
            if observed.traffic:
                self.set_traffic(endpoint, {})
            for deployment in observed.deployments:
                self.delete_deployment(endpoint, deployment.name)
        return True
