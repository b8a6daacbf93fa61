"""Releases on this machine, with real processes and real requests."""

import json
import signal
import threading
import time

import pytest

from deploy.release import policy
from deploy.release.state import ModelRef, Tags
from tests.deploy.conftest import PROBLEM, new_machine, until
from tests.quick_rollout import ROLLOUT

PROD = ("--stack", "prod")


@pytest.fixture(scope="module")
def standing(tmp_path_factory, registered):
    """A machine whose endpoint stays up from test to test."""
    made = new_machine(tmp_path_factory.mktemp("standing"), registered)
    made.dev_has_released("1", "2", "3")
    yield made
    made.stop()


@pytest.fixture
def serving(standing, monkeypatch):
    """The machine as every test finds it: prod serves version 1, and nothing was rejected."""
    monkeypatch.setenv("MLOPS_HOME", str(standing.home.root))
    monkeypatch.setattr(policy, "FOLDER", standing.rollout)
    (standing.rollout / "local.yaml").write_text(ROLLOUT)
    standing.platform().create_endpoint(PROBLEM)
    standing.platform().write_tags(PROBLEM, Tags((standing.models["1"],)))
    standing.released("1")
    return standing


@pytest.fixture
def faulty_serving(serving, faulty):
    """The same, with deployments of version 2 that misbehave; the endpoint is started anew, before and after."""

    def make(how):
        faulty("2", how)
        serving.client().stop()
        serving.released("1")
        return serving

    yield make
    serving.client().stop()


def test_a_release_serves_the_pin_and_a_second_one_writes_nothing(serving, capsys):
    serving.released("2")
    assert serving.served() == {"2": 100}
    assert [d.model.version for d in serving.observe().deployments] == ["2"]
    before = serving.record()
    assert serving.mlops("plan", PROBLEM, *PROD, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["actions"] == []
    assert serving.mlops("release", PROBLEM, *PROD) == 0
    assert serving.record() == before


PHASES = ("create deployment", "mirror", "traffic", "record")


def test_a_release_killed_in_any_phase_is_finished_by_the_same_command(serving):
    for version, phase in zip("2323", PHASES, strict=True):
        serving.pin(version)
        process = serving.spawn("release", PROBLEM, *PROD)
        for line in process.stderr:
            if phase in line:
                break
        process.kill()
        process.communicate()
        assert serving.mlops("release", PROBLEM, *PROD) == 0, phase
        assert serving.served() == {version: 100}
        assert len(serving.observe().deployments) == 1
        assert serving.observe().tags.last_good.version == version
    before = serving.record()
    assert serving.mlops("release", PROBLEM, *PROD) == 0
    assert serving.record() == before


def test_a_rollback_that_was_killed_is_finished_by_the_same_command(faulty_serving):
    serving = faulty_serving("fails")
    serving.pin("2")
    process = serving.spawn("release", PROBLEM, *PROD)
    assert any("rejected" in line for line in process.stderr)
    process.kill()
    process.communicate()
    assert serving.mlops("release", PROBLEM, *PROD) == 5
    assert (serving.served(), serving.pinned()) == ({"1": 100}, "1")
    assert len(serving.observe().deployments) == 1


def edit(machine, old, new):
    file = machine.rollout / "local.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


class Client(threading.Thread):
    """Sends one request after the other, as somebody does who knows nothing of a release."""

    def __init__(self, machine):
        super().__init__(daemon=True)
        self.machine, self.ended, self.statuses = machine, threading.Event(), []

    def run(self):
        while not self.ended.is_set():
            self.statuses.append(self.machine.score()[0])
            time.sleep(0.002)

    def end(self):
        self.ended.set()
        self.join()
        return self.statuses


@pytest.mark.parametrize("how", ["fails", "is-slow"])
def test_a_candidate_that_misbehaves_once_it_carries_traffic_is_rolled_back(faulty_serving, how):
    serving = faulty_serving(how)
    edit(serving, "latency_ms: 5000", "latency_ms: 200")
    serving.pin("2")
    client = Client(serving)
    client.start()
    assert serving.mlops("release", PROBLEM, *PROD) == 5
    seen = len(client.statuses)
    until(lambda: len(client.statuses) > seen + 20)
    statuses = client.end()
    failed = [place for place, status in enumerate(statuses) if status != 200]
    assert len(failed) <= 0.2 * len(statuses) + 3
    assert all(place <= seen for place in failed), "a client saw a failure after the rollback"
    assert (serving.served(), serving.pinned()) == ({"1": 100}, "1")
    assert [d.model.version for d in serving.observe().deployments] == ["1"]
    assert list(serving.observe().tags.rejected) == [serving.models["2"].digest]


def test_a_candidate_that_hangs_in_its_smoke_test_is_not_waited_for(faulty_serving, monkeypatch):
    monkeypatch.setattr("deploy.release.release.SMOKE_SECONDS", 0.5)
    machine = faulty_serving("hangs-at-once")
    machine.pin("2")
    began = time.monotonic()
    assert machine.mlops("release", PROBLEM, *PROD) == 5
    assert time.monotonic() - began < 20
    assert machine.served() == {"1": 100}
    assert "smoke test" in machine.observe().tags.rejected[machine.models["2"].digest]


def test_a_rejected_digest_is_refused_and_nothing_is_written(serving, capsys):
    serving.pin("2")
    assert serving.mlops("release", PROBLEM, *PROD) == 0
    assert serving.mlops("rollback", PROBLEM, *PROD, "--reason", "it was odd") == 0
    assert (serving.served(), serving.pinned()) == ({"1": 100}, "1")
    serving.pin("2")
    written = serving.record(), serving.pins.path("prod").read_bytes()
    assert serving.mlops("release", PROBLEM, *PROD) == 5
    assert serving.mlops("plan", PROBLEM, *PROD) == 5
    assert (serving.record(), serving.pins.path("prod").read_bytes()) == written
    capsys.readouterr()
    serving.mlops("status", *PROD, "--json")
    shown = json.loads(capsys.readouterr().out)["endpoints"][0]
    assert not shown["in_sync"]
    assert "it was odd" in shown["why"]
    assert serving.mlops("release", PROBLEM, *PROD, "--retry") == 0
    assert serving.served() == {"2": 100}


def test_sigterm_ends_a_release_within_two_seconds_and_the_same_command_goes_on(faulty_serving):
    serving = faulty_serving("hangs")
    edit(serving, "mirror: 30", "mirror: 0")
    edit(serving, "watch: {seconds: 0", "watch: {seconds: 15")
    serving.pin("2")
    process = serving.spawn("release", PROBLEM, *PROD)
    assert any("10 %" in line for line in process.stderr)
    time.sleep(0.3)  # so that a request is waited for
    told = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=10)
    assert time.monotonic() - told < 2.0
    assert process.returncode == 7
    assert err.strip().splitlines()[-1] == "mlops: interrupted → the same command goes on"
    assert "Traceback" not in err
    assert serving.served() == {"2": 10, "1": 90}, "an interrupted release is no rollback"
    assert serving.observe().tags.rejected == {}


