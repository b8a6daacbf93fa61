"""What `deploy` asks of a platform: some thirty verbs, the same for this machine and for Azure ML."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from deploy.exit_codes import WAITING
from deploy.release.analysis import Live
from deploy.release.state import ModelRef, Observed, Tags
from deploy.runs import Run
from ml.fault import Fault

if TYPE_CHECKING:
    from deploy.screen import Screen
    from ml.problem import Problem


@dataclass(frozen=True)
class TrainingInputs:
    """What a training run starts from.

    Attributes:
        problem: as loaded from `file`.
        until: the day at which labelled rows end; the problem's where it is None.
        collected: a folder of asked rows whose labels have come.
    """

    problem: Problem
    file: Path
    until: dt.date | None = None
    collected: Path | None = None


@dataclass(frozen=True)
class Asset:
    """A problem's raw rows as the platform keeps them.

    Attributes:
        name, version: the version is made of the digest, so the same rows are the same version.
        digest: of the folder; a single file counts as a folder that holds it.
        place: where they lie: a path or a URI.
        uploaded: whether anything had to be sent.
    """

    name: str
    version: str
    digest: str
    place: str
    uploaded: bool = False


@dataclass(frozen=True)
class Component:
    """A step or pipeline that others build pipelines with.

    Attributes:
        kind: command, spark or pipeline.
        registered: whether this call has made the version.
    """

    name: str
    version: str
    kind: str
    registered: bool


@dataclass(frozen=True)
class Schedule:
    """What a stack does by the clock for a problem.

    Attributes:
        kind: training, new-data, monitoring or model-monitor.
        when: as people read it; empty where it was removed.
        enabled: whether it is on; one that a person has switched off stays off.
        state: created, updated, unchanged, removed or absent.
        job: that was begun at once, as new rows had come.
    """

    name: str
    kind: str
    when: str
    enabled: bool
    state: str
    job: str | None = None


@dataclass(frozen=True)
class Origin:
    """What a model's run left behind: its answers on the rows that judged it, and the rows held back.

    Attributes:
        evaluation: the folder of its answers.
        live: the file of the rows that are sent as requests.
    """

    evaluation: Path
    live: Path


@dataclass(frozen=True)
class Address:
    """Where an endpoint is asked, and how its key is shown without being told.

    Attributes:
        key_command: what a shell runs to print the key.
    """

    url: str
    key: str
    key_command: str

    @property
    def key_hint(self) -> str:
        """Enough of the key to recognise it."""
        return f"{self.key[:4]}…"


@dataclass(frozen=True)
class Reply:
    """An endpoint's answer to one request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class DeploymentFailed(Exception):
    """A deployment did not come up: the model's fault, not the platform's."""


class Held(Fault):
    """Another release holds the endpoint: whoever called waits, and nothing is wrong."""

    def __init__(self, endpoint: str, ends: str = "") -> None:
        remedy = f"wait for its end, or give --wait SECONDS{ends}"
        super().__init__("another release is under way", endpoint, remedy, WAITING)


class NotUp(Fault):
    """The stack was never brought up: nothing of it is there to be asked."""


