"""Any sequence of releases, rollbacks, crashes, hands and deaths keeps the promises, and ends well."""

import contextlib
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ml.fault import Fault
from tests.deploy.release.fake_platform import BAD, DEV, PROD, Behaviour, Crash, FakePlatform, model

VERSIONS = range(1, 5)
GOOD = Behaviour()
BEHAVIOURS = st.one_of(
    st.just(GOOD),
    st.builds(Behaviour, made=st.sampled_from(["ready", "fails", "hangs"])),
    st.builds(Behaviour, smoke=st.sampled_from(["right", "500", "NaN", "old"])),
    st.builds(Behaviour, bad=st.sampled_from(sorted(BAD)), since=st.sampled_from(["mirror", "step", "bake"])),
)
BREAKS = st.one_of(
    st.just({}),
    st.dictionaries(
        st.integers(0, 60), st.sampled_from(["crash before", "crash after", "lost"]), min_size=1, max_size=1
    ),
)


class Releases(RuleBasedStateMachine):
    """The promises themselves are asserted inside the platform, at every write."""

    @initialize(policy=st.sampled_from([PROD, DEV]), second=BEHAVIOURS, third=BEHAVIOURS, begun=st.booleans())
    def begin(self, policy, second, third, begun):
        self.folder = tempfile.TemporaryDirectory()
        self.fake = FakePlatform(Path(self.folder.name), policy=policy, exists=begun, running=begun)
        self.fake.behaviours = {"2": second, "3": third}
        if begun:
            self.fake.serving(1)
        self.fake.pin = model(1)

    @rule(number=st.sampled_from(VERSIONS))
    def pin(self, number):
        self.fake.pin = model(number)

    @rule(faults=BREAKS, retry=st.booleans())
    def release(self, faults, retry):
        self._run(faults, lambda: self.fake.release(retry))

    @precondition(lambda self: len(self.fake.made) > 1 or len(self.fake.tags.good) > 1)
    @rule(faults=BREAKS)
    def roll_back(self, faults):
        self._run(faults, self.fake.roll_back)

    @precondition(lambda self: self.fake.made)
    @rule(data=st.data())
    def one_dies(self, data):
        made = self.fake.made[data.draw(st.sampled_from(sorted(self.fake.made)))]
        made.state = "unhealthy" if made.state == "ready" else made.state

    @rule()
    def all_recover(self):
        self.fake.mend()

    @precondition(lambda self: self.fake.exists)
    @rule()
    def the_endpoint_dies(self):
        self.fake.running = False

    @precondition(lambda self: self._able())
    @rule(data=st.data(), share=st.sampled_from([100, 70, 10]))
    def a_hand_moves_traffic(self, data, share):
        one, other = (data.draw(st.sampled_from(self._able())) for _ in range(2))
        self.fake.mirror = {}
        self.fake.traffic = {one: 100} if one == other or share == 100 else {one: share, other: 100 - share}

    @precondition(lambda self: len(self.fake.made) > 1)
    @rule(data=st.data())
    def a_hand_deletes_one(self, data):
        idle = [name for name in self.fake.made if not self.fake.traffic.get(name) and name not in self.fake.mirror]
        if idle:
            del self.fake.made[data.draw(st.sampled_from(sorted(idle)))]

    @rule(metrics=st.sampled_from(["both sides", "both sides", "empty", "candidate only", "stable only"]))
    def the_metrics_change(self, metrics):
        self.fake.metrics = metrics

    @invariant()
    def traffic_is_whole(self):
        fake = getattr(self, "fake", None)
        if fake is not None:
            assert sum(fake.traffic.values()) in (0, 100)
            assert set(fake.traffic) | set(fake.mirror) <= set(fake.made)

    def teardown(self):
        if not hasattr(self, "fake"):
            return
        fake = self.fake
        fake.mend()
        fake.metrics = "both sides"
        for _ in range(4):
            with contextlib.suppress(Fault):  # a deployment that hangs is taken up by the next one
                result = fake.release().result
        fake.writes.clear()
        assert fake.release().result == result
        assert result in ("unchanged", "refused", "waiting")
        if result != "waiting":
            assert fake.writes == []
            assert fake.plan().actions == ()
        if result == "unchanged":
            assert fake.served() == {fake.pin.version: 100}
            assert len(fake.made) == 1
        self.folder.cleanup()

    def _able(self):
        """Deployments that a person would give traffic to by hand."""
        fine = (n for n, made in self.fake.made.items() if made.state == "ready" and made.smoked)
        return sorted(name for name in fine if self.fake.made[name].model.digest not in self.fake.tags.rejected)

    def _run(self, faults, command):
        self.fake.calls, self.fake.faults = 0, dict(faults)
        with contextlib.suppress(Crash, Fault):
            command()
        self.fake.faults.clear()


TestReleases = Releases.TestCase
TestReleases.settings = settings(max_examples=120, stateful_step_count=25, deadline=None)