def test_of_two_releases_at_once_one_works_and_the_other_has_one_clear_line(serving):
    serving.pin("2")
    one = serving.spawn("release", PROBLEM, *PROD)
    one.stderr.readline()
    other = serving.spawn("release", PROBLEM, *PROD)
    _, told = other.communicate(timeout=30)
    assert other.returncode == 4
    waits = "wait for its end, or give --wait SECONDS"
    assert told.splitlines() == [f"mlops: {PROBLEM}: another release is under way → {waits}"]
    one.communicate(timeout=60)
    assert one.returncode == 0
    assert serving.served() == {"2": 100}


def test_a_rollback_by_hand_makes_a_deployment_anew_that_is_gone(serving):
    serving.released("2")
    assert serving.mlops("rollback", PROBLEM, *PROD) == 0
    assert (serving.served(), serving.pinned()) == ({"1": 100}, "1")
    assert serving.mlops("rollback", PROBLEM, *PROD) == 2
    assert serving.mlops("plan", PROBLEM, *PROD) == 0


def test_prod_takes_only_what_dev_has_released(machine, capsys):
    machine.dev_has_released("1")
    machine.pin("2")
    assert machine.mlops("release", PROBLEM, *PROD) == 3
    assert "dev has not released" in capsys.readouterr().err
    assert machine.platform().endpoints() == ()


def test_a_pin_whose_bytes_were_never_gated_is_refused(machine, capsys):
    machine.pins.write("dev", PROBLEM, ModelRef(PROBLEM, "1", "f" * 64))
    assert machine.mlops("release", PROBLEM, "--stack", "dev") == 3
    assert "has not passed the gate" in capsys.readouterr().err
    machine.pins.write("dev", PROBLEM, ModelRef(PROBLEM, "7", machine.models["1"].digest))
    assert machine.mlops("release", PROBLEM, "--stack", "dev") == 2
    assert machine.platform("dev").endpoints() == ()
