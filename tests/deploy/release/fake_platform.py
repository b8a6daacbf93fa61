"""A platform in memory that fails where it is told to, and holds every promise against every write."""

import contextlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy.platforms.protocol import DeploymentFailed, Reply
from deploy.release.analysis import Live
from deploy.release.plan import Wanted, plan
from deploy.release.policy import Policy, Watch
from deploy.release.release import Clock, release, roll_back
from deploy.release.state import Deployment, ModelRef, Observed, Tags
from ml.fault import Fault

ENDPOINT = "delay"
LOOK = Watch(seconds=1, requests=50, deadline_seconds=5)
PROD = Policy(mirror=20, steps=[10, 50, 100], watch=LOOK, bake=LOOK)
DEV = Policy(steps=[100], watch=LOOK, bake=LOOK)
WELL = Live(requests=100, latency_p95_ms=5.0, predictions=100, mean=1.0, std=1.0, distinct=True)
BAD = {
    "fails": replace(WELL, failures=20),
    "is slow": replace(WELL, latency_p95_ms=900.0),
    "says NaN": replace(WELL, unsound=3),
    "is dead": replace(WELL, failures=100, predictions=0),
    "is silent": None,
}


class Crash(BaseException):
    """The process that releases is gone."""


def model(number: int) -> ModelRef:
    return ModelRef("delay", str(number), f"{number:064x}"[::-1])


@dataclass(frozen=True)
class Behaviour:
    """What the model of a digest does: how it is made, how it answers, and from which phase on it is bad."""

    made: str = "ready"  # fails, hangs (and is ready later)
    smoke: str = "right"  # 500, NaN, old
    bad: str = ""  # a key of BAD
    since: str = "mirror"  # mirror, step, bake


@dataclass
class Made:
    model: ModelRef
    state: str = "ready"
    smoked: bool = False


