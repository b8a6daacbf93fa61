"""What the service does to those who write: late reads, conflicts, lost answers, limits, its own refusals."""

import json
import re
from copy import deepcopy

import pytest

from deploy.platforms.azure import lock as locks
from deploy.platforms.azure.outputs import read_outputs
from deploy.platforms.azure.sdk import Sdk
from deploy.platforms.protocol import DeploymentFailed
from deploy.release.state import Deployment, ModelRef, Observed
from ml.fault import Fault
from tests.deploy.conftest import until
from tests.deploy.platforms.azure.conftest import PROBLEM, start
from tests.stand_in.pointing import point
from tests.stand_in.server import Answer, Refused

ENDPOINT = r"onlineEndpoints/[^/]+$"
MODEL = ModelRef(PROBLEM, "1", "a" * 64)


def stand(cloud):
    """An endpoint with two deployments, whose processes answer nothing: only what is written matters here."""
    cloud.sham()
    cloud.register("1")
    platform = cloud.platform()
    platform.create_endpoint(PROBLEM)
    for name in ("one", "two"):
        platform.create_deployment(PROBLEM, name, cloud.models["1"])
    platform.set_traffic(PROBLEM, {"one": 100})
    cloud.azure.server.ledger.clear()
    return platform


@pytest.fixture
def alone(cloud):
    """One that this test may take apart."""
    return stand(cloud)


@pytest.fixture(scope="module")
def once(tmp_path_factory, registered):
    """One for all tests that leave its deployments as they are: making it takes longer than each of them."""
    with pytest.MonkeyPatch.context() as patched:
        made = start(tmp_path_factory.mktemp("rules"), registered, patched, "managed")
        stand(made)
        (endpoint,) = made.azure.endpoints.known.values()
        yield made, deepcopy(endpoint.body), dict(endpoint.deployments)
        made.azure.stop()
        assert not made.azure.server.mishaps


@pytest.fixture
def shared(once):
    """It as it stood at first, with no trouble left of the test before."""
    made, body, deployments = once
    azure = made.azure
    (endpoint,) = azure.endpoints.known.values()
    assert endpoint.deployments.items() >= deployments.items()
    for name in endpoint.deployments.keys() - deployments.keys():
        endpoint.deployments.pop(name).stop()
    endpoint.body, endpoint.busy, endpoint.stale = deepcopy(body), False, []
    azure.endpoints.stale_reads, azure.endpoints.operation_seconds = 0, 0.0
    made.sham()
    azure.server.troubles.clear()
    azure.server.ledger.clear()
    point(azure.server.url)
    return made


@pytest.fixture
def standing(shared):
    return shared.platform()


@pytest.fixture
def server(shared):
    return shared.azure.server


def test_a_write_is_waited_for_until_it_is_read_back(shared, standing):
    shared.azure.endpoints.stale_reads = 5
    standing.set_traffic(PROBLEM, {"one": 90, "two": 10})
    assert dict(standing.observe(PROBLEM).traffic) == {"one": 90, "two": 10}


def test_a_write_that_is_never_read_back_is_told(shared, standing, monkeypatch):
    monkeypatch.setattr("deploy.platforms.azure.endpoints.HOLDS_WITHIN_SECONDS", 0.3)
    shared.azure.endpoints.stale_reads = 10**6
    with pytest.raises(Fault, match="what was written is not read back after"):
        standing.set_traffic(PROBLEM, {"one": 90, "two": 10})


def test_another_operation_is_waited_for(standing, server):
    server.refuse("PUT", ENDPOINT, 409, "Conflict", "There is already an operation.", times=3)
    standing.set_traffic(PROBLEM, {"two": 100})
    assert [call.status for call in server.calls("PUT", ENDPOINT)] == [409, 409, 409, 200]


def test_a_service_that_asks_for_patience_gets_it(standing, server):
    server.refuse("PUT", ENDPOINT, 429, "TooManyRequests", "Slow down.", times=2, retry_after=1)
    standing.set_traffic(PROBLEM, {"two": 100})
    assert dict(standing.observe(PROBLEM).traffic) == {"two": 100}


