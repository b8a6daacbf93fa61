"""An asset whose numbers the service does not take is told with its file, and nothing is sent."""

import shutil

import pytest
from azure.ai.ml import load_online_deployment

from deploy.platforms.azure import endpoints
from deploy.platforms.azure.ranges import check_ranges
from ml.fault import INVALID_INPUT, Fault
from tests.deploy.platforms.azure.conftest import PROBLEM

KINDS = ("managed", "kubernetes")


def loaded(kind, **changed):
    """The kind's own asset with other numbers, `part__key` by value."""
    entity = load_online_deployment(endpoints.asset(f"{kind}-deployment.yml"))
    for name, value in changed.items():
        part, key = name.split("__")
        setattr(getattr(entity, part), key, value)
    return entity


def refusal(entity, kind, asset):
    """What is refused of it; None where nothing is."""
    try:
        check_ranges(entity, kind, asset)
    except Fault as fault:
        return fault
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_our_assets_are_within_the_ranges_and_so_are_their_ends(kind, tmp_path):
    longest = {"managed": 180_000, "kubernetes": 300_000}[kind]
    at_its_ends = loaded(kind, request_settings__request_timeout_ms=longest, liveness_probe__timeout=1)
    without = loaded(kind)
    without.request_settings = without.liveness_probe = None
    for entity in (loaded(kind), at_its_ends, without):
        assert refusal(entity, kind, tmp_path) is None


@pytest.mark.parametrize(
    ("kind", "name", "value", "said"),
    [
        *[(kind, f"{probe}__{key}", 0, f"`{probe}.{key}` is 0, not at least 1")
          for kind in KINDS for probe in ("liveness_probe", "readiness_probe")
          for key in ("initial_delay", "period", "timeout", "failure_threshold")],
        ("managed", "readiness_probe__success_threshold", 0, "`readiness_probe.success_threshold` is 0"),
        ("kubernetes", "liveness_probe__success_threshold", 2, "is 2, not 1"),
        ("managed", "request_settings__request_timeout_ms", 180_001, "is 180001, not 1 to 180000"),
        ("kubernetes", "request_settings__request_timeout_ms", 0, "is 0, not 1 to 300000"),
        ("managed", "request_settings__max_concurrent_requests_per_instance", 0, "is 0, not at least 1"),
        ("kubernetes", "scale_settings__target_utilization_percentage", 101, "is 101, not 1 to 100"),
        ("kubernetes", "scale_settings__polling_interval", 0, "is 0, not at least 1"),
    ],
)  # fmt: skip
def test_a_number_out_of_its_range_is_told_with_the_asset(kind, name, value, said, tmp_path):
    refused = refusal(loaded(kind, **{name: value}), kind, tmp_path / "asset.yml")
    assert said in refused.message
    assert (refused.where, refused.code) == (str(tmp_path / "asset.yml"), INVALID_INPUT)


def test_a_release_with_such_an_asset_makes_no_deployment(cloud, standing, tmp_path, monkeypatch):
    wrong = shutil.copytree(endpoints.ASSETS, tmp_path / "assets") / "managed-deployment.yml"
    wrong.write_text(wrong.read_text().replace("timeout: 2", "timeout: 0").replace("10000", "200000"))
    monkeypatch.setattr(endpoints, "ASSETS", wrong.parent)
    with pytest.raises(Fault) as caught:
        standing.create_deployment(PROBLEM, "three", cloud.models["1"])
    assert "`liveness_probe.timeout` is 0" in caught.value.message
    assert "`request_settings.request_timeout_ms` is 200000" in caught.value.message
    assert {call.method for call in cloud.azure.server.calls()} == {"GET"}