@dataclass
class FakePlatform:
    """Calls are numbered; `faults` says what goes wrong at which: a word, or a function of the platform."""

    folder: Path
    policy: Policy = PROD
    exists: bool = True
    running: bool = True
    made: dict = field(default_factory=dict)
    traffic: dict = field(default_factory=dict)
    mirror: dict = field(default_factory=dict)
    tags: Tags = field(default_factory=Tags)
    pin: ModelRef | None = None
    behaviours: dict = field(default_factory=dict)
    metrics: str = "both sides"
    faults: dict = field(default_factory=dict)
    stalls: int = 0  # so many looks, from the first on, see the whole machine stand still
    lost: tuple = ()  # deployments that do not come up again when the endpoint is started
    calls: int = 0
    writes: list = field(default_factory=list)
    clock_now: float = 0.0
    held: bool = False
    undoing: bool = False
    name: str = "fake"
    stack: str = "prod"

    # what a test does with it

    def release(self, retry: bool = False):
        self.undoing = False
        wanted = Wanted(self.pin, self.policy)
        clock = Clock(lambda: self.clock_now, self._sleep)
        return release(self, ENDPOINT, wanted, retry, lambda _: None, self._repin, clock)

    def roll_back(self, to=None):
        self.undoing = True
        clock = Clock(lambda: self.clock_now, self._sleep)
        return roll_back(self, ENDPOINT, self.policy, self.pin, "by hand", lambda _: None, self._repin, clock, to)

    def plan(self, retry: bool = False):
        return plan(Wanted(self.pin, self.policy), self._observed(), retry)

    def serving(self, number: int, name: str = "blue") -> "FakePlatform":
        """The endpoint as an earlier release left it."""
        self.made[name] = Made(model(number), smoked=True)
        self.traffic = {name: 100}
        self.tags = Tags((*self.tags.good, model(number)), self.tags.rejected)
        self.pin = model(number)
        return self

    def served(self) -> dict[str, int]:
        """Percent by the version that gets it."""
        return {self.made[name].model.version: percent for name, percent in self.traffic.items()}

    def end(self):
        """What must be the same however often it was interrupted; a deployment's name is not part of it."""
        states = sorted((made.model.version, made.state) for made in self.made.values())
        return self.served(), states, dict(self.mirror), self.tags.good, sorted(self.tags.rejected), self.pin

    def mend(self) -> None:
        """Whatever was broken by a fault works again."""
        self.faults.clear()
        self.running = self.running or self.exists
        self.held = False
        for made in self.made.values():
            made.state = "ready" if made.state == "unhealthy" else made.state

    # the platform's verbs, as a release uses them

    @contextlib.contextmanager
    def lock(self, endpoint):
        self._call("lock", lambda: None)
        if self.held:
            raise Fault("another release is under way")
        self.held = True
        try:
            yield
        finally:
            self.held = False  # the kernel lets go of it when the process dies

    def observe(self, endpoint):
        return self._call("observe", self._observed)

    def fetch(self, wanted):
        folder = self.folder / wanted.version
        folder.mkdir(exist_ok=True)
        kept = {"input_data": {}, "answers": [float(wanted.version)]}
        (folder / "smoke.json").write_text(json.dumps(kept))
        return self._call("fetch", lambda: folder)

    def create_endpoint(self, endpoint):
        def act():
            self.exists = self.running = True
            for name in self.lost:
                self.made[name].state = "failed"

        self._write("create endpoint", act)

    def create_deployment(self, endpoint, name, wanted):
        def act():
            behaviour = self._behaviour(wanted)
            there = self.made.get(name)
            assert there is None or there.state == "creating", f"{name} was updated in place"
            self.made[name] = Made(wanted, {"fails": "failed", "hangs": "creating"}.get(behaviour.made, "ready"))
            if there is not None and behaviour.made == "hangs":
                self.made[name].state = "ready"

        self._write(f"create {name}", act)
        if self.made[name].state == "failed":
            raise DeploymentFailed(f"{name} does not start")
        if self.made[name].state == "creating":
            raise Fault("timed out")

    def delete_deployment(self, endpoint, name):
        assert not self.traffic.get(name), f"{name} was deleted with live traffic"
        assert not self.mirror.get(name), f"{name} was deleted with mirrored traffic"
        self._write(f"delete {name}", lambda: self.made.pop(name, None))

    def set_traffic(self, endpoint, traffic):
        self._check_traffic(traffic)
        self._write(f"traffic {traffic}", lambda: setattr(self, "traffic", dict(traffic)))

    def set_mirror(self, endpoint, mirror):
        assert len(mirror) <= 1
        assert all(0 < percent <= 50 for percent in mirror.values())
        if any(self.traffic.get(name) or self.made[name].state != "ready" for name in mirror):
            raise Fault("a deployment is live or mirrored, and is ready for it", remedy="the service refuses")
        self._write(f"mirror {mirror}", lambda: setattr(self, "mirror", dict(mirror)))

    def write_tags(self, endpoint, tags):
        self._check_tags(tags)
        self._write("tags", lambda: setattr(self, "tags", tags))

    def invoke(self, endpoint, body, deployment=None, seconds=70.0):
        def act():
            made = self.made[deployment]
            behaviour = self._behaviour(made.model)
            if made.state != "ready" or behaviour.smoke == "500":
                return Reply(503, {}, b"")
            right = behaviour.smoke == "right"
            made.smoked = made.smoked or right
            answer = made.model.version if right else {"NaN": "NaN", "old": "0.25"}[behaviour.smoke]
            return Reply(200, {}, f"[{answer}]".encode())

        return self._call("invoke", act)

    def live(self, endpoint, since):
        stalled, self.stalls = self.stalls > 0, max(0, self.stalls - 1)
        seen = {n: live for n in self.made if (live := self._live(n)) is not None}
        if stalled:
            seen = {n: replace(live, latency_p95_ms=900.0) for n, live in seen.items()}
        return self._call("live", lambda: seen)

    def now(self):
        return self.clock_now

    @contextlib.contextmanager
    def requests(self, endpoint, wanted):
        self._call("requests", lambda: None)
        yield

    # how it works

    def _repin(self, wanted):
        if self.pin != wanted:
            self._write("pin", lambda: setattr(self, "pin", wanted))

    def _sleep(self, seconds):
        self.clock_now += seconds + 0.4

    def _behaviour(self, wanted) -> Behaviour:
        return self.behaviours.get(wanted.version, Behaviour())

    def _observed(self) -> Observed:
        state = {True: lambda made: made.state, False: lambda made: "unhealthy"}[self.running]
        deployments = tuple(Deployment(name, made.model, state(made)) for name, made in self.made.items())
        running = self.running and self.exists
        return Observed(self.exists, running, deployments, dict(self.traffic), dict(self.mirror), self.tags)

    def _live(self, name) -> Live | None:
        made, weight = self.made[name], self.traffic.get(name, 0)
        is_candidate = made.model == self.pin
        if self.metrics == "empty" or self.metrics == ("stable only" if is_candidate else "candidate only"):
            return None
        if not weight and name not in self.mirror:
            return None
        if made.state != "ready":
            return BAD["is dead"]
        behaviour = self._behaviour(made.model)
        phase = 0 if not weight else 1 if weight < 100 else 2
        if behaviour.bad and phase >= ["mirror", "step", "bake"].index(behaviour.since):
            return BAD[behaviour.bad]
        return WELL

    def _call(self, what, act, writes=False):
        number, self.calls = self.calls, self.calls + 1
        fault = self.faults.pop(number, None)
        if callable(fault) and not writes:  # what happens between a read and its write nobody can see
            fault(self)
        if fault == "crash before":
            raise Crash(what)
        if not self.running and what in ("invoke", "live", "requests"):
            raise Fault("the endpoint is down", remedy="release")
        result = act()
        if fault == "crash after":
            raise Crash(what)
        if fault == "lost":
            raise Fault(f"the answer to {what} was lost")
        return result

    def _write(self, what, act):
        assert self.held, f"{what} without the lock"
        if not self.running and what not in ("create endpoint", "pin"):
            raise Fault("the endpoint is down", remedy="release")
        before = (self.end(), self.tags, self.traffic)

        def and_note():
            act()
            if (self.end(), self.tags, self.traffic) != before or what.startswith("create"):
                self.writes.append(what)

        self._call(what, and_note, writes=True)

    def _check_traffic(self, traffic):
        assert all(type(percent) is int and percent > 0 for percent in traffic.values())
        assert sum(traffic.values()) == 100 or (not traffic and self.tags.last_good is None), traffic
        rejected, good = self.tags.rejected, self.tags.last_good
        for name, percent in traffic.items():
            made, before = self.made[name], self.traffic.get(name, 0)
            assert made.state == "ready", f"{name} is {made.state} and got traffic"
            assert made.smoked or before >= percent, f"{name} was not asked before it got traffic"
            if percent > before and made.model != good:
                alone = not any(other != name and self.made[other].state == "ready" for other in self.traffic)
                assert made.model == self.pin, f"{name} is neither wanted nor the last good one"
                assert made.model.digest not in rejected, f"{name} was rejected here"
                assert percent in self.policy.steps or (alone and percent == 100), f"{percent} is no step"
        for name, before in self.traffic.items():
            wanted = self.made[name].model == self.pin != good and self.made[name].state == "ready"
            shrinks = wanted and traffic.get(name, 0) < before
            assert not shrinks or self.pin.digest in rejected or self.undoing, "only a rollback takes traffic away"

    def _check_tags(self, tags):
        assert not {good.digest for good in tags.good} & set(tags.rejected)
        assert len({good.digest for good in tags.good}) == len(tags.good)
        for fresh in set(tags.good) - set(self.tags.good):
            shares = [self.traffic.get(name, 0) for name, made in self.made.items() if made.model == fresh]
            assert any(shares), f"{fresh} never served"
            if fresh == self.pin:
                assert max(shares) == 100, f"{fresh} was not released to its end"
                assert not self._behaviour(fresh).bad, f"{fresh} was not looked at"
                assert self.metrics != "empty", "no data was a pass"
                assert self.metrics != "stable only", "no data was a pass"
