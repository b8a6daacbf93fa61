"""What the verbs need of a stack that is up, each with a cheap read that says how it is."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.platforms.azure.endpoints import Endpoints, asset
from deploy.platforms.azure.faults import Forbidden, NotThere
from deploy.platforms.azure.sdk import Sdk
from ml.fault import Fault

ANY_MODEL = "mlops-doctor"  # a model of this name need not be there: asking for it takes the right to
# What a managed deployment reserves for the upgrades of its machines: learn.microsoft.com, "Manage resources and quotas
# for Azure Machine Learning", virtual machine quota of managed online endpoints.
RESERVED_SHARE = 0.2
API_VERSION = "2024-10-01"
DEDICATED = "Cluster Dedicated"  # not the low-priority cores of the same family


@dataclass(frozen=True)
class Needs:
    """Those of one stack."""

    sdk: Sdk
    endpoints: Endpoints

    def reads(self) -> Mapping[str, Callable[[], str]]:
        """See `Platform.needs`."""
        return {
            "workspace": self._workspace,
            "storage": self._storage,
            "registry": self._registry,
            "serving": self._quota if self.endpoints.serving.is_managed else self._attached,
        }

    def _workspace(self) -> str:
        made = len(self.endpoints.problems())
        return f"{self.sdk.outputs.workspace_name} in {self.sdk.location}, {made} endpoint(s)"

    def _storage(self) -> str:
        outputs = self.sdk.outputs
        container = self.sdk.storage.get_container_client(outputs.raw_container)
        of, doing = "the storage account", f"list {outputs.raw_container} of {outputs.storage_account}"
        self.sdk.call(doing, lambda raw: next(iter(raw.list_blobs(results_per_page=1)), None), of, lambda: container)
        return f"{outputs.storage_account}/{outputs.raw_container}"

    def _registry(self) -> str:
        name, client = self.sdk.outputs.registry_name, self.sdk.registry
        with contextlib.suppress(NotThere):
            doing = f"list the models of {name}"
            self.sdk.call(doing, lambda shared: list(shared.models.list(ANY_MODEL)), "the registry", lambda: client)
        return name

    def _attached(self) -> str:
        name = self.sdk.outputs.kubernetes_compute
        self.sdk.call(f"read the compute {name}", lambda client: client.compute.get(name))
        return f"on {name}, which is attached"

    def _quota(self) -> str:
        """One deployment more than there are, as a release makes it beside the one that serves."""
        from azure.ai.ml import load_online_deployment

        serving = self.endpoints.serving
        size = serving.instance_type or str(load_online_deployment(asset("managed-deployment.yml")).instance_type)
        told = f"{serving.instances} {size}"
        try:
            sizes, usages = self._listed("vmSizes"), self._listed("usages")
        except Forbidden:  # the roles on a resource group do not give it, and no verb needs it
            return f"{told}; how many cores are left is told to a Reader of the subscription"
        where, another = self.sdk.location, "another `serving.instance_type`"
        machine = next((one for one in sizes if one["name"].lower() == size.lower()), None)
        if machine is None:
            raise Fault(f"{where} has no size {size}", "", another)
        free = _cores_left(usages, machine["family"])
        if free is None:
            return f"{told}, whose quota the service does not tell"
        wanted = machine["vCPUs"] * math.ceil(serving.instances * (1 + RESERVED_SHARE))
        if free < wanted:
            message = f"{machine['family']} has {free} cores left in {where}, one deployment of {size} wants {wanted}"
            raise Fault(message, "", f"ask for more in the studio under Quota, or {another}")
        return f"{told}, {free} cores left"

    def _listed(self, what: str) -> list[Any]:
        """Asked without the SDK: its classes leave the numbers out."""
        place = f"/subscriptions/{self.sdk.outputs.subscription_id}/providers/Microsoft.MachineLearningServices"
        path = f"{place}/locations/{self.sdk.location}/{what}"
        return self.sdk.listed(f"list the {what}", path, {"api-version": API_VERSION}, of="the quota")


def _cores_left(usages: list[Any], family: str) -> int | None:
    """Of the machine learning service's own quota, which is another than that of virtual machines."""
    left = [
        one["limit"] - one["currentValue"]
        for one in usages
        if one["name"]["value"].lower() == family.lower() and DEDICATED in one["name"]["localizedValue"]
    ]
    return min(left, default=None)
