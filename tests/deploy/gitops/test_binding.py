"""What was approved is what is carried out: a plan bound to the endpoint that it was made on."""

import contextlib
import json
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.gitops.binding import Bound, bound_from, bound_json, check_place, still_holds
from deploy.gitops.progress import after, reached
from deploy.release.plan import Wanted, plan
from deploy.release.release import Clock, release
from deploy.release.state import Deployment, Observed, Tags
from ml.fault import Fault
from tests.deploy.release.fake_platform import DEV, ENDPOINT, PROD, Behaviour, Crash, FakePlatform, Made, model


def bind(fake, retry=False):
    return Bound("prod", "delay", "fake", "c" * 40, None, fake.pin, fake._observed(), retry)


def carry_out(fake, bound, wanted):
    """A job that releases the plan that was approved."""
    fake.undoing = False
    clock = Clock(lambda: fake.clock_now, fake._sleep)
    approved = partial(still_holds, bound, wanted)
    return release(fake, ENDPOINT, wanted, bound.retry, lambda _: None, fake._repin, clock, approved)


def nothing(fake):
    fake.exists, fake.pin = False, model(1)


def update(fake):
    fake.serving(1).pin = model(2)


def back_to_what_was_good(fake):
    fake.serving(1).serving(2, "green")
    fake.made.pop("blue")
    fake.pin = model(1)


def over_a_given_up_one(fake):
    update(fake)
    fake.made["old"] = Made(model(3), smoked=True)


def adopted(fake):
    update(fake)
    fake.tags = Tags()


SCENARIOS = [nothing, update, back_to_what_was_good, over_a_given_up_one, adopted]


def made(folder, build, policy=PROD):
    folder.mkdir(exist_ok=True)
    fake = FakePlatform(folder, policy)
    build(fake)
    return fake


