"""The stand-in's deployments of online endpoints: made with a container each, listed, removed."""

from __future__ import annotations

import traceback
from typing import Any

from tests.stand_in.assets import PROVIDER, Assets
from tests.stand_in.containers import Container, Containers
from tests.stand_in.described import check
from tests.stand_in.endpoints import NAME, ONE, Endpoint, Endpoints
from tests.stand_in.limits import check_ranges
from tests.stand_in.server import Answer, Asked, Refused, Server

MOST_DEPLOYMENTS = 20


class Deployments:
    """The deployments of both workspaces."""

    def __init__(self, server: Server, assets: Assets, endpoints: Endpoints, containers: Containers) -> None:
        self.server, self.assets, self.endpoints, self.containers = server, assets, endpoints, containers
        route = server.route
        route("GET", f"{ONE}/deployments", self._list)
        route("GET", f"{ONE}/deployments/{{d}}", self._get)
        route("PUT", f"{ONE}/deployments/{{d}}", self._put)
        route("DELETE", f"{ONE}/deployments/{{d}}", self._delete)
        route("POST", f"{ONE}/deployments/{{d}}/getLogs", self._logs)

    def deployment(self, workspace: str, endpoint: str, name: str) -> Container:
        found = self.endpoints.endpoint(workspace, endpoint).deployments.get(name)
        if found is None:
            raise Refused(404, "ResourceNotFound", f"OnlineDeployment {name} was not found.")
        return found

    def _list(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        return Answer(body={"value": [d.body for d in self.endpoints.endpoint(w, e).deployments.values()]})

    def _get(self, asked: Asked, s: str, g: str, w: str, e: str, d: str) -> Answer:
        return Answer(body=self.deployment(w, e, d).body)

    def _put(self, asked: Asked, s: str, g: str, w: str, e: str, d: str) -> Answer:
        body = asked.json
        with self.endpoints.lock:
            endpoint = self.endpoints.endpoint(w, e)
            check("OnlineDeployment", body)
            known = endpoint.deployments.get(d)
            self._refuse(endpoint, e, d, known, body)
            made = self._shown(w, e, d, body)
            container = Container(made)
            if known:
                known.stop()
            endpoint.deployments[d] = container

        def work() -> None:
            try:
                self.containers.run(w, e, d, container)
            except Refused:
                made["properties"]["provisioningState"] = "Failed"
                raise
            except (OSError, ValueError, KeyError) as error:
                made["properties"]["provisioningState"] = "Failed"
                self.server.mishaps += [] if isinstance(error, ValueError) else [traceback.format_exc()]
                raise Refused(400, "DeploymentFailed", f"The container did not become ready: {error}") from None
            made["properties"]["provisioningState"] = "Succeeded"

        return Answer(200 if known else 201, made, self.server.operate(work, self.endpoints.operation_seconds))

    def _refuse(self, endpoint: Endpoint, e: str, d: str, known: Container | None, body: dict[str, Any]) -> None:
        wanted = body["properties"]
        if not NAME.fullmatch(d):
            raise Refused(400, "UserError", f"The deployment name {d} is not valid.")
        if endpoint.busy or (known and known.body["properties"]["provisioningState"] in ("Creating", "Updating")):
            raise Refused(409, "Conflict", f"There is already an operation on {e}.")
        if known is None and len(endpoint.deployments) >= MOST_DEPLOYMENTS:
            raise Refused(400, "BadArgument", f"An endpoint has at most {MOST_DEPLOYMENTS} deployments.")
        kubernetes = wanted["endpointComputeType"] == "Kubernetes"
        if kubernetes != bool(endpoint.body["properties"].get("compute")):
            raise Refused(400, "BadArgument", "A deployment is of its endpoint's kind: Kubernetes, or managed.")
        if kubernetes and "/registries/" in str(wanted.get("model")):
            raise Refused(400, "BadArgument", "A Kubernetes deployment cannot take a model of a registry.")
        check_ranges(wanted, (body.get("sku") or {}).get("capacity"))

    def _shown(self, w: str, e: str, d: str, body: dict[str, Any]) -> dict[str, Any]:
        properties = {**body["properties"], "provisioningState": "Creating"}
        if properties["endpointComputeType"] == "Kubernetes" and not properties.get("containerResourceRequirements"):
            asked = {"cpu": "100m", "memory": "0.5Gi"}
            properties["containerResourceRequirements"] = {"containerResourceRequests": asked}
        id = f"{self.assets.workspaces[w].id}/onlineEndpoints/{e}/deployments/{d}"
        more = {"location": body["location"], "tags": body.get("tags") or {}, "sku": body.get("sku"), "kind": "Managed"}
        return self.assets.resource(id, f"{PROVIDER[10:]}/workspaces/onlineEndpoints/deployments", properties, **more)

    def _delete(self, asked: Asked, s: str, g: str, w: str, e: str, d: str) -> Answer:
        endpoint = self.endpoints.endpoint(w, e)
        container = endpoint.deployments.get(d)
        if container is None:
            return Answer(204)
        if endpoint.busy:
            raise Refused(409, "Conflict", f"There is already an operation on {e}.")
        container.body["properties"]["provisioningState"] = "Deleting"

        def work() -> None:
            self.containers.give_up(container)
            endpoint.deployments.pop(d, None)

        return Answer(202, headers=self.server.operate(work, self.endpoints.operation_seconds))

    def _logs(self, asked: Asked, s: str, g: str, w: str, e: str, d: str) -> Answer:
        log = self.deployment(w, e, d).log
        lines = log.read_text().splitlines() if log and log.exists() else []
        return Answer(body={"content": "\n".join(lines[-asked.json.get("tail", 50) :])})
