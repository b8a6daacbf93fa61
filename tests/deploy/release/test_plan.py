"""The plan for every state that an endpoint can be found in."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.release.actions import sentence, to_json
from deploy.release.plan import KEPT_GOOD, Wanted, accept, deployment_name, plan, reject, step_back
from deploy.release.policy import Policy, Watch
from deploy.release.state import Deployment, ModelRef, Observed, Tags
from ml.fault import Fault

LOOK = Watch(seconds=1, requests=10, deadline_seconds=2)
PROD = Policy(mirror=20, steps=[10, 100], watch=LOOK, bake=LOOK)
DEV = Policy(steps=[100], watch=LOOK, bake=LOOK)
ONE, TWO, THREE = (ModelRef("delay", str(number), f"{number}" * 64) for number in (1, 2, 3))
BLUE, GREEN, PINK = (Deployment(n, m, "ready") for n, m in (("blue", ONE), ("green", TWO), ("pink", THREE)))
GOOD = Tags(good=(ONE,))
NEW = "v2-22222222"


def observed(*deployments, tags=GOOD, running=True, mirror=None, **traffic):
    return Observed(True, running, deployments, traffic, mirror or {}, tags)


def sentences(wanted, seen, policy=PROD, retry=False):
    return [sentence(action) for action in plan(Wanted(wanted, policy), seen, retry).actions]


MADE = f"create deployment {NEW} with {TWO} at 0 %"
RECORD = f"record last good {TWO}, 0 rejected"
FIRST = ["smoke-test {0} by header", "traffic {0} 100 %", "watch {0} (bake)"]
CANARY = ["traffic {0} 10 %, blue 90 %", "watch {0} beside blue (step)"]
SWITCH = ["traffic {0} 100 %", "watch {0} beside blue (bake)", RECORD, "delete deployment blue"]
MIRROR = ["mirror {0} 20 %", "watch {0} beside blue (mirror)", "end mirroring"]


def of(name, *lines):
    return [line.format(name) for line in lines]


STATES = {
    "no endpoint": (
        Observed(False, False), DEV,
        ["create the endpoint", MADE, *of(NEW, *FIRST), RECORD],
    ),
    "an empty endpoint": (
        observed(tags=Tags()), PROD,
        [MADE, *of(NEW, *FIRST), RECORD],
    ),
    "another model serves": (
        observed(BLUE, blue=100), PROD,
        [MADE, *of(NEW, "smoke-test {0} by header", *MIRROR, *CANARY, *SWITCH)],
    ),
    "another model serves in dev": (
        observed(BLUE, blue=100), DEV, [MADE, *of(NEW, "smoke-test {0} by header", *SWITCH)],
    ),
    "being made": (
        observed(BLUE, Deployment(NEW, TWO, "creating"), blue=100), DEV,
        [MADE, *of(NEW, "smoke-test {0} by header", *SWITCH)],
    ),
    "made": (observed(BLUE, GREEN, blue=100), DEV, of("green", "smoke-test {0} by header", *SWITCH)),
    "failed to be made": (
        observed(BLUE, Deployment(NEW, TWO, "failed"), blue=100), DEV,
        [
            f"create deployment {NEW}-2 with {TWO} at 0 %", *of(f"{NEW}-2", "smoke-test {0} by header", *SWITCH),
            f"delete deployment {NEW}",
        ],
    ),
    "mirrored": (
        observed(BLUE, GREEN, mirror={"green": 20}, blue=100), PROD,
        of("green", "smoke-test {0} by header", *MIRROR[1:], *CANARY, *SWITCH),
    ),
    "in its canary": (
        observed(BLUE, GREEN, green=10, blue=90), PROD,
        of("green", "smoke-test {0} by header", CANARY[1], *SWITCH),
    ),
    "at a share that is no step": (
        observed(BLUE, GREEN, green=30, blue=70), PROD,
        of("green", "smoke-test {0} by header", CANARY[1], *SWITCH),
    ),
    "in its bake": (observed(BLUE, GREEN, green=100), PROD, of("green", "smoke-test {0} by header", *SWITCH[1:])),
    "recorded, not swept": (observed(BLUE, GREEN, tags=Tags((ONE, TWO)), green=100), PROD, ["delete deployment blue"]),
    "released": (observed(GREEN, tags=Tags((ONE, TWO)), green=100), PROD, []),
    "released, and down": (observed(GREEN, tags=Tags((TWO,)), running=False, green=100), PROD, ["start the endpoint"]),
    "released, and dead": (
        observed(Deployment("green", TWO, "unhealthy"), tags=Tags((TWO,)), green=100), PROD,
        [MADE, f"smoke-test {NEW} by header", f"traffic {NEW} 100 %", "delete deployment green"],
    ),
    "released, and moved by hand": (
        observed(BLUE, GREEN, tags=Tags((ONE, TWO)), blue=60, green=40), PROD,
        ["traffic green 100 %", "delete deployment blue"],
    ),
    "the other side is dead": (
        observed(Deployment("blue", ONE, "unhealthy"), GREEN, green=10, blue=90), PROD,
        [
            "smoke-test green by header", "watch green (step)", "traffic green 100 %", "watch green (bake)", RECORD,
            "delete deployment blue",
        ],
    ),
    "another candidate was given up": (
        observed(BLUE, PINK, pink=10, blue=90), DEV,
        ["traffic blue 100 %", MADE, *of(NEW, "smoke-test {0} by header", *SWITCH), "delete deployment pink"],
    ),
    "another candidate is mirrored": (
        observed(BLUE, PINK, mirror={"pink": 20}, blue=100), PROD,
        [
            MADE, f"smoke-test {NEW} by header", "end mirroring", *of(NEW, *MIRROR, *CANARY, *SWITCH),
            "delete deployment pink",
        ],
    ),
    "something untagged serves": (
        observed(BLUE, tags=Tags(), blue=100), DEV,
        [f"record last good {ONE}, 0 rejected", MADE, *of(NEW, "smoke-test {0} by header", *SWITCH)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_the_plan_begins_where_the_endpoint_is(state):
    seen, policy, expected = STATES[state]
    assert sentences(TWO, seen, policy) == expected


REJECTED = Tags(good=(ONE,), rejected={TWO.digest: "it was slow"})


def test_a_rejected_digest_is_not_planned():
    refused = plan(Wanted(TWO, PROD), observed(BLUE, tags=REJECTED, blue=100))
    assert (refused.actions, refused.refused) == ((), "it was slow")


def test_the_same_bytes_under_another_version_are_rejected_too():
    renamed = ModelRef("delay", "9", TWO.digest)
    assert plan(Wanted(renamed, PROD), observed(BLUE, tags=REJECTED, blue=100)).refused == "it was slow"


def test_a_rejected_digest_is_planned_when_asked_to_and_forgiven_first():
    planned = sentences(TWO, observed(BLUE, tags=REJECTED, blue=100), DEV, retry=True)
    assert planned[:2] == [f"record last good {ONE}, 0 rejected", MADE]


def test_a_rollback_that_was_begun_is_planned_to_its_end():
    seen = observed(BLUE, GREEN, tags=REJECTED, green=10, blue=90)
    assert sentences(TWO, seen) == ["traffic blue 100 %", f"set the pin back to {ONE}", "delete deployment green"]


def test_a_rollback_makes_anew_what_is_gone():
    assert sentences(TWO, observed(GREEN, tags=REJECTED, green=100)) == [
        f"create deployment v1-11111111 with {ONE} at 0 %",
        "smoke-test v1-11111111 by header",
        "traffic v1-11111111 100 %",
        f"set the pin back to {ONE}",
        "delete deployment green",
    ]


def test_a_rollback_where_nothing_was_ever_good_serves_nothing():
    seen = observed(GREEN, tags=Tags(rejected=REJECTED.rejected), green=100)
    assert sentences(TWO, seen) == ["traffic to nothing", "delete deployment green"]


def test_every_action_has_a_form_in_json():
    every = [
        to_json(action) for seen, policy, _ in STATES.values() for action in plan(Wanted(TWO, policy), seen).actions
    ]
    shown = json.loads(json.dumps(every))
    assert {action["action"] for action in shown} >= {"CreateEndpoint", "SetMirror", "WriteTags", "DeleteDeployment"}
    assert {"action": "DeleteDeployment", "deployment": "blue"} in shown
    traffic = {"action": "SetTraffic", "traffic": {"green": 10, "blue": 90}, "before": {"blue": 100}}
    assert traffic in shown


def test_a_model_that_is_good_again_stands_once():
    assert accept(Tags((ONE, TWO)), ONE).good == (TWO, ONE)


def test_so_many_good_models_are_kept_that_a_tag_can_hold_them():
    tags = Tags()
    for number in range(2 * KEPT_GOOD):
        tags = accept(tags, ModelRef("delay", str(number), f"{number:064}"))
    assert len(tags.good) == KEPT_GOOD
    assert tags.last_good.version == str(2 * KEPT_GOOD - 1)


def test_what_is_rejected_is_good_no_more():
    assert reject(Tags((ONE, TWO)), ONE, "slow") == Tags((TWO,), {ONE.digest: "slow"})


def test_nothing_is_before_the_first():
    with pytest.raises(Fault, match="prod delay: nothing served here before"):
        step_back(observed(BLUE, blue=100), ONE, "by hand", place="prod delay")


def test_a_rollback_leaves_a_deployment_alone_that_a_hand_brought_back():
    seen = observed(BLUE, GREEN, tags=Tags((ONE, TWO)), blue=30, green=70)
    assert step_back(seen, TWO, "by hand") == Tags((ONE,), {TWO.digest: "by hand"})


@given(st.integers(1, 10**9), st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(0, 5))
def test_a_deployment_has_a_name_that_azure_takes(version, digest, taken):
    model, names = ModelRef("delay", str(version), digest), set()
    for _ in range(taken + 1):
        name = deployment_name(model, frozenset(names))
        assert name not in names
        assert 3 <= len(name) <= 32
        assert re.fullmatch(r"[a-z](-?[a-z0-9])*", name)
        names.add(name)


SHARES = st.sampled_from([{}, {"a": 100}, {"b": 100}, {"a": 90, "b": 10}, {"a": 50, "b": 50}, {"b": 30, "c": 70}])
SIDES = st.sampled_from(["ready", "creating", "unhealthy", "failed", None])


@given(SHARES, st.tuples(SIDES, SIDES, SIDES), st.lists(st.sampled_from([ONE, TWO, THREE]), unique=True), st.booleans())
def test_whatever_is_found_the_plan_moves_traffic_from_what_is_there_to_what_is_wanted(shares, states, good, running):
    there = [Deployment(n, m, s) for n, m, s in zip("abc", (ONE, TWO, THREE), states, strict=True) if s or n in shares]
    there = [Deployment(d.name, d.model, d.state or "ready") for d in there]
    actions = plan(Wanted(TWO, PROD), observed(*there, tags=Tags(tuple(good)), running=running, **shares)).actions
    now, names = dict(shares), {d.name for d in there}
    for action in map(to_json, actions):
        names |= {action["deployment"]} if action["action"] == "CreateDeployment" else set()
        if action["action"] == "SetTraffic":
            assert action["before"] == now
            now = action["traffic"]
            assert sum(now.values()) == 100
            assert set(now) <= names
        if action["action"] == "DeleteDeployment":
            assert not now.get(action["deployment"])
            names.remove(action["deployment"])
    assert list(now.values()) == [100]
    assert names == set(now)
