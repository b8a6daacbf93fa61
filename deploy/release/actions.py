"""The actions of a release plan: frozen values that say what will be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from deploy.release.state import ModelRef, Tags

Phase = Literal["mirror", "step", "bake"]


@dataclass(frozen=True)
class CreateEndpoint:
    """Make the endpoint."""


@dataclass(frozen=True)
class StartEndpoint:
    """Start an endpoint of this machine that is down, with the deployments it had."""


@dataclass(frozen=True)
class CreateDeployment:
    """Make a deployment that carries no traffic."""

    deployment: str
    model: ModelRef


@dataclass(frozen=True)
class Smoke:
    """Ask the deployment by header what the model answered offline."""

    deployment: str
    model: ModelRef


@dataclass(frozen=True)
class SetMirror:
    """Copy a share of the requests to a deployment; an empty mirror ends that."""

    mirror: Mapping[str, int]


@dataclass(frozen=True)
class SetTraffic:
    """Give each deployment its percent; `before` is what the plan was made on."""

    traffic: Mapping[str, int]
    before: Mapping[str, int]


@dataclass(frozen=True)
class Watch:
    """Look at the candidate beside the stable side, under real requests."""

    deployment: str
    stable: str | None
    phase: Phase


@dataclass(frozen=True)
class WriteTags:
    """Write what a later release must know; `serving` must have all the traffic for it to be true."""

    tags: Tags
    serving: str | None = None


@dataclass(frozen=True)
class PinBack:
    """Set the stack's pin back to what is served again."""

    model: ModelRef


@dataclass(frozen=True)
class DeleteDeployment:
    """Remove a deployment that carries nothing."""

    deployment: str


Action = (
    CreateEndpoint | StartEndpoint | CreateDeployment | Smoke | SetMirror | SetTraffic | Watch | WriteTags
    | PinBack | DeleteDeployment
)  # fmt: skip


def to_json(action: Action) -> dict[str, Any]:
    """The action as `mlops plan --json` shows it."""
    return {"action": type(action).__name__, **asdict(action)}


def sentence(action: Action) -> str:  # noqa: C901 - one line for each of the ten actions
    """The action for people."""
    match action:
        case CreateEndpoint():
            return "create the endpoint"
        case StartEndpoint():
            return "start the endpoint"
        case CreateDeployment(deployment, model):
            return f"create deployment {deployment} with {model} at 0 %"
        case Smoke(deployment, _):
            return f"smoke-test {deployment} by header"
        case SetMirror(mirror):
            return "mirror " + shares(mirror) if mirror else "end mirroring"
        case SetTraffic(traffic, _):
            return "traffic " + (shares(traffic) or "to nothing")
        case Watch(deployment, stable, phase):
            return f"watch {deployment}" + (f" beside {stable}" if stable else "") + f" ({phase})"
        case WriteTags(tags, _):
            return f"record last good {tags.last_good or 'nothing'}, {len(tags.rejected)} rejected"
        case PinBack(model):
            return f"set the pin back to {model}"
        case DeleteDeployment(deployment):
            return f"delete deployment {deployment}"


def shares(percents: Mapping[str, int]) -> str:
    """Percents by deployment, for people; empty for none."""
    return ", ".join(f"{name} {percent} %" for name, percent in percents.items())
