"""Carries a release plan out: one action after the other, and back where the candidate is worse."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from deploy.exit_codes import INTERRUPTED
from deploy.platforms.protocol import DeploymentFailed, Platform
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
    sentence,
    shares,
)
from deploy.release.analysis import Finding, Live, examine
from deploy.release.plan import Wanted, plan, reject, restore, step_back
from deploy.release.policy import Policy
from deploy.release.smoke import check_answer, load_expected
from deploy.release.state import Deployment, ModelRef, Observed, Tags
from ml.fault import Fault

Result = Literal["released", "unchanged", "rolled_back", "refused", "waiting"]
LOOK_EVERY_SECONDS = 0.1
SMOKE_SECONDS = 15.0  # a model that takes longer for its few rows hangs


@dataclass(frozen=True)
class Event:
    """One thing that happened in a release.

    Attributes:
        at: seconds since the release began.
        traffic: percent by deployment after it.
        live: by deployment, the numbers it was judged on, where it was a watch.
    """

    at: float
    what: str
    traffic: dict[str, int]
    live: dict[str, Live]


@dataclass(frozen=True)
class Outcome:
    """How a release ended, with its reason and its story."""

    result: Result
    reason: str
    events: tuple[Event, ...]


Told = Callable[[Event], None]
Repin = Callable[[ModelRef], None]
Approved = Callable[[Observed], None]


@dataclass(frozen=True)
class Clock:
    """How time passes: seconds that never go back, and how some are waited for."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


CLOCK = Clock()


class Failed(Exception):
    """The candidate is worse, or does not work at all: the release goes back."""


class Unsure(Exception):
    """There is not enough to judge by: the release waits for a person."""


def release(
    platform: Platform, endpoint: str, wanted: Wanted, retry: bool, told: Told, repin: Repin, clock: Clock = CLOCK,
    approved: Approved | None = None,
) -> Outcome:  # fmt: skip
    """Brings the endpoint to what is wanted, or back to what it served, and the pin with it.

    Run again after any interruption it ends in the same state; run when all is done it writes nothing.

    `approved` refuses, under the lock and before anything is written, an endpoint that nobody approved it for.

    Raises:
        Fault: the platform fails, another release holds the endpoint, or somebody changed it meanwhile.
    """
    with platform.lock(endpoint):
        if approved is not None:
            approved(platform.observe(endpoint))
        return _Execution(platform, endpoint, wanted.policy, told, repin, clock).release(wanted.model, retry)


def roll_back(
    platform: Platform, endpoint: str, policy: Policy, pinned: ModelRef | None, reason: str,
    told: Told, repin: Repin, clock: Clock = CLOCK, to: str | None = None,
) -> Outcome:  # fmt: skip
    """Brings back what the endpoint served before, made anew from the registry where it is gone, and its pin.

    With `to` it is that version, and the same command again changes nothing: for workflows, which are run again.

    A release that is half-way ends. The tags are written first, so that after a crash the same command
    goes on rather than one further back.

    Raises:
        Fault: nothing served before, or not that version.
    """
    with platform.lock(endpoint):
        return _Execution(platform, endpoint, policy, told, repin, clock).roll_back(pinned, reason, to)