class Platform(Protocol):
    """One stack on one platform."""

    name: str
    stack: str

    def push(self, problem: Problem, file: Path, screen: Screen) -> Asset:
        """Brings the problem's raw rows to where training reads them; what is there is not sent again."""
        ...

    def pull(self, problem: Problem, file: Path, version: str | None, screen: Screen) -> Asset:
        """Brings a version of the raw rows (None: the newest) to this machine; `place` is then their path."""
        ...

    def schedule(
        self, problem: Problem, file: Path, screen: Screen, emails: tuple[str, ...] = (), update: bool = False
    ) -> tuple[Schedule, ...]:
        """Brings what is done by the clock to what the problem is now; nothing is written where it says so already.

        Args:
            problem: as loaded from `file`.
            file: the problem's.
            screen: shows how far it is.
            emails: whom the service's own monitor tells; those whom it told before where it is empty.
            update: only those that are there.

        Raises:
            Fault: the platform has no schedules, or what they need is not there.
        """
        ...

    def unschedule(self, problem: Problem, screen: Screen) -> tuple[Schedule, ...]:
        """Removes what `schedule` has made."""
        ...

    def components(self, screen: Screen) -> tuple[Component, ...]:
        """Registers the pipelines' steps where others build pipelines with them; what is there is left alone."""
        ...

    def submit(self, inputs: TrainingInputs, screen: Screen) -> str:
        """Begins a training run and returns its id; this machine has carried it out by then."""
        ...

    def wait(self, run_id: str, screen: Screen, file: Path | None = None) -> Run:
        """The record of a training run, which it waits for and keeps.

        Args:
            run_id: of `submit`.
            screen: shows how far it is.
            file: the problem's, where the run was begun in another clone.

        Raises:
            Fault: there is no such run, or a step failed; then with the end of its log.
        """
        ...

    def evaluate(self, run: Run, model: ModelRef, screen: Screen) -> Path:
        """What another model answers on the run's evaluation rows, by the same step as in training."""
        ...

    def register(self, run: Run, evidence: bytes, decision: str) -> ModelRef:
        """Makes the run's model a version; the same bytes get the version they have."""
        ...

    def find(self, name: str, digest: str) -> ModelRef | None:
        """The version with these bytes, or None where the registry answers that there is none."""
        ...

    def evidence(self, model: ModelRef) -> tuple[bytes, str]:
        """The evidence that was registered with the model, and its hash then."""
        ...

    def fetch(self, model: ModelRef) -> Path:
        """The model's folder, its bytes proved by the digest."""
        ...

    def origin(self, model: ModelRef) -> Origin:
        """What the run that made the model left behind."""
        ...

    def share(self, model: ModelRef) -> None:
        """Lets prod take what this stack, dev, has released."""
        ...

    def is_shared(self, model: ModelRef) -> bool:
        """Whether dev has let prod take these bytes."""
        ...

    def batch(self, model: ModelRef, data: Path, out: Path, screen: Screen, pipeline: bool = False) -> dict[str, Any]:
        """Scores a file without an endpoint; returns rows, seconds, rows_per_second and out.

        With `pipeline` as a pipeline of which scoring is a step, where the platform tells the two apart.
        """
        ...

    def endpoints(self) -> tuple[str, ...]:
        """The names of the stack's endpoints."""
        ...

    def observe(self, endpoint: str) -> Observed:
        """The endpoint, read now."""
        ...

    def address(self, endpoint: str) -> Address:
        """Where it is asked."""
        ...

    def lock(self, endpoint: str) -> AbstractContextManager[None]:
        """One release at a time; raises `Held` where another holds it."""
        ...

    def create_endpoint(self, endpoint: str) -> str | None:
        """Makes the endpoint, or starts the one that is there.

        Returns: what its users should know, such as another address than it had; None where nothing is new.
        """
        ...

    def create_deployment(self, endpoint: str, name: str, model: ModelRef) -> None:
        """Makes a deployment at 0 % and waits until it is ready; takes up one of that name that is being made.

        Raises:
            DeploymentFailed: it does not come up.
        """
        ...

    def delete_deployment(self, endpoint: str, name: str) -> None:
        """Removes a deployment."""
        ...

    def set_traffic(self, endpoint: str, traffic: Mapping[str, int]) -> None:
        """Writes the traffic and waits until it is read back."""
        ...

    def set_mirror(self, endpoint: str, mirror: Mapping[str, int]) -> None:
        """Writes the mirror and waits until it is read back."""
        ...

    def write_tags(self, endpoint: str, tags: Tags) -> None:
        """Writes the tags."""
        ...

    def invoke(self, endpoint: str, body: bytes, deployment: str | None = None, seconds: float = 70.0) -> Reply:
        """One request, to a deployment by header or as the traffic falls; 504 where no answer comes in time."""
        ...

    def live(self, endpoint: str, since: float) -> Mapping[str, Live]:
        """By deployment, what was seen since `since` (seconds of `now()`)."""
        ...

    def now(self) -> float:
        """The clock of `live`."""
        ...

    def requests(self, endpoint: str, model: ModelRef) -> AbstractContextManager[None]:
        """While it is open requests flow: here held-back rows are sent; in the cloud the users do."""
        ...

    def collected(self, endpoint: str) -> Path:
        """The folder of the requests and answers that were collected."""
        ...

    def labels(self, endpoint: str) -> Path:
        """The folder of the labels that have come for what the endpoint was asked; empty where none have."""
        ...

    def labelled(self, problem: str) -> Path:
        """The folder of the asked rows whose labels have come, where this stack, dev, trains."""
        ...

    def keep_labelled(self, problem: str, rows: Path) -> None:
        """Brings a file of such rows there, in the place of one of its name."""
        ...

    def logs(self, endpoint: str, lines: int) -> Mapping[str, tuple[str, ...]]:
        """By deployment (and for the endpoint itself, where it has one), the last lines of its log."""
        ...

    def needs(self) -> Mapping[str, Callable[[], str]]:
        """By a word for each thing that the verbs need, a cheap read that says how it is.

        Raises:
            Fault: the stack is not up; a read raises it with the remedy, such as the role that is lacking.
        """
        ...

    def state(self) -> str | None:
        """A hash of the infrastructure that the stack stands on, which a plan is bound to; None where there is none.

        Raises:
            Fault: whoever holds it does not tell.
        """
        ...

    def stop(self, endpoint: str) -> bool:
        """Ends what runs for the endpoint, and costs; False where nothing did."""
        ...