@pytest.mark.parametrize("policy", [PROD, DEV], ids=["prod", "dev"])
@pytest.mark.parametrize("build", SCENARIOS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("way", ["crash before", "crash after"])
def test_a_rerun_goes_on_from_wherever_the_job_died(tmp_path, build, way, policy):
    whole = made(tmp_path, build, policy)
    wanted = Wanted(whole.pin, policy)
    assert carry_out(whole, bind(whole), wanted).result == "released"
    for call in range(whole.calls):
        fake = made(tmp_path, build, policy)
        bound = bind(fake)
        fake.faults = {call: way}
        with contextlib.suppress(Crash):
            carry_out(fake, bound, wanted)
        fake.mend()
        assert carry_out(fake, bound, wanted).result in ("released", "unchanged"), call
        assert fake.end() == whole.end(), call


def test_a_rerun_of_a_job_that_died_on_the_way_back_only_finishes_going_back(tmp_path):
    def bad(fake):
        update(fake)
        fake.behaviours["2"] = Behaviour(bad="fails", since="step")

    whole = made(tmp_path, bad)
    wanted = Wanted(whole.pin, PROD)
    assert carry_out(whole, bind(whole), wanted).result == "rolled_back"
    for call in range(whole.calls):
        fake = made(tmp_path, bad)
        bound = bind(fake)
        fake.faults = {call: "crash after"}
        with contextlib.suppress(Crash):
            carry_out(fake, bound, wanted)
        fake.mend()
        assert carry_out(fake, bound, wanted).result in ("rolled_back", "refused"), call
        assert fake.served() == {"1": 100}


HANDS = {
    "somebody moved the traffic": lambda o: replace(o, traffic={"blue": 40, "old": 60}),
    "somebody mirrors": lambda o: replace(o, mirror={"old": 10}),
    "somebody made a deployment": lambda o: replace(
        o, deployments=(*o.deployments, Deployment("x", model(9), "ready"))
    ),
    "somebody removed one": lambda o: replace(o, deployments=o.deployments[:1]),
    "another release has ended": lambda o: replace(o, tags=Tags((*o.tags.good, model(7)))),
    "something was rejected": lambda o: replace(o, tags=Tags(o.tags.good, {model(5).digest: "bad"})),
    "it is down": lambda o: replace(o, running=False),
    "the live one is unhealthy": lambda o: replace(
        o, deployments=tuple(replace(d, state="unhealthy" if d.name == "blue" else d.state) for d in o.deployments)
    ),
}


@pytest.mark.parametrize("hand", HANDS.values(), ids=HANDS)
def test_anything_else_wants_a_new_plan(tmp_path, hand):
    fake = made(tmp_path, over_a_given_up_one)
    bound = bind(fake)
    with pytest.raises(Fault) as caught:
        still_holds(bound, Wanted(fake.pin, PROD), hand(fake._observed()))
    assert caught.value.code == 4
    assert "approved" in caught.value.remedy


def test_nothing_is_written_where_the_plan_does_not_hold(tmp_path):
    fake = made(tmp_path, update)
    bound = bind(fake)
    fake.made["x"] = Made(model(9))
    with pytest.raises(Fault, match="does not hold any more"):
        carry_out(fake, bound, Wanted(fake.pin, PROD))
    assert fake.writes == []


def test_another_pin_wants_a_new_plan(tmp_path):
    fake = made(tmp_path, update)
    with pytest.raises(Fault, match="the pin names"):
        still_holds(bind(fake), Wanted(model(3), PROD), fake._observed())


@pytest.mark.parametrize(
    "other", [{"stack": "dev"}, {"problem": "x"}, {"platform": "azure"}, {"commit": "d" * 40}, {"state": "s" * 64}]
)
def test_a_plan_of_another_place_is_refused(tmp_path, other):
    bound = bind(made(tmp_path, update))
    place = {"stack": "prod", "problem": "delay", "platform": "fake", "commit": "c" * 40, "state": None}
    check_place(bound, **place)
    with pytest.raises(Fault, match=next(iter(other))):
        check_place(bound, **{**place, **other})


states = st.sampled_from(["creating", "ready", "unhealthy", "failed"])
deployments = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.tuples(st.integers(1, 4), states), max_size=3
).map(lambda found: tuple(Deployment(n, model(m), s) for n, (m, s) in found.items()))  # fmt: skip


@st.composite
def endpoints(draw):
    listed = draw(deployments)
    names = [d.name for d in listed]
    traffic = {}
    if names:
        share = draw(st.integers(0, 100))
        traffic = {names[0]: share, names[-1]: 100 - share} if len(names) > 1 else {names[0]: 100}
    good = tuple(model(n) for n in draw(st.lists(st.integers(1, 4), unique=True, max_size=3)))
    bad = {model(n).digest: "bad" for n in draw(st.sets(st.integers(1, 4), max_size=2))}
    tags = Tags(tuple(m for m in good if m.digest not in bad), bad)
    return Observed(True, True, listed, {n: p for n, p in traffic.items() if p}, {}, tags)


@given(endpoints(), st.integers(1, 4), st.booleans())
def test_the_binding_is_the_same_after_a_way_through_a_file(observed, number, retry):
    bound = Bound("prod", "delay", "fake", "c" * 40, "s" * 64, model(number), observed, retry)
    assert bound_from(json.loads(json.dumps(bound_json(bound))), "plan.json") == bound


@given(endpoints(), st.integers(1, 4), st.booleans(), st.data())
def test_every_beginning_of_a_plan_is_on_its_way(observed, number, retry, data):
    the_plan = plan(Wanted(model(number), PROD), observed, retry)
    cut = data.draw(st.integers(0, len(the_plan.actions)))
    now = observed
    for action in the_plan.actions[:cut]:
        now = after(now, action)
    assert cut in reached(observed, the_plan.actions, now)


@pytest.mark.parametrize("document", [{}, {"stack": "prod"}, {"observed": []}, "plan"])
def test_what_is_no_plan_is_refused(document):
    with pytest.raises(Fault, match="holds no result of `plan`"):
        bound_from(document, "plan.json")
