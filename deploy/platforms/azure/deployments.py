"""Deployments of an endpoint: made from the assets' YAML, waited for, removed, and their logs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.code import staged
from deploy.platforms.azure.collected import place_of
from deploy.platforms.azure.endpoints import NOT_FOUND, SHOWN_WITHIN_SECONDS, Endpoints, asset
from deploy.platforms.azure.environments import environment
from deploy.platforms.azure.faults import BY_CODE, NotThere, as_fault, code_of
from deploy.platforms.azure.ranges import check_ranges
from deploy.platforms.azure.registry import Registry
from deploy.platforms.azure.sdk import OPERATION_SECONDS, POLL_SECONDS
from deploy.platforms.azure.tags import DIGEST
from deploy.platforms.local.home import REPOSITORY
from deploy.platforms.protocol import DeploymentFailed
from deploy.release.state import ModelRef
from ml.fault import Fault

MOST = 20
LAST_LINES = 20


@dataclass(frozen=True)
class Deployments:
    """The deployments of a stack's endpoints.

    Attributes:
        code: where snapshots of the code are kept.
    """

    endpoints: Endpoints
    registry: Registry
    code: Path

    def create(self, problem: str, name: str, model: ModelRef) -> None:
        """Makes a deployment at 0 % and waits until it is ready; takes up one that is being made.

        Raises:
            DeploymentFailed: the model does not come up.
            Fault: the service does not make it, for a reason that is not the model's.
        """
        endpoint = self.endpoints.azure_name(problem)
        known, said = self._find(endpoint, name), ""
        if known is None:
            self._check_room(endpoint)
            said = self._begin(endpoint, name, model)
            known = self._find(endpoint, name) if said else self._shown(endpoint, name)
        deadline = time.monotonic() + OPERATION_SECONDS
        while known is not None and known.provisioning_state in ("Creating", "Updating", "Scaling"):
            if time.monotonic() > deadline:
                raise Fault(f"{name} is still being made", endpoint, "the same command goes on")
            time.sleep(POLL_SECONDS)
            known = self._shown(endpoint, name)
        if known is None or known.provisioning_state != "Succeeded":
            raise DeploymentFailed(f"{name} did not come up: {self._last_words(endpoint, name, said)}")

    def delete(self, problem: str, name: str) -> None:
        """Removes a deployment and waits until it is gone; what is gone already is as it should be."""
        endpoint = self.endpoints.azure_name(problem)
        doing = f"delete the deployment {name} of {endpoint}"
        try:
            self.endpoints.sdk.finish(doing, lambda client: client.online_deployments.begin_delete(name, endpoint))
        except NotThere:
            return

    def logs(self, problem: str, lines: int) -> dict[str, tuple[str, ...]]:
        """By deployment, the last lines of its container's log."""
        endpoint = self.endpoints.azure_name(problem)
        try:
            made = self.endpoints.deployments(endpoint)
        except NotThere:
            raise self.endpoints.absent(problem) from None
        return {one.name: self._log(endpoint, one.name, lines) for one in made}

    def _find(self, endpoint: str, name: str) -> Any:
        doing = f"read the deployment {name} of {endpoint}"
        try:
            return self.endpoints.sdk.call(doing, lambda client: client.online_deployments.get(name, endpoint))
        except NotThere:
            return None

    def _shown(self, endpoint: str, name: str) -> Any:
        """One that was just made: parts of the service may not know it yet."""
        deadline = time.monotonic() + SHOWN_WITHIN_SECONDS
        while (known := self._find(endpoint, name)) is None and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return known

    def _check_room(self, endpoint: str) -> None:
        made = len(self.endpoints.deployments(endpoint))
        if made >= MOST:
            raise Fault(f"it has {made} deployments, the most it may have", endpoint, "delete what serves nothing")

    def _begin(self, endpoint: str, name: str, model: ModelRef) -> str:
        """Makes it, and returns what the service says where that fails in a way that may be the model's doing."""
        from azure.core.exceptions import HttpResponseError

        sdk = self.endpoints.sdk
        entity, doing = self._entity(endpoint, name, model), f"make the deployment {name} of {endpoint}"
        try:
            sdk.wait(doing, lambda client: client.online_deployments.begin_create_or_update(entity))
        except HttpResponseError as error:
            if error.status_code == NOT_FOUND:  # it was accepted, and is not shown everywhere yet
                return ""
            said = as_fault(error, doing, sdk.outputs.resource_group, sdk.outputs.stack).message
            remedy = BY_CODE.get(code_of(error))
            if remedy is not None:
                raise Fault(said, doing, remedy) from None
            return said
        return ""

    def _entity(self, endpoint: str, name: str, model: ModelRef) -> Any:
        from azure.ai.ml import load_online_deployment

        serving = self.endpoints.serving
        file = asset(f"{serving.compute}-deployment.yml")
        entity = load_online_deployment(file)
        check_ranges(entity, serving.compute, file)
        entity.name, entity.endpoint_name = name, endpoint
        entity.code_configuration.code = str(staged(REPOSITORY, self.code))
        entity.environment = environment(self.endpoints.sdk, "serving")
        entity.model = self.registry.uri(model, by_reference=serving.is_managed)
        entity.tags = {"mlops.model": model.name, "mlops.version": model.version, DIGEST: model.digest}
        entity.environment_variables = {
            **(entity.environment_variables or {}),
            "MLOPS_DEPLOYMENT": name,
            "MLOPS_MODEL_NAME": model.name,
            "MLOPS_MODEL_VERSION": model.version,
            "MLOPS_DIGEST": model.digest,
            "MLOPS_COLLECT_TO": place_of(self.endpoints.sdk, model.name),
            "MLOPS_IDENTITY": self.endpoints.sdk.outputs.endpoint_identity_client_id,
        }
        entity.instance_count = serving.instances
        entity.instance_type = serving.instance_type or entity.instance_type
        if not serving.is_managed:
            self._fit_cluster(entity)
        return entity

    def _fit_cluster(self, entity: Any) -> None:
        """An instance type that the cluster has, and as many instances as the policy allows."""
        from azure.ai.ml.entities import DefaultScaleSettings

        serving, known = self.endpoints.serving, self.endpoints.sdk.outputs.instance_types
        if known and entity.instance_type not in known:
            entity.instance_type = known[0]
        if serving.most_instances is None:
            entity.scale_settings = DefaultScaleSettings()
        else:
            entity.scale_settings.min_instances = serving.instances
            entity.scale_settings.max_instances = serving.most_instances

    def _last_words(self, endpoint: str, name: str, said: str) -> str:
        """The last line of its log that says anything, otherwise what the service says."""
        try:
            lines = [line.strip() for line in self._log(endpoint, name, LAST_LINES) if line.strip()]
        except Fault as fault:
            return said or fault.message
        return lines[-1] if lines else said or "its log is empty"

    def _log(self, endpoint: str, name: str, lines: int) -> tuple[str, ...]:
        doing = f"read the log of {name} of {endpoint}"
        text = self.endpoints.sdk.call(
            doing, lambda client: client.online_deployments.get_logs(name, endpoint, lines=lines)
        )
        return tuple(str(text).splitlines()[-lines:])
