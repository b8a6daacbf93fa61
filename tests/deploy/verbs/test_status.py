"""Whether pin and endpoint agree, and why not; logs and the end of the endpoints."""

import json

import pytest

from deploy.release.plan import Wanted, plan
from deploy.release.state import Deployment, ModelRef, Observed, Tags
from deploy.verbs.status import disagreement
from tests.deploy.conftest import PROBLEM, until
from tests.deploy.release.fake_platform import DEV

ONE, TWO = (ModelRef("delay", str(number), f"{number}" * 64) for number in (1, 2))
BLUE, GREEN = Deployment("blue", ONE, "ready"), Deployment("green", TWO, "ready")


def observed(*deployments, good=(ONE,), rejected=(), mirror=None, **traffic):
    tags = Tags(good, dict.fromkeys((model.digest for model in rejected), "it was slow"))
    return Observed(True, True, deployments, traffic, mirror or {}, tags)


STATES = {
    "released": (ONE, observed(BLUE, blue=100), ""),
    "promoted, not released": (TWO, observed(BLUE, blue=100), "the traffic goes to 111111111111"),
    "rejected": (TWO, observed(BLUE, rejected=(TWO,), blue=100), "was rejected here: it was slow"),
    "half-way": (TWO, observed(BLUE, GREEN, blue=90, green=10), "the traffic goes to"),
    "not watched to its end": (TWO, observed(BLUE, GREEN, green=100), "not watched"),
    "not swept": (TWO, observed(BLUE, GREEN, good=(ONE, TWO), green=100), "not been removed"),
    "nothing served": (ONE, observed(), "nothing is served"),
    "nothing pinned": (None, observed(BLUE, blue=100), "nothing is pinned"),
    "nothing at all": (None, observed(), ""),
    "rolled back, the pin not yet": (TWO, observed(BLUE, GREEN, rejected=(TWO,), blue=100), "was rejected here"),
}


@pytest.mark.parametrize("state", STATES)
def test_pin_and_endpoint_agree_exactly_where_a_release_has_nothing_to_do(state):
    pin, seen, why = STATES[state]
    assert why in disagreement(pin, seen)
    assert bool(why) == bool(disagreement(pin, seen))
    if pin is not None:
        planned = plan(Wanted(pin, DEV), seen)
        assert bool(planned.actions or planned.refused) == bool(why)


def test_what_serves_is_shown_with_its_url_and_without_its_key(serving, capsys):
    capsys.readouterr()
    assert serving.mlops("status", "--stack", "prod", "--json") == 0
    text = capsys.readouterr().out
    (shown,) = json.loads(text)["endpoints"]
    model = serving.models["1"]
    assert {key: shown[key] for key in ("name", "problem", "healthy", "in_sync", "pin")} == {
        "name": PROBLEM, "problem": PROBLEM, "healthy": True, "in_sync": True,
        "pin": {"model": PROBLEM, "version": "1", "digest": model.digest},
    }  # fmt: skip
    (deployment,) = shown["deployments"]
    assert {k: v for k, v in deployment.items() if k != "name"} == {
        "model": PROBLEM, "version": "1", "digest": model.digest, "traffic": 100, "state": "ready",
    }  # fmt: skip
    assert serving.mlops("status", PROBLEM, "--stack", "prod", "--json") == 0
    assert capsys.readouterr().out == text
    assert serving.mlops("status", "flight-delay", "--json") == 0
    assert json.loads(capsys.readouterr().out)["endpoints"] == []
    assert serving.mlops("status", "no-such-problem") == 2
    address = serving.platform().address(PROBLEM)
    assert shown["url"] == address.url
    assert address.key not in text
    assert address.key.startswith(shown["key_hint"].rstrip("…"))
    _downed_and_started_again(serving, capsys, address)
    _logs_are_shown(serving, capsys, deployment["name"])


def _downed_and_started_again(serving, capsys, address):
    assert serving.mlops("down", "--stack", "prod", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"stopped": [f"prod/{PROBLEM}"]}
    until(lambda: not serving.processes(), 5)
    serving.mlops("status", "--stack", "prod", "--json")
    (shown,) = json.loads(capsys.readouterr().out)["endpoints"]
    assert (shown["url"], shown["healthy"], shown["deployments"][0]["state"]) == (None, False, "stopped")
    assert serving.mlops("plan", PROBLEM, "--stack", "prod", "--json") == 0
    assert json.loads(capsys.readouterr().out)["actions"] == [{"action": "StartEndpoint"}]
    assert serving.mlops("release", PROBLEM, "--stack", "prod") == 0
    assert serving.platform().address(PROBLEM) == address
    assert serving.mlops("down", "--stack", "dev") == 0
    assert serving.score()[0] == 200
    capsys.readouterr()


def _logs_are_shown(serving, capsys, name):
    log = serving.client().folder / "logs" / f"{name}.log"
    log.write_text("one\ntwo\nthree\n")
    assert serving.mlops("logs", PROBLEM, "--stack", "prod", "--lines", "2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["logs"][name] == ["two", "three"]


def test_a_release_in_json_is_json_by_the_book(serving, capsys):
    """A classifier's predictions have no mean: that is null, since NaN is no JSON."""
    serving.pin("2")
    capsys.readouterr()
    assert serving.mlops("release", PROBLEM, "--stack", "prod", "--json") == 0

    def refuse(constant):
        raise AssertionError(constant)

    told = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert told["result"] == "released"
    watched = [event["live"] for event in told["events"] if event["live"]]
    assert watched
    assert all(live["mean"] is None for lives in watched for live in lives.values())
    assert serving.mlops("rollback", PROBLEM, "--stack", "prod", "--json") == 0
    told = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert told["model"]["version"] == "1"