class _Execution:
    """One release under way."""

    def __init__(
        self, platform: Platform, endpoint: str, policy: Policy, told: Told, repin: Repin, clock: Clock
    ) -> None:
        self.platform, self.endpoint, self.policy = platform, endpoint, policy
        self.told, self.repin, self.clock = told, repin, clock
        self.began = clock.now()
        self.events: list[Event] = []
        self.candidate: ModelRef | None = None

    def release(self, model: ModelRef, retry: bool) -> Outcome:
        self.candidate = model
        wanted = Wanted(model, self.policy)
        the_plan = plan(wanted, self._observe(), retry)
        if the_plan.starts:
            self._all(the_plan.actions[:1])
            the_plan = plan(wanted, self._observe(), retry)
        if the_plan.refused is not None:
            self._restore()
            return self._end("rolled_back" if self.events else "refused", f"rejected here: {the_plan.refused}")
        try:
            self._all(the_plan.actions)
        except Failed as failure:
            return self._go_back(model, str(failure))
        except Unsure as unsure:
            return self._end("waiting", str(unsure))
        return self._end("released" if self.events else "unchanged", "")

    def roll_back(self, pinned: ModelRef | None, reason: str, to: str | None) -> Outcome:
        observed = self._observe()
        tags = step_back(observed, pinned, reason, to, f"{self.platform.stack} {self.endpoint}")
        if not observed.running:
            self._all((StartEndpoint(),))
        if tags != observed.tags:
            self._all((WriteTags(tags),))
        self._restore()
        if tags.last_good is not None:
            self.repin(tags.last_good)
        changed = self.events or pinned != tags.last_good
        return self._end("rolled_back" if changed else "unchanged", reason)

    def _go_back(self, candidate: ModelRef, reason: str) -> Outcome:
        """The rejection is written before traffic moves, so that a crash from here on ends in the rollback."""
        tags = self._observe().tags
        if tags.last_good is not None and tags.last_good.digest == candidate.digest:
            raise Fault(f"the last good model does not serve: {reason}", self.endpoint, f"{self._look}, then retry")
        self.platform.write_tags(self.endpoint, reject(tags, candidate, reason))
        self._tell(f"rejected: {reason}", {})
        self._restore()
        return self._end("rolled_back", reason)

    @property
    def _look(self) -> str:
        """Where a person sees why a model does not serve."""
        platform = self.platform
        return f"see `mlops logs {self.endpoint} --stack {platform.stack} --platform {platform.name}`"

    def _restore(self) -> None:
        try:
            self._all(restore(self._observe()))
        except Failed as failure:
            raise Fault(f"the rollback failed: {failure}", self.endpoint, "the same command goes on") from None

    def _all(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            live = self._perform(action)
            self._tell(sentence(action), live)

    def _perform(self, action: Action) -> dict[str, Live]:  # noqa: C901 - one line for each of the ten actions
        platform, endpoint = self.platform, self.endpoint
        match action:
            case CreateEndpoint() | StartEndpoint():
                if moved := platform.create_endpoint(endpoint):
                    self._tell(moved, {})
            case CreateDeployment(name, model):
                self._create(name, model)
            case Smoke(name, model):
                self._smoke(name, model)
            case SetMirror(mirror):
                platform.set_mirror(endpoint, mirror)
            case SetTraffic(traffic, before):
                self._move(traffic, before)
            case WriteTags(tags, serving):
                self._record(tags, serving)
            case PinBack(model):
                self.repin(model)
            case DeleteDeployment(name):
                self._delete(name)
            case Watch():
                return self._watch(action)
        return {}

    def _create(self, name: str, model: ModelRef) -> None:
        try:
            self.platform.create_deployment(self.endpoint, name, model)
        except DeploymentFailed as failure:
            raise Failed(str(failure)) from None

    def _smoke(self, name: str, model: ModelRef) -> None:
        expected = load_expected(self.platform.fetch(model))
        reply = self.platform.invoke(self.endpoint, expected.body, name, SMOKE_SECONDS)
        fault = check_answer(expected, reply.status, reply.body)
        if fault is None:
            return
        if model == self.candidate:
            raise Failed(f"smoke test of {name}: {fault}")
        raise Fault(f"smoke test of {name}, which was good before: {fault}", self.endpoint, self._look)

    def _move(self, traffic: Mapping[str, int], before: Mapping[str, int]) -> None:
        """Only from the state that the plan was made on, and only to deployments that are ready."""
        observed = self._observe()
        if not observed.running:
            raise Fault("the endpoint is down", self.endpoint, "the same command goes on", INTERRUPTED)
        self._expect(before, observed.traffic)
        for name in traffic:
            deployment = observed.deployment(name)
            if deployment is None or deployment.state != "ready":
                raise self._unready(name, deployment)
        self.platform.set_traffic(self.endpoint, traffic)

    def _unready(self, name: str, deployment: Deployment | None) -> Exception:
        """That the other side ended, or that somebody deleted one, is no fault of the candidate."""
        state = "absent" if deployment is None else deployment.state
        if deployment and self.candidate and deployment.model.digest == self.candidate.digest:
            return Failed(f"{name} is {state} and gets no traffic")
        return Fault(f"{name} is {state} and gets no traffic", self.endpoint, "the same command goes on", INTERRUPTED)

    def _expect(self, before: Mapping[str, int], now: Mapping[str, int]) -> None:
        if dict(now) == dict(before):
            return
        was, found = (shares(traffic) or "none" for traffic in (before, now))
        message = f"somebody changed the traffic: it was {was}, now it is {found}"
        raise Fault(message, self.endpoint, "the same command goes on from there", INTERRUPTED)

    def _record(self, tags: Tags, serving: str | None) -> None:
        if serving is not None:
            self._expect({serving: 100}, self._observe().traffic)
        self.platform.write_tags(self.endpoint, tags)

    def _delete(self, name: str) -> None:
        # Read again right before: the service itself deletes a deployment that carries traffic.
        if self._observe().carries(name):
            message = f"{name} carries traffic and is not deleted"
            raise Fault(message, self.endpoint, "the same command goes on", INTERRUPTED)
        self.platform.delete_deployment(self.endpoint, name)

    def _watch(self, watch: Watch) -> dict[str, Live]:
        """Looks until all is well for long enough; no data by the deadline is a person's to judge."""
        policy = self.policy.bake if watch.phase == "bake" else self.policy.watch
        assert self.candidate is not None
        before = self._observe().traffic
        since, began, doubted = self.platform.now(), self.clock.now(), False
        with self.platform.requests(self.endpoint, self.candidate):
            while True:
                self.clock.sleep(LOOK_EVERY_SECONDS)
                live = dict(self.platform.live(self.endpoint, since))
                seen = self._examine(live, watch, policy.requests)
                passed = self.clock.now() - began
                late = passed >= policy.deadline_seconds
                if seen.state == "slow" and not (doubted or late):
                    # A busy machine is slow too, for a moment: once more, with nothing of that moment in it.
                    since, doubted = self.platform.now(), True
                    continue
                if seen.state in ("worse", "slow"):
                    self._tell(f"{watch.deployment} is worse: {seen.reason}", live)
                    raise Failed(seen.reason)
                if seen.state == "well" and passed >= policy.seconds:
                    return live
                if late and doubted:
                    raise Failed(f"slow, and not seen to be faster by the deadline: {seen.reason}")
                if late:
                    self._expect(before, self._observe().traffic)
                    raise Unsure(f"{watch.deployment} after {passed:.0f} s: {seen.reason}")

    def _examine(self, live: Mapping[str, Live], watch: Watch, requests: int) -> Finding:
        # In the bake the other side is asked nothing any more, and only the absolute limits hold.
        alone = watch.stable is None or watch.phase == "bake"
        beside = None if alone else live.get(str(watch.stable), Live())
        return examine(live.get(watch.deployment), beside, requests, self.policy.limits)

    def _observe(self) -> Observed:
        return self.platform.observe(self.endpoint)

    def _tell(self, what: str, live: dict[str, Live]) -> None:
        event = Event(self.clock.now() - self.began, what, dict(self._observe().traffic), live)
        self.events.append(event)
        self.told(event)

    def _end(self, result: Result, reason: str) -> Outcome:
        return Outcome(result, reason, tuple(self.events))
