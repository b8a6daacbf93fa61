"""Prod takes the same bytes as dev: by reference where it can, otherwise proved on the way."""

import pytest

from deploy.platforms.azure.registry import shared_version
from ml import digest
from ml.fault import Fault
from tests.deploy.platforms.azure.conftest import PROBLEM


@pytest.fixture
def prod(cloud):
    """Prod's registry after dev has shared version 1, and the version."""
    cloud.register("1", "2")
    cloud.platform().share(cloud.models["1"])
    return cloud.platform("prod").registry, cloud.models["1"]


def registered_in_prod(cloud):
    return cloud.azure.assets.workspaces["mlw-prod"].assets.get("models", {}).get(PROBLEM, {})


def test_a_managed_endpoint_names_the_registrys_own(cloud, prod):
    registry, model = prod
    assert registry.uri(model, by_reference=True).endswith(f"/models/{PROBLEM}/versions/{shared_version(model)}")
    assert not registered_in_prod(cloud)


def test_for_kubernetes_the_same_bytes_become_a_version_of_the_workspace_once(cloud, prod, tmp_path):
    registry, model = prod
    for _ in range(2):
        assert registry.uri(model, by_reference=False) == f"azureml:{PROBLEM}:1"
    (made,) = registered_in_prod(cloud).values()
    assert made["properties"]["tags"]["mlops.digest"] == model.digest
    assert digest.of_path(cloud.azure.assets.bring(made["id"], tmp_path / "there")) == model.digest
    assert len(cloud.azure.server.calls("PUT", f"mlw-prod/models/{PROBLEM}/versions")) == 1


def test_bytes_that_were_forged_in_the_registry_are_not_registered(cloud, prod):
    registry, model = prod
    there = f"registry-{PROBLEM}-{shared_version(model)}"
    blobs = cloud.azure.storage["shared"]
    name = next(name for name in blobs.list(there) if name.endswith("booster.txt"))
    blobs.put(there, name, blobs.get(there, name).replace(b"0", b"1", 1))
    with pytest.raises(Fault, match=r"have the digest .* → train and gate it again"):
        registry.uri(model, by_reference=False)
    assert not registered_in_prod(cloud)


def test_a_version_that_prod_has_with_other_bytes_is_not_taken_for_it(cloud, prod):
    registry, model = prod
    registry.uri(model, by_reference=False)
    registered_in_prod(cloud)["1"]["properties"]["tags"]["mlops.digest"] = cloud.models["2"].digest
    with pytest.raises(Fault, match="has other bytes than"):
        registry.uri(model, by_reference=False)


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
