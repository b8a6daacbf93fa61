"""Every scenario, with every single fault at every call: the same command again ends where it would have ended."""

import contextlib

import pytest

from deploy.release.state import Tags
from ml.fault import Fault
from tests.deploy.release.fake_platform import DEV, Behaviour, Crash, FakePlatform, Made, model


def nothing(fake):
    fake.exists, fake.pin = False, model(1)


def update(fake):
    fake.serving(1).pin = model(2)


def update_in_dev(fake):
    update(fake)
    fake.policy = DEV


def bad(since, how="fails"):
    def build(fake):
        update(fake)
        fake.behaviours["2"] = Behaviour(bad=how, since=since)

    return build


def behaves(**how):
    def build(fake):
        update(fake)
        fake.behaviours["2"] = Behaviour(**how)

    return build


def first_is_bad(fake):
    nothing(fake)
    fake.behaviours["1"] = Behaviour(bad="is slow", since="bake")


def two_good(fake):
    fake.serving(1).serving(2, "green")
    fake.made.pop("blue")


def rejected_before(fake):
    update(fake)
    fake.tags = Tags(fake.tags.good, {model(2).digest: "it failed"})


def rejected_and_half_way_back(fake):
    rejected_before(fake)
    fake.made["green"] = Made(model(2), smoked=True)
    fake.traffic = {"green": 10, "blue": 90}


def half_way(fake):
    update(fake)
    fake.made["green"] = Made(model(2), smoked=True)
    fake.traffic = {"green": 50, "blue": 50}


def given_up(fake):
    """The second waited for a person, who pins a third."""
    half_way(fake)
    fake.pin = model(3)


def down(fake):
    update(fake)
    fake.running = False


def untagged(fake):
    """Something serves that no release of ours put there, and the candidate is bad in its bake."""
    fake.serving(1, "old-one").tags = Tags()
    fake.pin = model(2)
    fake.behaviours["2"] = Behaviour(bad="fails", since="bake")


def back_to_an_older_one(fake):
    two_good(fake)
    fake.pin = model(1)


SCENARIOS = {
    "a first release": (nothing, "released", {"1": 100}),
    "a first release that fails": (first_is_bad, "rolled_back", {}),
    "an update": (update, "released", {"2": 100}),
    "an update of dev": (update_in_dev, "released", {"2": 100}),
    "a deployment that does not start": (behaves(made="fails"), "rolled_back", {"1": 100}),
    "a smoke test that gets a 500": (behaves(smoke="500"), "rolled_back", {"1": 100}),
    "a smoke test that gets a NaN": (behaves(smoke="NaN"), "rolled_back", {"1": 100}),
    "a smoke test that gets the old answer": (behaves(smoke="old"), "rolled_back", {"1": 100}),
    "worse when mirrored": (bad("mirror"), "rolled_back", {"1": 100}),
    "worse in the canary": (bad("step", "is slow"), "rolled_back", {"1": 100}),
    "worse in the bake": (bad("bake", "says NaN"), "rolled_back", {"1": 100}),
    "silent when mirrored": (bad("mirror", "is silent"), "waiting", {"1": 100}),
    "silent in the canary": (bad("step", "is silent"), "waiting", {"2": 10, "1": 90}),
    "rejected before": (rejected_before, "refused", {"1": 100}),
    "rejected, half-way back": (rejected_and_half_way_back, "rolled_back", {"1": 100}),
    "half-way": (half_way, "released", {"2": 100}),
    "one that was given up": (given_up, "released", {"3": 100}),
    "an endpoint that is down": (down, "released", {"2": 100}),
    "something untagged serves": (untagged, "rolled_back", {"1": 100}),
    "back to an older one": (back_to_an_older_one, "released", {"1": 100}),
}  # fmt: skip


def built(tmp_path, scenario, **faults):
    fake = FakePlatform(tmp_path, **faults)
    SCENARIOS[scenario][0](fake)
    return fake


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_release_ends_as_it_should(tmp_path, scenario):
    fake = built(tmp_path, scenario)
    assert fake.release().result == SCENARIOS[scenario][1]
    assert fake.served() == SCENARIOS[scenario][2]


