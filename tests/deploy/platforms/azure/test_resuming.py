"""A command that dies right after any of its writes: said again, it ends as one that nothing has disturbed."""

import copy
import os
import signal
import subprocess
import sys

import pytest

from deploy.platforms.azure.sdk import Sdk
from deploy.platforms.local.home import REPOSITORY
from tests.deploy.conftest import until
from tests.deploy.platforms.azure.conftest import PROBLEM

# All the phases, each as short as the service's numbers allow.
ROLLOUT = """\
dev: &both
  mirror: 30
  steps: [10, 100]
  watch: {seconds: 0, requests: 2, deadline_seconds: 30}
  bake: {seconds: 0, requests: 2, deadline_seconds: 30}
  limits: {latency_ratio: 50, latency_slack_ms: 5000, latency_ms: 5000}
prod: *both
"""
MOST_WRITES = 12
INTERRUPTED = 7


class Stage:
    """Dev's endpoint as it was at some moment, to which it can be set back."""

    def __init__(self, cloud):
        self.cloud, self.pin = cloud, cloud.pins.read("dev", PROBLEM)
        self.kept = copy.deepcopy([self.endpoint.body, {n: d.body for n, d in self.endpoint.deployments.items()}])

    @property
    def endpoint(self):
        (found,) = self.cloud.azure.endpoints.known.values()
        return found

    def set_back(self):
        """Makes what was there anew and takes the rest away, as the service would."""
        platform, (body, deployments) = self.cloud.platform(), copy.deepcopy(self.kept)
        models = {made["tags"]["mlops.digest"]: name for name, made in deployments.items()}
        for model in self.cloud.models.values():
            if model.digest in models:
                platform.create_deployment(PROBLEM, models[model.digest], model)
        self.endpoint.body = body
        for name in self.endpoint.deployments.keys() - deployments.keys():
            platform.delete_deployment(PROBLEM, name)
        self.cloud.pins.write("dev", PROBLEM, self.pin)


@pytest.fixture
def stages(either):
    """Version 1 serves and 2 is pinned; and the same where 2 has been released."""
    (either.folder / "rollout" / "azure.yaml").write_text(ROLLOUT)
    either.azure.containers.reuses = True
    either.register("1", "2")
    either.released("1")
    either.pin("2", "dev")
    before = Stage(either)
    either.released("2")
    return before, Stage(either)


def ended(cloud):
    """All that is to be the same in the end."""
    return cloud.platform().observe(PROBLEM), cloud.pins.read("dev", PROBLEM)


def dies_after(patched, number):
    """The command's write of this number is sent and accepted, and then the command is no more."""
    written, original = [], Sdk.wait

    def wait(self, doing, begin, of="the workspace"):
        written.append(doing)
        if len(written) == number:
            self.call(doing, begin, of)
            raise KeyboardInterrupt
        return original(self, doing, begin, of)

    patched.setattr(Sdk, "wait", wait)


def disturbed_after_each_write(cloud, stage, command):
    """How often it died, and that the same command then ended as the first one, which did not."""
    stage.set_back()
    assert cloud.mlops(*command) == 0
    wanted = ended(cloud)
    for number in range(1, MOST_WRITES):
        stage.set_back()
        with pytest.MonkeyPatch.context() as patched:
            dies_after(patched, number)
            code = cloud.mlops(*command)
        if code == 0:
            return number - 1
        assert code == INTERRUPTED
        assert cloud.mlops(*command) == 0
        assert ended(cloud) == wanted, f"after write {number}"
    raise AssertionError("it writes more than it has phases")


@pytest.mark.exhaustive
def test_a_release_that_dies_after_any_write_is_gone_on_with(either, stages):
    died = disturbed_after_each_write(either, stages[0], ("release", PROBLEM, "--stack", "dev"))
    # create, mirror on and off (managed), 10 %, 100 %, the tags, delete
    assert died == (7 if either.kind == "managed" else 5)


@pytest.mark.exhaustive
def test_a_rollback_that_dies_after_any_write_is_gone_on_with(either, stages):
    died = disturbed_after_each_write(either, stages[1], ("rollback", PROBLEM, "--stack", "dev", "--to", "1"))
    assert died == 4  # the tags, create, 100 %, delete


def test_a_release_whose_process_is_killed_is_gone_on_with_once_its_lock_has_ended(cloud, capsys):
    cloud.register("1")
    cloud.pin("1", "dev")
    command = ("release", PROBLEM, "--stack", "dev")
    words = [sys.executable, "-m", "tests.stand_in.pointing", *command, "--platform", "azure"]
    own = {name: value for name, value in os.environ.items() if name != "AZUREML_CURRENT_CLOUD"}
    with subprocess.Popen(words, cwd=REPOSITORY, env=own, stdout=subprocess.DEVNULL) as process:
        until(lambda: process.poll() is not None or cloud.azure.server.calls("PUT", "/deployments/"), 60)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    assert cloud.mlops(*command) == 4
    assert "another release is under way" in capsys.readouterr().err
    cloud.azure.storage["dev"].containers["mlops"][f"dev/locks/{PROBLEM}"].lease.until = 0.0  # its time is over
    assert cloud.mlops(*command) == 0
    assert cloud.served() == {"1": 100}
    assert len(cloud.azure.server.calls("PUT", "/deployments/")) == 1, "what was being made is taken up"


def test_a_release_gets_through_a_bad_day_of_the_service(cloud):
    server, endpoint, deployment = cloud.azure.server, r"onlineEndpoints/[^/]+$", r"/deployments/[^/]+$"
    server.refuse("PUT", endpoint, 409, "Conflict", "There is already an operation.", times=2, skip=1)
    server.refuse("PUT", deployment, 429, "TooManyRequests", "Slow down.", retry_after=1)
    server.refuse("GET", deployment, 404, "ResourceNotFound", "It was not found.", skip=1)  # after it was made
    server.refuse("GET", "/operations/", 503, "ServiceUnavailable", "The service is busy.", times=2)
    server.trouble("GET", endpoint, skip=3)  # the connection breaks
    cloud.azure.endpoints.stale_reads = 2
    cloud.register("1")
    cloud.released("1")
    assert cloud.served() == {"1": 100}
    assert cloud.platform().observe(PROBLEM).tags.last_good == cloud.models["1"]


def test_a_login_that_ends_in_the_middle_says_so_and_the_release_goes_on_after_it(cloud, capsys):
    cloud.register("1")
    cloud.pin("1", "dev")
    refusal = cloud.azure.server.refuse(
        "GET", "/operations/", 401, "ExpiredAuthenticationToken", "The access token has expired.", times=99, skip=1
    )
    assert cloud.mlops("release", PROBLEM, "--stack", "dev") == 1
    assert capsys.readouterr().err.rstrip().endswith("→ az login")
    assert cloud.azure.server.calls("PUT", "/deployments/")
    refusal.times = 0
    assert cloud.mlops("release", PROBLEM, "--stack", "dev") == 0
    assert cloud.served() == {"1": 100}
