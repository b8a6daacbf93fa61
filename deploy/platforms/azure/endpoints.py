"""Online endpoints: found by their problem, read, made, changed by read-modify-write and read back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.platforms.azure import tags
from deploy.platforms.azure.faults import NotThere, as_fault
from deploy.platforms.azure.sdk import Sdk
from deploy.platforms.azure.serving import Serving
from deploy.platforms.local.home import REPOSITORY
from deploy.release.state import Deployment, ModelRef, Observed, State, Tags
from ml.fault import Fault

ASSETS = REPOSITORY / "deploy" / "assets" / "endpoints"
HOLDS_WITHIN_SECONDS, LOOK_SECONDS = 180.0, 2.0
SHOWN_WITHIN_SECONDS = 120.0
NOT_FOUND = 404
LONGEST_STEM, HASH_DIGITS = 23, 8
STATES: Mapping[str, State] = {
    "Creating": "creating", "Updating": "creating", "Scaling": "creating", "Succeeded": "ready",
    "Failed": "failed", "Canceled": "failed", "Deleting": "failed",
}  # fmt: skip


@dataclass(frozen=True)
class Endpoints:
    """The endpoints of a stack."""

    sdk: Sdk
    serving: Serving

    def azure_name(self, problem: str) -> str:
        """See `azure_name`."""
        return azure_name(self.sdk.outputs.workspace_id, problem)

    def problems(self) -> tuple[str, ...]:
        """The problems that have an endpoint here."""
        found = self.sdk.call("list the endpoints", lambda client: list(client.online_endpoints.list()))
        return tuple(sorted(one.tags[tags.PROBLEM] for one in found if tags.PROBLEM in (one.tags or {})))

    def read(self, problem: str) -> Any:
        """The SDK's entity.

        Raises:
            NotThere: there is no such endpoint.
        """
        name = self.azure_name(problem)
        return self.sdk.call(f"read the endpoint {name}", lambda client: client.online_endpoints.get(name))

    def deployments(self, name: str) -> list[Any]:
        """The SDK's entities of an endpoint's deployments, by the endpoint's name in Azure.

        Raises:
            NotThere: there is no such endpoint.
        """
        doing = f"list the deployments of {name}"
        return self.sdk.call(doing, lambda client: list(client.online_deployments.list(name)))

    def absent(self, problem: str) -> Fault:
        """What is said to whoever wants something of an endpoint that is not there."""
        stack = self.sdk.outputs.stack
        remedy = f"mlops release {problem} --stack {stack} --platform azure"
        return Fault(f"{stack} has no endpoint for {problem}", self.azure_name(problem), remedy)

    def observe(self, problem: str) -> Observed:
        """The endpoint with its deployments, as they are now."""
        try:
            entity = self.read(problem)
        except NotThere:
            return Observed(exists=False)
        name = entity.name
        deployments = tuple(deployment_of(one) for one in self.deployments(name))
        mirror = {d: int(percent) for d, percent in (entity.mirror_traffic or {}).items() if percent}
        return Observed(
            exists=True,
            deployments=deployments,
            traffic=_named(traffic_of(entity), deployments),
            mirror=_named(mirror, deployments),
            tags=tags.decode(entity.tags or {}),
        )

    def create(self, problem: str) -> None:
        """Makes the endpoint, with the identity that `infra` gave its rights to; leaves one alone that is there."""
        from azure.ai.ml import load_online_endpoint
        from azure.ai.ml.entities import IdentityConfiguration, ManagedIdentityConfiguration

        try:
            self.read(problem)
            return
        except NotThere:
            pass
        outputs = self.sdk.outputs
        entity = load_online_endpoint(ASSETS / f"{self.serving.compute}.yml")
        entity.name = self.azure_name(problem)
        entity.auth_mode = self.serving.auth
        entity.tags = {tags.PROBLEM: problem, **tags.encode(Tags(), {})}
        if self.serving.is_managed:
            identity = ManagedIdentityConfiguration(resource_id=outputs.endpoint_identity_id)
            entity.identity = IdentityConfiguration(type="user_assigned", user_assigned_identities=[identity])
            entity.public_network_access = "disabled" if outputs.private_network else "enabled"
        else:
            entity.compute = outputs.kubernetes_compute
        self._write(entity)
        self._await_shown(problem)

    def change(self, problem: str, change: Callable[[Any], None], holds: Callable[[Any], bool]) -> None:
        """Reads, changes, writes, and waits until what is read is what was written.

        The service shows an update late, and an entity that is not read first would clear what it does not name.
        """
        entity = self.read(problem)
        change(entity)
        self._write(entity)
        deadline = time.monotonic() + HOLDS_WITHIN_SECONDS
        while not holds(self.read(problem)):
            if time.monotonic() > deadline:
                message = f"what was written is not read back after {HOLDS_WITHIN_SECONDS:.0f} s"
                raise Fault(message, entity.name, "run the same command again; it starts from what is there")
            time.sleep(LOOK_SECONDS)

    def write_tags(self, problem: str, wanted: Tags) -> None:
        """Writes what a later release must know; other tags stay as they are."""
        written: dict[str, str] = {}

        def change(entity: Any) -> None:
            written.update(tags.encode(wanted, entity.tags or {}))
            entity.tags = dict(written)
            entity.traffic = traffic_of(entity)

        self.change(problem, change, lambda read: tags.decode(read.tags or {}) == tags.decode(written))

    def _await_shown(self, problem: str) -> None:
        """One that was just made: parts of the service may not know it yet."""
        deadline = time.monotonic() + SHOWN_WITHIN_SECONDS
        while True:
            try:
                _check(self.read(problem), f"make the endpoint {self.azure_name(problem)}")
                return
            except NotThere:
                if time.monotonic() > deadline:
                    raise
            time.sleep(LOOK_SECONDS)

    def _write(self, entity: Any) -> None:
        from azure.core.exceptions import HttpResponseError

        sdk, doing = self.sdk, f"write the endpoint {entity.name}"
        try:
            _check(sdk.wait(doing, lambda client: client.online_endpoints.begin_create_or_update(entity)), doing)
        except HttpResponseError as error:
            if error.status_code == NOT_FOUND:  # it was accepted, and is not shown everywhere yet
                return
            raise as_fault(error, doing, sdk.outputs.resource_group, sdk.outputs.stack) from None


def _check(entity: Any, doing: str) -> None:
    """An update that fails may be answered without an error."""
    if getattr(entity, "provisioning_state", None) == "Failed":
        raise Fault("the service says that it failed", doing, "see the endpoint's page in the studio")


def azure_name(workspace_id: str, problem: str) -> str:
    """The name of a problem's endpoint in Azure: one in the whole region, whoever else serves such a problem there."""
    own = f"{workspace_id}/{problem}".lower().encode()
    return f"{problem[:LONGEST_STEM].rstrip('-')}-{hashlib.sha256(own).hexdigest()[:HASH_DIGITS]}"


def traffic_of(entity: Any) -> dict[str, int]:
    """Percent by deployment, zeros left out."""
    return {name: int(percent) for name, percent in (entity.traffic or {}).items() if percent}


def deployment_of(entity: Any) -> Deployment:
    """A deployment as a release sees it; one that none of ours has made has no digest."""
    kept = entity.tags or {}
    name, version, digest = (kept.get(f"mlops.{word}", "") for word in ("model", "version", "digest"))
    state = getattr(entity.provisioning_state, "value", entity.provisioning_state)  # an enumeration or a word
    return Deployment(entity.name, ModelRef(name, version, digest), STATES.get(str(state), "unhealthy"))


def asset(name: str) -> Path:
    """A YAML file of the endpoints' assets."""
    return ASSETS / name


def _named(percents: Mapping[str, int], deployments: tuple[Deployment, ...]) -> dict[str, int]:
    """The service lower-cases the names in its traffic; a deployment's own name counts."""
    own = {d.name.lower(): d.name for d in deployments}
    return {own.get(name.lower(), name): percent for name, percent in percents.items()}