@pytest.mark.parametrize("fault", ["crash before", "crash after", "lost"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_release_that_broke_off_anywhere_is_finished_by_the_same_command(tmp_path, scenario, fault):
    whole = built(tmp_path, scenario)
    whole.release()
    for call in range(whole.calls):
        fake = built(tmp_path, scenario, faults={call: fault})
        with pytest.raises((Crash, Fault)):
            fake.release()
        fake.release()
        assert fake.end() == whole.end(), f"call {call} of {whole.calls}"


@pytest.mark.parametrize("scenario", [name for name, (_, result, _) in SCENARIOS.items() if result != "waiting"])
def test_a_release_run_when_all_is_done_writes_nothing(tmp_path, scenario):
    fake = built(tmp_path, scenario)
    fake.release()
    fake.writes.clear()
    assert fake.release().result in ("unchanged", "refused")
    assert fake.writes == []
    assert fake.plan().actions == ()


def serves_one_and_agrees(fake):
    """The end of every story: one deployment with all the traffic, pinned, or nothing that was ever good."""
    pinned = fake.pin.version
    if fake.tags.last_good is None:
        return fake.served() == {} and not fake.made
    return fake.served() == {pinned: 100} and [made.model.version for made in fake.made.values()] == [pinned]


def stable_dies(fake):
    for name, made in fake.made.items():
        if made.model == fake.tags.last_good and fake.traffic.get(name):
            made.state = "unhealthy"


def candidate_dies(fake):
    for made in fake.made.values():
        if made.model == fake.pin:
            made.state = "unhealthy"


def all_back_by_hand(fake):
    good = [name for name, made in fake.made.items() if made.model == fake.tags.last_good]
    if good:
        fake.traffic, fake.mirror = {good[0]: 100}, {}


def some_by_hand(fake):
    ready = [name for name, made in fake.made.items() if made.state == "ready" and made.smoked]
    if len(ready) > 1:
        fake.traffic, fake.mirror = {ready[0]: 70, ready[1]: 30}, {}


def endpoint_dies(fake):
    fake.running = False


EVENTS = (stable_dies, candidate_dies, all_back_by_hand, some_by_hand, endpoint_dies)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(
    "scenario", ["a first release", "an update", "an update of dev", "worse in the bake", "half-way"]
)
def test_whatever_happens_at_any_moment_the_same_commands_end_well(tmp_path, scenario, event):
    whole = built(tmp_path, scenario)
    whole.release()
    for call in range(whole.calls):
        fake = built(tmp_path, scenario, faults={call: event})
        with contextlib.suppress(Fault):
            fake.release()
        fake.mend()
        for _ in range(3):
            result = fake.release().result
        assert result in ("unchanged", "refused"), f"call {call} of {whole.calls}"
        assert serves_one_and_agrees(fake), f"call {call} of {whole.calls}"
        if event is not candidate_dies and scenario != "worse in the bake":
            assert fake.tags.rejected == {}, "that is no fault of the candidate"


def test_a_creation_that_times_out_and_later_succeeds_is_taken_up(tmp_path):
    fake = built(tmp_path, "an update")
    fake.behaviours["2"] = Behaviour(made="hangs")
    with pytest.raises(Fault, match="timed out"):
        fake.release()
    assert fake.release().result == "released"
    assert [write for write in fake.writes if write.startswith("create")] == ["create v2-20000000"] * 2


HALF_WAY = {
    "at 0 %": ({"blue": 100}, {}),
    "mirrored": ({"blue": 100}, {"green": 20}),
    "at 10 %": ({"green": 10, "blue": 90}, {}),
    "at 100 %": ({"green": 100}, {}),
}


@pytest.mark.parametrize("state", HALF_WAY)
def test_a_rollback_by_hand_of_a_canary_ends_at_what_was_last_good(tmp_path, state):
    fake = built(tmp_path, "half-way")
    fake.traffic, fake.mirror = HALF_WAY[state]
    assert fake.roll_back().result == "rolled_back"
    assert fake.served() == {"1": 100}
    assert fake.pin == model(1)
    assert list(fake.tags.rejected) == [model(2).digest]
    assert serves_one_and_agrees(fake)


def test_a_rollback_by_hand_of_a_first_release_that_is_half_way_serves_nothing(tmp_path):
    fake = built(tmp_path, "a first release")
    fake.exists, fake.made, fake.traffic = True, {"v1": Made(model(1), smoked=True)}, {"v1": 100}
    fake.roll_back()
    assert (fake.served(), fake.made) == ({}, {})
    assert fake.release().result == "refused"


def test_a_rollback_by_hand_makes_anew_what_served_before(tmp_path):
    fake = FakePlatform(tmp_path)
    two_good(fake)
    fake.roll_back()
    assert fake.served() == {"1": 100}
    assert "create v1-10000000" in fake.writes
    assert fake.release().result == "unchanged"


def test_two_rollbacks_by_hand_go_back_two_versions(tmp_path):
    fake = FakePlatform(tmp_path)
    fake.serving(1).serving(2).serving(3)
    fake.roll_back()
    fake.roll_back()
    assert fake.served() == {"1": 100}
    assert set(fake.tags.rejected) == {model(2).digest, model(3).digest}
    with pytest.raises(Fault, match="nothing served here before"):
        fake.roll_back()


@pytest.mark.parametrize("fault", ["crash before", "crash after", "lost"])
def test_a_rollback_to_a_version_is_the_same_however_often_it_is_said(tmp_path, fault):
    whole = three_good(tmp_path)
    assert whole.roll_back(to="1").result == "rolled_back"
    assert whole.served() == {"1": 100}
    assert set(whole.tags.rejected) == {model(2).digest, model(3).digest}
    for call in range(whole.calls):
        fake = three_good(tmp_path)
        fake.faults = {call: fault}
        with pytest.raises((Crash, Fault)):
            fake.roll_back(to="1")
        fake.roll_back(to="1")
        assert fake.end() == whole.end(), f"call {call} of {whole.calls}"
    whole.writes.clear()
    assert (whole.roll_back(to="1").result, whole.writes) == ("unchanged", [])


def three_good(tmp_path):
    return FakePlatform(tmp_path).serving(1).serving(2).serving(3)


def test_a_rollback_goes_only_to_what_has_served(tmp_path):
    fake = three_good(tmp_path)
    with pytest.raises(Fault, match=r"version 7 has not served here.*1, 2, 3"):
        fake.roll_back(to="7")
    assert fake.writes == []


def test_a_machine_that_stands_still_for_a_moment_is_no_fault_of_the_candidate(tmp_path):
    fake = built(tmp_path, "an update", stalls=1)
    assert fake.release().result == "released"
    fake = built(tmp_path, "an update", stalls=2)
    assert fake.release().result == "rolled_back"


def test_a_rollback_by_hand_starts_an_endpoint_that_is_down(tmp_path):
    fake = FakePlatform(tmp_path, running=False)
    two_good(fake)
    fake.roll_back()
    assert (fake.running, fake.served()) == (True, {"1": 100})


@pytest.mark.parametrize("fault", ["crash before", "crash after", "lost"])
@pytest.mark.parametrize("build", [two_good, half_way, rejected_before, rejected_and_half_way_back, given_up])
def test_a_rollback_by_hand_that_broke_off_is_finished_by_the_same_command(tmp_path, build, fault):
    whole = FakePlatform(tmp_path)
    build(whole)
    whole.roll_back()
    for call in range(whole.calls):
        fake = FakePlatform(tmp_path, faults={call: fault})
        build(fake)
        with pytest.raises((Crash, Fault)):
            fake.roll_back()
        if fake.end() != whole.end():  # a rollback that had ended would go back one further
            fake.roll_back()
        assert fake.end() == whole.end(), f"call {call} of {whole.calls}"


def test_a_rejected_digest_is_released_again_only_when_asked_to(tmp_path):
    fake = built(tmp_path, "rejected before")
    before = fake.end()
    assert fake.release().result == "refused"
    assert (fake.writes, fake.end()) == ([], before)
    assert fake.release(retry=True).result == "released"
    assert (fake.served(), fake.tags.rejected) == ({"2": 100}, {})


def test_a_rejected_candidate_loses_its_traffic_before_the_next_one_is_made(tmp_path):
    fake = built(tmp_path, "rejected, half-way back")
    fake.pin = model(3)
    fake.release()
    assert fake.writes[:2] == ["traffic {'blue': 100}", "create v3-30000000"]
    assert fake.served() == {"3": 100}


@pytest.mark.parametrize("metrics", ["empty", "candidate only", "stable only"])
def test_a_release_without_the_numbers_of_both_sides_waits(tmp_path, metrics):
    fake = built(tmp_path, "an update", metrics=metrics)
    assert fake.release().result == "waiting"
    assert fake.served() == {"1": 100}


def test_a_stable_side_that_is_dead_is_replaced_once_the_candidate_was_asked(tmp_path):
    fake = built(tmp_path, "half-way")
    stable_dies(fake)
    assert fake.release().result == "released"
    assert fake.served() == {"2": 100}


def test_two_releases_at_once_are_one_release_and_one_clear_fault(tmp_path):
    fake = built(tmp_path, "an update", held=True)
    with pytest.raises(Fault, match="another release"):
        fake.release()
    assert fake.writes == []


@pytest.mark.parametrize("name", ["blue", "green", "v2-20000000", "stable"])
def test_the_stable_side_is_whoever_serves_whatever_its_name(tmp_path, name):
    fake = FakePlatform(tmp_path).serving(1, name)
    fake.pin = model(2)
    assert fake.release().result == "released"
    assert fake.served() == {"2": 100}


def test_a_deployment_that_does_not_come_up_with_its_endpoint_is_made_anew_by_the_same_release(tmp_path):
    fake = FakePlatform(tmp_path, running=False, lost=("blue",)).serving(1)
    assert fake.release().result == "released"
    assert fake.served() == {"1": 100}
    assert fake.release().result == "unchanged"


def test_what_was_rejected_is_no_stable_side_to_go_back_to(tmp_path):
    fake = built(tmp_path, "a first release that fails")
    fake.exists, fake.made, fake.traffic = True, {"v1": Made(model(1), smoked=True)}, {"v1": 100}
    fake.tags, fake.pin = Tags(rejected={model(1).digest: "it failed"}), model(2)
    assert fake.release().result == "released"
    assert fake.tags.good == (model(2),)


def test_a_last_good_model_that_does_not_come_up_again_is_a_fault_and_rejects_nothing(tmp_path):
    fake = built(tmp_path, "rejected, half-way back")
    del fake.made["blue"]
    fake.traffic, fake.behaviours = {"green": 100}, {"1": Behaviour(made="fails")}
    before = fake.tags
    with pytest.raises(Fault, match="the rollback failed: v1-10000000 does not start"):
        fake.release()
    assert (fake.tags, fake.served()) == (before, {"2": 100})


def test_a_candidate_that_was_given_up_is_no_stable_side_when_the_last_good_one_is_dead(tmp_path):
    fake = built(tmp_path, "one that was given up")
    stable_dies(fake)
    assert fake.release().result == "released"
    assert fake.served() == {"3": 100}
    assert "traffic {'green': 100}" not in fake.writes


def test_a_stable_side_that_was_just_made_anew_is_asked_before_it_gets_traffic(tmp_path):
    fake = built(tmp_path, "an update")
    stable_dies(fake)
    fake.made["v1-10000000"] = Made(model(1))
    assert fake.release().result == "released"
    assert fake.writes[0] == "traffic {'v1-10000000': 100}"
    assert fake.served() == {"2": 100}


def test_an_endpoint_without_traffic_serves_the_last_good_model_before_the_next_one_is_made(tmp_path):
    fake = built(tmp_path, "an update")
    fake.traffic = {}
    fake.release()
    assert fake.writes[:2] == ["traffic {'blue': 100}", "create v2-20000000"]


def test_a_good_model_that_answers_wrongly_now_is_no_fault_of_the_candidate(tmp_path):
    fake = built(tmp_path, "an update")
    fake.traffic, fake.behaviours = {}, {"1": Behaviour(smoke="500")}
    with pytest.raises(Fault, match="which was good before"):
        fake.release()
    assert fake.tags.rejected == {}
