"""What a release reads and wants: models, deployments, traffic, tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["creating", "ready", "unhealthy", "failed"]


@dataclass(frozen=True)
class ModelRef:
    """A model version by its bytes: the version names it, the digest is it."""

    name: str
    version: str
    digest: str

    def __str__(self) -> str:
        """For people: name:version (digest's beginning)."""
        return f"{self.name}:{self.version} ({self.digest[:12]})"


@dataclass(frozen=True)
class Deployment:
    """One deployment of an endpoint as it is now."""

    name: str
    model: ModelRef
    state: State


@dataclass(frozen=True)
class Tags:
    """What a later release must know, written on the endpoint itself.

    Attributes:
        good: what carried all the traffic and was watched to the end, each once, the newest last; where
            a rollback by hand goes.
        rejected: by digest, why it is not released here again; never one that is good.
    """

    good: tuple[ModelRef, ...] = ()
    rejected: Mapping[str, str] = field(default_factory=dict)

    @property
    def last_good(self) -> ModelRef | None:
        """What the endpoint serves, or served before the release that is under way."""
        return self.good[-1] if self.good else None

    def has_released(self, digest: str) -> bool:
        """Whether these bytes have served here, and were not found bad since."""
        return any(model.digest == digest for model in self.good)


@dataclass(frozen=True)
class Observed:
    """An endpoint as it was just read.

    Attributes:
        exists: whether there is such an endpoint.
        running: whether it answers; only a local endpoint can exist and not run.
        traffic: percent by deployment, zeros left out; sums to 100, or is empty.
        mirror: percent of the requests that a deployment gets as a copy.
    """

    exists: bool
    running: bool = True
    deployments: tuple[Deployment, ...] = ()
    traffic: Mapping[str, int] = field(default_factory=dict)
    mirror: Mapping[str, int] = field(default_factory=dict)
    tags: Tags = field(default_factory=Tags)

    def deployment(self, name: str) -> Deployment | None:
        """The deployment of that name."""
        return next((d for d in self.deployments if d.name == name), None)

    def carries(self, name: str) -> bool:
        """Whether live or mirrored requests reach the deployment."""
        return bool(self.traffic.get(name, 0) or self.mirror.get(name, 0))
