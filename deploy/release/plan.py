"""The release plan: from what is wanted and what is observed to the actions between. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count

from deploy.release.actions import (
    Action,
    CreateDeployment,
    CreateEndpoint,
    DeleteDeployment,
    PinBack,
    SetMirror,
    SetTraffic,
    Smoke,
    StartEndpoint,
    Watch,
    WriteTags,
)
from deploy.release.policy import Policy
from deploy.release.state import Deployment, ModelRef, Observed, Tags
from ml.fault import invalid

KEPT_GOOD = 20  # so far back a rollback goes, and so long dev's word for a model lasts


@dataclass(frozen=True)
class Wanted:
    """What a stack shall serve, and how carefully it gets there."""

    model: ModelRef
    policy: Policy


@dataclass(frozen=True)
class Plan:
    """The actions, in order.

    Attributes:
        refused: why the wanted model is not released here (it was rejected before); the actions then
            only finish the rollback that was begun.
    """

    actions: tuple[Action, ...]
    refused: str | None = None

    @property
    def starts(self) -> bool:
        """Whether it begins with the endpoint itself: what is there once that is up must be read anew."""
        return bool(self.actions) and isinstance(self.actions[0], CreateEndpoint | StartEndpoint)


def plan(wanted: Wanted, observed: Observed, retry: bool = False) -> Plan:
    """The way from observed to wanted; the same call from any state in between ends in the same place.

    Args:
        wanted: the pin's model and the rollout policy.
        observed: the endpoint, read just now, its tags included.
        retry: release even a digest that was rejected here.
    """
    reason = observed.tags.rejected.get(wanted.model.digest)
    if reason is not None and not retry:
        return Plan(restore(observed), refused=reason)
    start = _start(observed)
    if reason is not None:
        observed = replace(observed, tags=_pardon(observed.tags, wanted.model))
        start = (*start, WriteTags(observed.tags))
    good = observed.tags.last_good
    if good is not None and good.digest == wanted.model.digest:
        target, moves = _switch(wanted.model, observed)
    else:
        target, moves = _roll_out(wanted, observed)
    return Plan((*start, *moves, *_sweep(target, observed)))


def restore(observed: Observed) -> tuple[Action, ...]:
    """Back to the last good model; where there never was one, to an endpoint that serves nothing."""
    good = observed.tags.last_good
    if good is None:
        return _serve_nothing(observed)
    target, moves = _switch(good, observed)
    swept = _sweep(target, observed)
    # What is rejected goes last: until then the same command, whatever the pin says, ends here.
    return (*_start(observed), *moves, PinBack(good), *swept) if moves or swept else ()


def reject(tags: Tags, model: ModelRef, reason: str) -> Tags:
    """The tags after a model failed here. They are written before traffic moves back."""
    good = tuple(other for other in tags.good if other.digest != model.digest)
    return Tags(good, {**tags.rejected, model.digest: reason})


def accept(tags: Tags, model: ModelRef) -> Tags:
    """The tags after a model was watched to the end."""
    older = tuple(other for other in tags.good if other.digest != model.digest)
    return replace(tags, good=(*older, model)[-KEPT_GOOD:])


def step_back(observed: Observed, pinned: ModelRef | None, reason: str, to: str | None = None, place: str = "") -> Tags:
    """The tags with which a rollback by hand begins: what served before is the last good one again.

    A release that is under way is what goes back; a rollback that was begun, by itself or by hand, is
    only finished. Otherwise the last good model is rejected, which makes the one before it the last good.
    With `to`, a version that served here, all that came after it is rejected: said again, nothing changes.
    `place` is what a fault names.

    Raises:
        Fault: nothing served before, or not that version.
    """
    tags = observed.tags
    digests = {d.model.digest for d in observed.deployments} | ({pinned.digest} if pinned else set())
    begun = not digests.isdisjoint(tags.rejected)
    under_way = [d.model for d in observed.deployments if _under_way(d, observed, pinned)]
    for model in under_way:
        tags = reject(tags, model, reason)
    if to is not None:
        return _back_to(tags, to, reason)
    if begun or under_way:
        return tags
    if len(tags.good) < 2:
        raise invalid("nothing served here before", place, "pin the version that shall be served, then release it")
    return reject(tags, tags.good[-1], reason)


def _back_to(tags: Tags, version: str, reason: str) -> Tags:
    versions = [model.version for model in tags.good]
    if version not in versions:
        served = ", ".join(versions) or "none"
        raise invalid(f"version {version} has not served here", "--to", f"versions that have: {served}")
    for model in tags.good[versions.index(version) + 1 :]:
        tags = reject(tags, model, reason)
    return tags


def deployment_name(model: ModelRef, taken: frozenset[str] = frozenset()) -> str:
    """A name that says which bytes it serves: v<version>-<digest's beginning>, with a number where that is taken.

    Azure's rule: 3 to 32 letters, digits and single hyphens, beginning with a letter.
    """
    stem = f"v{model.version}-{model.digest[:8]}"
    names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    return next(name for name in names if name not in taken)


def _pardon(tags: Tags, model: ModelRef) -> Tags:
    return replace(tags, rejected={digest: why for digest, why in tags.rejected.items() if digest != model.digest})


def _start(observed: Observed) -> tuple[Action, ...]:
    if not observed.exists:
        return (CreateEndpoint(),)
    return () if observed.running else (StartEndpoint(),)


def _serve_nothing(observed: Observed) -> tuple[Action, ...]:
    """Nothing was ever good here, so there is nothing to go back to; the pin stays, and names what was rejected."""
    bad = [d for d in observed.deployments if d.model.digest in observed.tags.rejected]
    clear = (SetMirror({}),) if any(d.name in observed.mirror for d in bad) else ()
    served = any(observed.traffic.get(d.name) for d in bad)
    off = (SetTraffic({}, dict(observed.traffic)),) if served else ()
    return (*_start(observed), *clear, *off, *(DeleteDeployment(d.name) for d in bad)) if bad else ()


def _switch(model: ModelRef, observed: Observed) -> tuple[str, tuple[Action, ...]]:
    """To a model that has been good here: no steps, since it has had all the traffic before."""
    target, made = _deployment_of(model, observed)
    check = () if observed.traffic.get(target) else (Smoke(target, model),)
    mirror = (SetMirror({}),) if observed.mirror else ()
    moved = dict(observed.traffic) != {target: 100}
    move = (SetTraffic({target: 100}, dict(observed.traffic)),) if moved else ()
    return target, (*made, *check, *mirror, *move)


def _roll_out(wanted: Wanted, observed: Observed) -> tuple[str, tuple[Action, ...]]:
    """Create, smoke, mirror, then step by step; from wherever an earlier release was interrupted."""
    target, made = _deployment_of(wanted.model, observed)
    stable = _stable(observed, target)
    tags, adopted = _adopt(observed.tags, stable)
    weight = observed.traffic.get(target, 0)
    traffic, tidied = _tidy(observed.traffic, target, stable)
    leave_mirror = (SetMirror({}),) if observed.mirror else ()
    smoke = Smoke(target, wanted.model)
    mirrored = leave_mirror if weight or stable is None else _mirror(wanted.policy, observed, target, stable.name)
    steps = _steps(wanted.policy, traffic, target, stable.name if stable else None)
    record = WriteTags(accept(tags, wanted.model), target)
    return target, (*adopted, *tidied, *made, smoke, *mirrored, *steps, record)


def _adopt(tags: Tags, stable: Deployment | None) -> tuple[Tags, tuple[Action, ...]]:
    """What serves already is what a rollback goes to, also where no release of ours has put it there."""
    if stable is None or tags.last_good is not None:
        return tags, ()
    tags = accept(tags, stable.model)
    return tags, (WriteTags(tags),)


def _tidy(
    traffic: Mapping[str, int], target: str, stable: Deployment | None
) -> tuple[Mapping[str, int], tuple[Action, ...]]:
    """What is not the candidate's is the stable side's.

    It goes elsewhere where a candidate was given up, a deployment is dead, or somebody's hand was here.
    """
    if stable is None:
        return traffic, ()
    weight = traffic.get(target, 0)
    tidy = {name: percent for name, percent in {target: weight, stable.name: 100 - weight}.items() if percent}
    if dict(traffic) == tidy:
        return traffic, ()
    fresh = stable.name in tidy and stable.name not in traffic
    check = (Smoke(stable.name, stable.model),) if fresh else ()
    return tidy, (*check, SetTraffic(tidy, dict(traffic)))


def _mirror(policy: Policy, observed: Observed, target: str, stable: str) -> tuple[Action, ...]:
    if not policy.mirror:
        return (SetMirror({}),) if observed.mirror else ()
    end_other = (SetMirror({}),) if set(observed.mirror) - {target} else ()
    begin = () if dict(observed.mirror) == {target: policy.mirror} else (SetMirror({target: policy.mirror}),)
    return (*end_other, *begin, Watch(target, stable, "mirror"), SetMirror({}))


def _steps(policy: Policy, traffic: Mapping[str, int], target: str, stable: str | None) -> tuple[Action, ...]:
    """The steps from the present weight on; the present one is watched again, for nobody knows how far that got."""
    weight = traffic.get(target, 0)
    weights = [step for step in (policy.steps if stable else [100]) if step > weight]
    actions: list[Action] = [Watch(target, stable, "bake" if weight == 100 else "step")] if weight else []
    now = dict(traffic)
    for step in weights:
        wanted = {target: step} if step == 100 or stable is None else {target: step, stable: 100 - step}
        actions += [SetTraffic(wanted, now), Watch(target, stable, "bake" if step == 100 else "step")]
        now = wanted
    return tuple(actions)


def _deployment_of(model: ModelRef, observed: Observed) -> tuple[str, tuple[Action, ...]]:
    """The deployment that serves the model, with what makes it where there is none that can."""
    able = [d for d in observed.deployments if d.model.digest == model.digest and _able(d, observed)]
    able.sort(key=lambda d: observed.traffic.get(d.name, 0), reverse=True)
    if able:
        unfinished = (CreateDeployment(able[0].name, model),) if able[0].state == "creating" else ()
        return able[0].name, unfinished
    name = deployment_name(model, frozenset(d.name for d in observed.deployments))
    return name, (CreateDeployment(name, model),)


def _able(deployment: Deployment, observed: Observed) -> bool:
    # An endpoint that is down shows all its deployments as unhealthy; starting it starts them.
    return deployment.state in ("ready", "creating") or (not observed.running and deployment.state != "failed")


def _stable(observed: Observed, target: str) -> Deployment | None:
    """Which side serves now is read from the endpoint: healthy first, then last good, then the larger share.

    A candidate that was given up serves, and is no side to go on from; where nothing was ever good here,
    whatever serves is.
    """
    tags, others = observed.tags, [d for d in observed.deployments if d.name != target and _able(d, observed)]
    others = [d for d in others if observed.traffic.get(d.name) or _is(d, tags.last_good)]
    others = [d for d in others if (not tags.good and d.model.digest not in tags.rejected) or _was_good(d, tags)]
    return max(others, key=lambda d: (_is(d, tags.last_good), observed.traffic.get(d.name, 0)), default=None)


def _was_good(deployment: Deployment, tags: Tags) -> bool:
    return tags.has_released(deployment.model.digest)


def _is(deployment: Deployment, model: ModelRef | None) -> bool:
    return model is not None and deployment.model.digest == model.digest


def _under_way(deployment: Deployment, observed: Observed, pinned: ModelRef | None) -> bool:
    """Whether it is the candidate of a release that has not ended."""
    tags, digest = observed.tags, deployment.model.digest
    if _is(deployment, tags.last_good) or digest in tags.rejected:
        return False
    return _is(deployment, pinned) or (observed.carries(deployment.name) and not tags.has_released(digest))


def _sweep(target: str, observed: Observed) -> tuple[Action, ...]:
    return tuple(DeleteDeployment(d.name) for d in observed.deployments if d.name != target)