def test_a_conflict_that_does_not_end_is_told(standing, server, monkeypatch):
    monkeypatch.setattr("deploy.platforms.azure.sdk.PATIENCE_SECONDS", 0.3)
    server.refuse("PUT", ENDPOINT, 409, "Conflict", "There is already an operation.", times=10**6)
    with pytest.raises(Fault, match=r"Azure is busy with it.*already an operation"):
        standing.set_traffic(PROBLEM, {"two": 100})


def test_an_endpoint_that_is_not_shown_at_once_is_waited_for(cloud, monkeypatch):
    monkeypatch.setattr("deploy.platforms.azure.endpoints.LOOK_SECONDS", 0.1)
    unseen = cloud.azure.server.refuse("GET", ENDPOINT, 404, "ResourceNotFound", "It was not found.", skip=1, times=3)
    platform = cloud.platform()
    platform.create_endpoint(PROBLEM)
    assert unseen.happened == 4, "the SDK's own last read, and ours"
    assert platform.observe(PROBLEM).exists
    assert len(cloud.azure.server.calls("PUT", ENDPOINT)) == 1


def test_an_endpoint_that_is_never_shown_is_told(cloud, monkeypatch):
    monkeypatch.setattr("deploy.platforms.azure.endpoints.SHOWN_WITHIN_SECONDS", 0.1)
    monkeypatch.setattr("deploy.platforms.azure.endpoints.LOOK_SECONDS", 0.1)
    cloud.azure.server.refuse("GET", ENDPOINT, 404, "ResourceNotFound", "It was not found.", times=99)
    with pytest.raises(Fault, match="it is not there"):
        cloud.platform().create_endpoint(PROBLEM)


def test_a_lost_answer_to_a_write_that_was_carried_out_does_no_harm(standing, server):
    server.trouble("PUT", ENDPOINT, applied=True)
    standing.set_traffic(PROBLEM, {"two": 100})
    assert dict(standing.observe(PROBLEM).traffic) == {"two": 100}


def test_an_operation_that_fails_is_no_success(standing, server):
    failed = {"status": "Failed", "error": {"code": "InternalServerError", "message": "It broke."}}
    server.trouble("GET", "/operations/", Answer(200, failed))
    with pytest.raises(Fault, match="It broke"):
        standing.set_traffic(PROBLEM, {"two": 100})


def test_a_traffic_that_does_not_sum_is_never_sent(standing, server):
    with pytest.raises(Fault, match="traffic sums to 100"):
        standing.set_traffic(PROBLEM, {"one": 50, "two": 40})
    assert not server.calls("PUT")


def test_writing_one_thing_leaves_the_others(standing, server):
    before = server.calls("PUT", ENDPOINT)
    standing.set_mirror(PROBLEM, {"two": 20})
    written = standing._endpoints.read(PROBLEM)
    assert not before
    assert dict(standing.observe(PROBLEM).traffic) == {"one": 100}
    assert written.tags["mlops.problem"] == PROBLEM
    assert written.identity.user_assigned_identities[0].resource_id.endswith("id-dev-endpoint")
    assert written.auth_mode == "key"


def test_a_deployment_that_is_being_made_is_taken_up(shared, standing, server):
    shared.azure.endpoints.operation_seconds = 0.5
    server.trouble("PUT", "deployments/three", applied=True, times=1)  # its answer is lost, and then it is there
    standing.create_deployment(PROBLEM, "three", shared.models["1"])
    assert standing.observe(PROBLEM).deployment("three").state == "ready"


def test_a_full_region_is_not_the_models_fault(shared, standing):
    def refuse(body):
        raise Refused(400, "OutOfQuota", "Not enough quota is available.")

    shared.azure.endpoints.command = refuse
    with pytest.raises(Fault, match=r"OutOfQuota|quota"):
        standing.create_deployment(PROBLEM, "three", shared.models["1"])


def test_a_container_that_ends_is_the_models_fault(cloud, alone):
    cloud.azure.endpoints.command = lambda body: ["python3", "-c", "raise SystemExit('a tree is missing')"]
    with pytest.raises(DeploymentFailed, match="a tree is missing"):
        alone.create_deployment(PROBLEM, "three", cloud.models["1"])
    assert alone.observe(PROBLEM).deployment("three").state == "failed"


def test_an_endpoint_has_at_most_twenty_deployments(standing, monkeypatch, shared):
    monkeypatch.setattr("deploy.platforms.azure.deployments.MOST", 2)
    with pytest.raises(Fault, match="2 deployments, the most it may have"):
        standing.create_deployment(PROBLEM, "three", shared.models["1"])


