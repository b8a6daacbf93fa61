"""How far a plan has been carried out, told from the endpoint alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from deploy.release.actions import (
    Action,
    CreateDeployment,
    CreateEndpoint,
    DeleteDeployment,
    SetMirror,
    SetTraffic,
    StartEndpoint,
    WriteTags,
)
from deploy.release.state import Deployment, Observed

WRITES = (CreateEndpoint, StartEndpoint, CreateDeployment, SetMirror, SetTraffic, WriteTags, DeleteDeployment)


def writes(actions: Sequence[Action]) -> tuple[Action, ...]:
    """The actions that change something; looking again is always allowed."""
    return tuple(action for action in actions if isinstance(action, WRITES))


def after(observed: Observed, action: Action) -> Observed:
    """The endpoint as it is once an action was carried out."""
    match action:
        case CreateEndpoint() | StartEndpoint():
            return replace(observed, exists=True, running=True)
        case CreateDeployment(name, model):
            others = tuple(d for d in observed.deployments if d.name != name)
            return replace(observed, deployments=(*others, Deployment(name, model, "ready")))
        case SetMirror(mirror):
            return replace(observed, mirror=dict(mirror))
        case SetTraffic(traffic, _):
            return replace(observed, traffic=dict(traffic))
        case WriteTags(tags, _):
            return replace(observed, tags=tags)
        case DeleteDeployment(name):
            return replace(observed, deployments=tuple(d for d in observed.deployments if d.name != name))
    return observed


def done_of(begun: Observed, actions: Sequence[Action], now: Observed) -> int | None:
    """How many of the actions have been carried out since `begun`; None where `now` is on no way between.

    A deployment that is still being made counts as not made: its creation is taken up again.
    """
    states = accumulate(actions, after, initial=begun)
    matching = [place for place, state in enumerate(states) if _alike(state, now, actions[place : place + 1])]
    return matching[-1] if matching else None


def differences(begun: Observed, now: Observed) -> tuple[str, ...]:
    """What is not as it was, for people."""
    pairs = {
        "the endpoint": (_up(begun), _up(now)),
        "deployments": tuple(", ".join(sorted(f"{d.name} {d.model}" for d in o.deployments)) for o in (begun, now)),
        "traffic": (_shares(begun.traffic), _shares(now.traffic)),
        "mirror": (_shares(begun.mirror), _shares(now.mirror)),
        "last good": (str(begun.tags.last_good or ""), str(now.tags.last_good or "")),
        "rejected": tuple(", ".join(sorted(d[:12] for d in o.tags.rejected)) for o in (begun, now)),
    }
    return tuple(f"{what} was {was or 'none'}, is {now or 'none'}" for what, (was, now) in pairs.items() if was != now)


def _alike(expected: Observed, now: Observed, following: Sequence[Action]) -> bool:
    unfinished = {a.deployment for a in following if isinstance(a, CreateDeployment)}
    made = tuple(d for d in now.deployments if not (d.name in unfinished and d.state == "creating"))
    return _facts(expected) == _facts(replace(now, deployments=made))


def _facts(observed: Observed) -> tuple[object, ...]:
    tags = observed.tags
    return (
        observed.exists,
        observed.running,
        {d.name: d.model.digest for d in observed.deployments},
        {name: percent for name, percent in observed.traffic.items() if percent},
        {name: percent for name, percent in observed.mirror.items() if percent},
        tuple(model.digest for model in tags.good),
        dict(tags.rejected),
    )


def _up(observed: Observed) -> str:
    return ("up" if observed.running else "down") if observed.exists else ""


def _shares(percents: object) -> str:
    assert isinstance(percents, dict)
    return ", ".join(f"{name} {percent} %" for name, percent in sorted(percents.items()) if percent)
