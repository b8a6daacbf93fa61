"""Endpoints: what is written is waited for until it is read back, and everything else stays as it was."""

import json
import re

import pytest

from deploy.platforms.azure.endpoints import _named
from deploy.release.state import Deployment, ModelRef
from ml.fault import Fault
from tests.deploy.platforms.azure.conftest import PROBLEM
from tests.stand_in.server import Answer

ENDPOINT = r"onlineEndpoints/[^/]+$"
MODEL = ModelRef(PROBLEM, "1", "a" * 64)


def test_a_write_is_waited_for_until_it_is_read_back(cloud, standing):
    cloud.azure.endpoints.stale_reads = 5
    standing.set_traffic(PROBLEM, {"one": 90, "two": 10})
    assert dict(standing.observe(PROBLEM).traffic) == {"one": 90, "two": 10}


def test_a_write_that_is_never_read_back_is_told(cloud, standing, monkeypatch):
    monkeypatch.setattr("deploy.platforms.azure.endpoints.HOLDS_WITHIN_SECONDS", 0.3)
    cloud.azure.endpoints.stale_reads = 10**6
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


def test_an_endpoint_that_is_not_shown_at_once_is_waited_for(cloud, server, monkeypatch):
    monkeypatch.setattr("deploy.platforms.azure.endpoints.LOOK_SECONDS", 0.1)
    unseen = server.refuse("GET", ENDPOINT, 404, "ResourceNotFound", "It was not found.", skip=1, times=3)
    platform = cloud.platform()
    platform.create_endpoint(PROBLEM)
    assert unseen.happened == 4, "the SDK's own last read, and ours"
    assert platform.observe(PROBLEM).exists
    assert len(server.calls("PUT", ENDPOINT)) == 1


def test_an_endpoint_that_is_never_shown_is_told(cloud, server, monkeypatch):
    monkeypatch.setattr("deploy.platforms.azure.endpoints.SHOWN_WITHIN_SECONDS", 0.1)
    monkeypatch.setattr("deploy.platforms.azure.endpoints.LOOK_SECONDS", 0.1)
    server.refuse("GET", ENDPOINT, 404, "ResourceNotFound", "It was not found.", times=99)
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


def test_a_name_that_the_service_lower_cased_is_the_deployments_own():
    assert _named({"one": 100}, (Deployment("One", MODEL, "ready"),)) == {"One": 100}


def test_two_workspaces_of_a_region_do_not_share_a_name(cloud):
    names = {cloud.platform(stack)._endpoints.azure_name("flight-delay") for stack in ("dev", "prod")}
    assert len(names) == 2
    longest = cloud.platform()._endpoints.azure_name("a-problem-with-a-long-long-name")
    assert re.fullmatch(r"(?=.{3,32}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", longest)


def test_what_is_stopped_in_the_middle_of_a_release_takes_no_requests_before_it_is_deleted(standing, server):
    standing.set_mirror(PROBLEM, {"two": 20})
    server.ledger.clear()
    assert standing.stop(PROBLEM)
    written = [call for call in server.calls() if call.method in ("PUT", "DELETE") and "Endpoints" in call.path]
    assert [call.method for call in written] == ["PUT", "PUT", "DELETE", "DELETE"]
    last = json.loads(written[1].body)["properties"]
    assert not last.get("traffic")
    assert not last.get("mirrorTraffic")
    observed = standing.observe(PROBLEM)
    assert (observed.exists, observed.deployments) == (True, ())


def test_an_endpoint_that_failed_without_an_error_is_no_success(standing, server, cloud):
    (endpoint,) = cloud.azure.endpoints.known.values()
    failed = {**endpoint.body, "properties": {**endpoint.body["properties"], "provisioningState": "Failed"}}
    server.trouble("GET", ENDPOINT, Answer(200, failed), skip=1)  # the SDK's own last read
    with pytest.raises(Fault, match="the service says that it failed"):
        standing.set_traffic(PROBLEM, {"two": 100})
