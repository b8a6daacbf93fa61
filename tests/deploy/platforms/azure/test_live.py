"""What is known of a deployment in front of requests, and what stays unknown."""

import math
import time

import pytest

from deploy.platforms.azure.live import azure_monitor, router_log
from deploy.platforms.azure.live.together import together
from deploy.platforms.azure.live.traffic_seen import Seen
from deploy.platforms.azure.outputs import read_outputs
from deploy.platforms.azure.sdk import Sdk
from deploy.release.analysis import Live, examine
from deploy.release.policy import Limits
from tests.stand_in.endpoints import Endpoint
from tests.stand_in.scoring import Seen as Answered

PROBED = Live(requests=40, failures=0, latency_p95_ms=9.0, predictions=200, mean=0.4, std=0.2, distinct=True)
TOLD = Seen(requests=500, failures=0, refused=2, latency_p95_ms=12.0)


def answered(cloud, name, statuses, kubernetes=False):
    """Requests of which the service knows, half a minute ago."""
    at = time.time() - 30
    body = {"properties": {"compute": "aks" if kubernetes else None}}
    cloud.azure.endpoints.known[("mlw-dev", name)] = Endpoint(body)
    for deployment, status, model in statuses:
        cloud.azure.scoring.seen.append(Answered(at, name, deployment, status, model, 20.0, False))
    return at


@pytest.fixture
def sdk(cloud, tmp_path):
    return Sdk(read_outputs("dev", tmp_path))


def test_both_sources_together_are_well(cloud):
    assert examine(together(TOLD, PROBED), None, 500, Limits()).state == "well"


@pytest.mark.parametrize(
    ("told", "probed"), [(None, PROBED), (TOLD, None), (Seen(500, 0, 0, math.nan), PROBED), (None, None)]
)
def test_what_one_source_does_not_tell_the_other_does_not_stand_in_for(told, probed):
    assert examine(together(told, probed), None, 20, Limits()).state == "unknown"


def test_a_probe_that_fails_counts_before_the_service_tells_of_it():
    failed = Live(requests=40, failures=30)
    assert examine(together(None, failed), None, 20, Limits()).state == "worse"


def test_the_models_own_status_counts_and_not_the_services(cloud, sdk):
    """A refused row is the client's fault, though a managed endpoint answers 424 to it as to a broken model."""
    rows = [("v1", 200, 200)] * 5 + [("v1", 424, 422)] * 3 + [("v1", 424, 500)] * 2 + [("v1", 429, 429)]
    at = answered(cloud, "e", rows)
    seen = azure_monitor.seen(sdk, "e", at - 2, at + 3)
    assert seen == {"v1": Seen(11, 2, 4, 20.0)}


def test_more_deployments_and_statuses_than_azure_shows_unasked(cloud, sdk):
    rows = [(f"v{n}", 200, 200) for n in range(15)]
    at = answered(cloud, "e", rows)
    assert len(azure_monitor.seen(sdk, "e", at - 2, at + 3)) == 15


def test_a_minute_that_had_begun_before_is_not_counted(cloud, sdk, monkeypatch):
    monkeypatch.setattr(azure_monitor, "GRAIN_SECONDS", 60)
    now = time.time()
    assert azure_monitor.seen(sdk, "e", now - 59, now) == {}
    assert not cloud.azure.server.calls("GET", "metrics")


def test_a_source_that_is_behind_tells_nothing_yet(cloud, sdk):
    at = answered(cloud, "e", [("v1", 200, 200)] * 5)
    cloud.azure.metrics.late_seconds = 120
    assert azure_monitor.seen(sdk, "e", at - 2, at + 3) == {}


def test_the_routers_log_tells_the_same_on_aks(cloud, sdk):
    rows = [("v1-aaaaaaaa", 200, 200)] * 5 + [("v1-aaaaaaaa", 500, 500), ("v1-aaaaaaaa", 422, 422)]
    at = answered(cloud, "e", rows, kubernetes=True)
    assert router_log.seen(sdk, "e", at - 2, at + 3) == {"v1-aaaaaaaa": Seen(7, 1, 1, 20.0)}
