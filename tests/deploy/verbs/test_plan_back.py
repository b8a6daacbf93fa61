"""`mlops plan --back`: to which version a rollback goes, told before anybody approves it."""

from types import SimpleNamespace

import pytest

from deploy.gitops.summary import summary_of
from deploy.release.plan import step_back
from deploy.release.state import Deployment, ModelRef, Observed, Tags
from deploy.verbs.plan import _back
from ml.fault import Fault


def model(number):
    return ModelRef("delay", str(number), f"{number:064x}")


def serving(*good, under_way=None, rejected=()):
    """An endpoint that has served some versions, the last of which it serves now."""
    live = [Deployment(f"v{good[-1]}", model(good[-1]), "ready")] if good else []
    live += [Deployment(f"v{under_way}", model(under_way), "ready")] if under_way else []
    tags = Tags(tuple(map(model, good)), {model(number).digest: "bad" for number in rejected})
    traffic = {f"v{good[-1]}": 90, f"v{under_way}": 10} if under_way and good else {f"v{good[-1]}": 100} if good else {}
    return Observed(True, True, tuple(live), traffic, {}, tags)


def ask(observed, pinned, version=None):
    platform = SimpleNamespace(observe=lambda problem: observed)
    pins = SimpleNamespace(read=lambda stack, problem: None if pinned is None else model(pinned))
    return _back(SimpleNamespace(platform=lambda stack: platform, pins=pins), "prod", "delay", version)


@pytest.mark.parametrize(
    ("observed", "pinned", "version", "to", "gone"),
    [
        (serving(1, 2), 2, None, "1", ["2"]),
        (serving(1, 2, 3), 3, "1", "1", ["2", "3"]),
        (serving(1, 2, under_way=3), 3, None, "2", ["3"]),
        (serving(1, rejected=(2,)), 2, None, "1", []),
        (serving(9, 10), 10, None, "9", ["10"]),
        (serving(under_way=1), 1, None, "", ["1"]),
    ],
    ids=["the one before", "further", "under way", "begun already", "nine before ten", "nothing was good"],
)
def test_the_version_and_what_is_given_up_are_told(observed, pinned, version, to, gone):
    done = ask(observed, pinned, version)
    assert (done.code, done.result["to"]) == (0, to)
    assert sorted(one["version"] for one in done.result["gives_up"]) == sorted(gone)
    shown = summary_of("plan", done.result, done.lines)
    assert "Rollback plan: delay in prod" in shown
    assert f"delay:{to}" in shown if to else "nothing was good here before" in shown


def test_the_same_version_asked_for_again_goes_no_further_back():
    observed = serving(1, 2, 3)
    to = ask(observed, 3).result["to"]
    tags = step_back(observed, model(3), "slow", to)
    after = Observed(True, True, (Deployment("v2", model(2), "ready"),), {"v2": 100}, {}, tags)
    assert step_back(after, model(2), "slow", to) == tags
    assert ask(after, 2, to).result["writes"] is False


def test_where_nothing_served_before_it_says_so_before_the_approval():
    with pytest.raises(Fault, match="nothing served here before"):
        ask(serving(1), 1)