def test_a_name_that_the_service_lower_cased_is_the_deployments_own(standing, monkeypatch):
    entity = standing._endpoints.read(PROBLEM)
    from deploy.platforms.azure.endpoints import _named

    deployments = (Deployment("One", MODEL, "ready"),)
    assert _named({"one": 100}, deployments) == {"One": 100}
    assert entity.traffic["one"] == 100


def test_two_workspaces_of_a_region_do_not_share_a_name(cloud):
    names = {cloud.platform(stack)._endpoints.azure_name("flight-delay") for stack in ("dev", "prod")}
    assert len(names) == 2
    longest = cloud.platform()._endpoints.azure_name("a-problem-with-a-long-long-name")
    assert re.fullmatch(r"(?=.{3,32}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", longest)


def test_what_is_stopped_in_the_middle_of_a_release_takes_no_requests_before_it_is_deleted(alone, cloud):
    alone.set_mirror(PROBLEM, {"two": 20})
    cloud.azure.server.ledger.clear()
    assert alone.stop(PROBLEM)
    written = [
        call for call in cloud.azure.server.calls() if call.method in ("PUT", "DELETE") and "Endpoints" in call.path
    ]
    assert [call.method for call in written] == ["PUT", "PUT", "DELETE", "DELETE"]
    last = json.loads(written[1].body)["properties"]
    assert not last.get("traffic")
    assert not last.get("mirrorTraffic")
    observed = alone.observe(PROBLEM)
    assert (observed.exists, observed.deployments) == (True, ())


def test_a_foreign_deployment_is_shown_and_is_no_ones_model(alone, cloud):
    body = cloud.azure.endpoints.deployment("mlw-dev", alone._endpoints.azure_name(PROBLEM), "two").body
    body["tags"] = {}
    assert alone.observe(PROBLEM).deployment("two") == Deployment("two", ModelRef("", "", ""), "ready")


def test_a_lock_is_renewed_while_it_is_held(cloud, monkeypatch, tmp_path):
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.05)
    held = locks.Locks(Sdk(read_outputs("dev", tmp_path)))
    with held.hold(PROBLEM):
        lease = cloud.azure.storage["dev"].containers["mlops"][f"dev/locks/{PROBLEM}"].lease
        first = lease.until
        until(lambda: lease.until > first, 5)
        held.check(PROBLEM)


def test_a_killed_releases_lock_ends_by_itself(cloud, tmp_path):
    sdk = Sdk(read_outputs("dev", tmp_path))
    killed = locks.Locks(sdk).hold(PROBLEM)
    killed.__enter__()
    with pytest.raises(Fault, match="another release is under way"):
        locks.Locks(sdk).hold(PROBLEM).__enter__()
    cloud.azure.storage["dev"].containers["mlops"][f"dev/locks/{PROBLEM}"].lease.until = 0.0  # its time is over
    with locks.Locks(sdk).hold(PROBLEM):
        pass


def test_who_lost_the_lock_writes_nothing_more(cloud, alone, monkeypatch):
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.05)
    with alone.lock(PROBLEM):
        cloud.azure.storage["dev"].containers["mlops"][f"dev/locks/{PROBLEM}"].lease = None  # broken, and another's
        until(lambda: alone._locks._lost, 5)
        with pytest.raises(Fault, match="the lock of this release was lost"):
            alone.set_traffic(PROBLEM, {"two": 100})
    assert alone.observe(PROBLEM) != Observed(exists=False)


def test_a_version_that_another_takes_meanwhile_is_left_to_it(cloud, monkeypatch):
    """Two gates at once: the second one has read the list before the first one's write."""
    cloud.register("1")
    kind = type(cloud.platform().registry)
    listed, original = [], kind._list

    def late(registry, name):
        listed.append(name)
        return original(registry, name) if len(listed) > 2 else []

    monkeypatch.setattr(kind, "_list", late)
    cloud.register("2")
    assert cloud.models["2"].version == "2"
    assert cloud.platform().find(PROBLEM, cloud.models["1"].digest) == cloud.models["1"]


