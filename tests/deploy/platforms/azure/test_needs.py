"""What `mlops doctor` finds of a stack that is up: its outputs, rights, quota, what serves."""

import pytest

from deploy.doctor.stack import check_stacks
from tests.deploy.platforms.azure.conftest import PROBLEM
from tests.quick_rollout import ROLLOUT


def found(cloud, stack: str = "dev"):
    """The findings, and that whatever is wrong has a remedy."""
    findings = list(check_stacks(cloud.platform, stack))
    assert all(finding.remedy for finding in findings if finding.level != "ok")
    return findings


def wrong(cloud):
    return [finding for finding in found(cloud) if finding.level != "ok"]


@pytest.fixture
def served(cloud):
    """Dev's endpoint, whose process answers nothing."""
    cloud.serve_sham()
    return cloud


def test_a_stack_that_is_up_is_read_and_nothing_is_written(either):
    findings = found(either)
    assert {one.level for one in findings} == {"ok"}
    assert [one.check for one in findings] == ["outputs", "workspace", "storage", "registry", "serving", "outputs"]
    serving = {"managed": "1 Standard_DS3_v2, 100 cores left", "kubernetes": "on aks, which is attached"}
    assert findings[4].message == serving[either.kind]
    assert {call.method for call in either.azure.server.calls()} == {"GET"}


def test_stacks_before_their_first_up_are_a_warning(cloud):
    cloud.azure.bring_up()
    findings = found(cloud)
    assert [(one.check, one.level) for one in findings] == [("outputs", "warning")] * 2
    assert [one.remedy for one in findings] == ["pulumi up --stack dev", "pulumi up --stack prod"]


@pytest.mark.parametrize(
    ("path", "check", "role"),
    [
        ("onlineEndpoints", "workspace", "AzureML Data Scientist on the resource group rg-dev"),
        ("^/+stdev/raw", "storage", "Storage Blob Data Contributor on the resource group rg-dev"),
        ("registr", "registry", "AzureML Registry User on the registry"),
    ],
)
def test_a_right_that_is_lacking_names_its_role_and_the_rest_is_still_looked_at(cloud, path, check, role):
    cloud.azure.server.refuse("*", path, 403, "AuthorizationFailed", "It is not allowed.", times=99)
    (finding,) = wrong(cloud)
    assert (finding.check, finding.level) == (check, "fault")
    assert role in finding.remedy


def test_who_may_not_read_the_quota_is_in_nobodys_way(cloud):
    cloud.azure.server.refuse("GET", "usages", 403, "AuthorizationFailed", "It is not allowed.", times=99)
    assert found(cloud)[4].message.endswith("is told to a Reader of the subscription")


def test_a_size_with_too_few_cores_left_is_found_with_what_an_upgrade_reserves(cloud):
    (cloud.folder / "rollout" / "azure.yaml").write_text(ROLLOUT.replace("dev:\n", "dev:\n  serving: {instances: 5}\n"))
    cloud.azure.quota.used["standardDSv2Family"] = 77  # 23 are left; 5 machines of 4 cores and one more are 24
    (finding,) = wrong(cloud)
    assert finding.message.endswith("has 23 cores left in westeurope, one deployment of Standard_DS3_v2 wants 24")
    cloud.azure.quota.used["standardDSv2Family"] = 76
    assert not wrong(cloud)


def test_a_family_is_found_on_whichever_page_of_the_quota_it_stands(cloud):
    for size in (1, 2, 4, 100):
        cloud.azure.quota.page = size
        cloud.azure.server.ledger.clear()
        assert found(cloud)[4].message == "1 Standard_DS3_v2, 100 cores left"
        assert len(cloud.azure.server.calls("GET", "/usages")) == -(-4 // size)


def test_a_size_that_the_region_lacks_is_found(cloud):
    (cloud.folder / "rollout" / "azure.yaml").write_text(
        ROLLOUT.replace("dev:\n", "dev:\n  serving: {instance_type: Standard_X1}\n")
    )
    assert wrong(cloud)[0].message == "westeurope has no size Standard_X1"


def test_what_serves_is_told_and_what_failed_is_found(served):
    assert found(served)[5].message == f"{PROBLEM}: one serves"
    (endpoint,) = served.azure.endpoints.known.values()
    endpoint.deployments["one"].body["properties"]["provisioningState"] = "Failed"
    (finding,) = wrong(served)
    assert (finding.level, finding.message) == ("fault", f"{PROBLEM}: one serves and is failed")
    assert finding.remedy == f"mlops rollback {PROBLEM} --stack dev --platform azure"
    endpoint.body["properties"]["traffic"] = {}
    (finding,) = wrong(served)
    assert (finding.level, finding.message) == ("warning", f"{PROBLEM}: one is failed")