def put(platform, name, **values):
    """What the service says to an endpoint that is written as it stands."""
    from azure.ai.ml.entities import KubernetesOnlineEndpoint, ManagedOnlineEndpoint

    kind = KubernetesOnlineEndpoint if "compute" in values else ManagedOnlineEndpoint
    entity = kind(name=name, **{"auth_mode": "key", **values})
    with pytest.raises(Fault) as caught:
        platform.sdk.finish("write", lambda client: client.online_endpoints.begin_create_or_update(entity))
    return caught.value.message


def test_the_service_refuses_a_name_that_the_sdk_lets_through(cloud):
    assert "The endpoint name a--b is not valid" in put(cloud.platform(), "a--b")


@pytest.mark.parametrize("name", ["ab", "1-model", "model-", "a" * 33, "a_b"])
def test_what_the_sdk_refuses_by_itself_is_told_without_its_colours_and_advice(cloud, name):
    said = put(cloud.platform(), name)
    assert said.startswith("The name for an endpoint must ")
    assert not re.search(r"\x1b|Resolutions|Details|https?://", said)
    assert not cloud.azure.server.calls("PUT")


def test_the_service_refuses_a_name_that_another_workspace_of_the_region_has(cloud):
    cloud.platform("dev").create_endpoint(PROBLEM)
    taken = cloud.platform("dev")._endpoints.azure_name(PROBLEM)
    assert "already taken in this region" in put(cloud.platform("prod"), taken)


def test_the_service_refuses_a_cluster_that_is_not_attached_and_an_entra_token_on_one(cloud):
    assert "The compute aks was not found" in put(cloud.platform(), "some-endpoint", compute="aks")
    cloud.azure.kubernetes("dev")
    said = put(cloud.platform(), "some-endpoint", compute="aks", auth_mode="aad_token")
    assert "do not support AADToken" in said


@pytest.mark.parametrize(
    ("traffic", "mirror", "said"),
    [
        ({"one": 150, "two": -50}, {}, "shares of 0 to 100"),
        ({"one": 60, "two": 30}, {}, "must sum to 0 or 100"),
        ({"one": 100}, {"two": 51}, "at most 50 percent"),
        ({"one": 100}, {"two": -5}, "at most 50 percent"),
        ({}, {"one": 10, "two": 10}, "one deployment"),
        ({"one": 100}, {"one": 10}, "live or mirrored traffic, not both"),
    ],
)
def test_the_service_refuses_a_traffic_that_it_could_not_share_out(standing, traffic, mirror, said):
    def write(entity):
        entity.traffic, entity.mirror_traffic = traffic, mirror

    with pytest.raises(Fault, match=said):
        standing._endpoints.change(PROBLEM, write, lambda read: True)


def test_the_service_deletes_what_serves_so_that_refusing_is_ours(alone):
    alone._deployments.delete(PROBLEM, "one")
    assert alone.observe(PROBLEM).deployment("one") is None


def test_the_service_counts_the_deployments_too(standing, shared, monkeypatch):
    monkeypatch.setattr("tests.stand_in.endpoints.MOST_DEPLOYMENTS", 2)
    with pytest.raises(Fault, match="An endpoint has at most 2 deployments"):
        standing.create_deployment(PROBLEM, "three", shared.models["1"])


def test_the_service_refuses_a_deployment_of_the_other_kind(standing, shared, monkeypatch):
    from azure.ai.ml.entities import KubernetesOnlineDeployment

    made = type(standing._deployments)._entity

    def other(self, *words):
        entity = made(self, *words)
        kept = ("name", "endpoint_name", "model", "environment", "code_configuration")
        return KubernetesOnlineDeployment(**{word: getattr(entity, word) for word in kept}, instance_type="serving")

    monkeypatch.setattr(type(standing._deployments), "_entity", other)
    with pytest.raises(Exception, match="is of its endpoint's kind"):
        standing.create_deployment(PROBLEM, "three", shared.models["1"])


def test_an_endpoint_that_failed_without_an_error_is_no_success(standing, server, shared):
    (endpoint,) = shared.azure.endpoints.known.values()
    failed = {**endpoint.body, "properties": {**endpoint.body["properties"], "provisioningState": "Failed"}}
    server.trouble("GET", ENDPOINT, Answer(200, failed), skip=1)  # the SDK's own last read
    with pytest.raises(Fault, match="the service says that it failed"):
        standing.set_traffic(PROBLEM, {"two": 100})
