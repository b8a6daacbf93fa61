"""The stand-in's online endpoints: real scoring processes behind keys, traffic and a mirror."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from deploy.platforms.local.endpoint.router import Turn
from tests.stand_in.assets import PROVIDER, Assets
from tests.stand_in.described import check
from tests.stand_in.server import Answer, Asked, Refused, Server, check_token, token

NAME = re.compile(r"(?=.{3,32}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*")
MOST_DEPLOYMENTS, MOST_TAGS, LONGEST_TAG, LONGEST_TAG_NAME = 20, 50, 256, 512
UP_SECONDS = 40.0
DOCKERFILE_COMMAND = re.compile(r"^CMD (\[.*\])$", re.MULTILINE)


@dataclass(frozen=True)
class Seen:
    """One answered request, as metrics and the router's log tell of it."""

    at: float
    endpoint: str
    deployment: str
    status: int
    model_status: int
    milliseconds: float
    mirrored: bool


@dataclass
class Running:
    """One deployment: what was asked for, and its process."""

    body: dict[str, Any]
    process: subprocess.Popen[str] | None = None
    port: int = 0
    log: Path | None = None

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


@dataclass
class Endpoint:
    """One endpoint: what was asked for, its deployments, and what reads still show."""

    body: dict[str, Any]
    deployments: dict[str, Running] = field(default_factory=dict)
    keys: tuple[str, str] = field(default_factory=lambda: (uuid.uuid4().hex, uuid.uuid4().hex))
    busy: bool = False
    turn: Turn = field(default_factory=Turn)
    mirror_turn: Turn = field(default_factory=Turn)
    stale: list[dict[str, Any]] = field(default_factory=list)


class Endpoints:
    """The online endpoints of both workspaces.

    Attributes:
        operation_seconds: how long a write is under way.
        stale_reads: how many reads after a write of an endpoint show what was before.
        seen: every answered request.
        reuses: whether a container that was removed is taken again for a deployment that is made the same way.
        command: replaces what a deployment's container runs, given the deployment's body; None runs it.
    """

    def __init__(self, server: Server, assets: Assets, folder: Path) -> None:
        self.server, self.assets, self.folder = server, assets, folder
        self.known: dict[tuple[str, str], Endpoint] = {}
        self.operation_seconds = 0.0
        self.stale_reads = 0
        self.reuses = False
        self._warm: dict[str, Running] = {}
        self.seen: list[Seen] = []
        self.command: Callable[[dict[str, Any]], list[str] | None] = lambda body: None
        self._secret = uuid.uuid4().hex
        self._lock = threading.RLock()
        self._add_routes()

    def stop(self) -> None:
        for endpoint in self.known.values():
            for running in endpoint.deployments.values():
                running.stop()
        for running in self._warm.values():
            running.stop()

    def _add_routes(self) -> None:
        route = self.server.route
        prefix = f"/subscriptions/{{s}}/resourceGroups/{{g}}/{PROVIDER}/workspaces/{{w}}/onlineEndpoints"
        one = f"{prefix}/{{e}}"
        route("GET", "/msi/token", self._identity, token=False)
        route("GET", prefix, self._list)
        route("GET", one, self._get)
        route("PUT", one, self._put)
        route("DELETE", one, self._delete)
        route("POST", f"{one}/listKeys", self._list_keys)
        route("POST", f"{one}/token", self._token)
        route("GET", f"{one}/deployments", self._list_deployments)
        route("GET", f"{one}/deployments/{{d}}", self._get_deployment)
        route("PUT", f"{one}/deployments/{{d}}", self._put_deployment)
        route("DELETE", f"{one}/deployments/{{d}}", self._delete_deployment)
        route("POST", f"{one}/deployments/{{d}}/getLogs", self._logs)
        for method in ("POST", "GET"):
            route(method, "/inference/{w}/{e}/{rest*}", self._score, token=False)

    def _identity(self, asked: Asked) -> Answer:
        """The token of the identity that a container runs as, from beside it."""
        client = asked.query.get("clientid", "")
        if asked.headers.get("secret") != self._secret or not re.fullmatch(r"client-(dev|prod)-endpoint", client):
            raise Refused(400, "invalid_request", "Identity not found")
        return Answer(
            body={"access_token": token(), "expires_on": str(int(time.time()) + 3600), "token_type": "Bearer"}
        )

    # Endpoints
    def endpoint(self, workspace: str, name: str) -> Endpoint:
        if workspace not in self.assets.workspaces:
            raise Refused(404, "ResourceNotFound", f"The workspace {workspace} was not found.")
        found = self.known.get((workspace, name.lower()))
        if found is None:
            raise Refused(404, "ResourceNotFound", f"OnlineEndpoint {name} was not found.")
        return found

    def _list(self, asked: Asked, s: str, g: str, w: str) -> Answer:
        if w not in self.assets.workspaces:
            raise Refused(404, "ResourceNotFound", f"The workspace {w} was not found.")
        return Answer(body={"value": [e.body for (where, _), e in self.known.items() if where == w]})

    def _get(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        endpoint = self.endpoint(w, e)
        return Answer(body=endpoint.stale.pop(0) if endpoint.stale else endpoint.body)

    def _put(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        body = asked.json
        with self._lock:
            self.assets._known(w)
            check("OnlineEndpoint", body)
            known = self.known.get((w, e.lower()))
            self._check_endpoint(e, body, known)
            self._check_place(w, e, body["properties"])
            if known and known.busy:
                raise Refused(409, "Conflict", f"There is already an operation on the endpoint {e}.")
            before = json.loads(json.dumps(known.body)) if known else None
            made = self._shown(w, e, body, "Updating" if known else "Creating")
            endpoint = known or self.known.setdefault((w, e.lower()), Endpoint(made))
            endpoint.body, endpoint.busy = made, True
            if before:
                endpoint.stale = [before] * self.stale_reads

        def done() -> None:
            made["properties"]["provisioningState"] = "Succeeded"
            endpoint.busy = False

        return Answer(200 if known else 201, made, self.server.operate(done, self.operation_seconds))

    def _check_endpoint(self, name: str, body: dict[str, Any], known: Endpoint | None) -> None:
        if not NAME.fullmatch(name):
            raise Refused(400, "UserError", f"The endpoint name {name} is not valid.")
        tags = body.get("tags") or {}
        if len(tags) > MOST_TAGS or any(len(k) > LONGEST_TAG_NAME or len(v) > LONGEST_TAG for k, v in tags.items()):
            raise Refused(
                400, "InvalidTags", "A resource has at most 50 tags, names of 512 and values of 256 characters."
            )
        traffic, mirror = (body["properties"].get(key) or {} for key in ("traffic", "mirrorTraffic"))
        kubernetes = bool(body["properties"].get("compute"))
        deployments = known.deployments if known else {}
        for deployment in {*traffic, *mirror}:
            if deployment not in deployments:
                raise Refused(400, "BadArgument", f"The deployment {deployment} in the traffic does not exist.")
        if traffic and (sum(traffic.values()) not in (0, 100) or min(traffic.values()) < 0):
            raise Refused(400, "BadArgument", "The traffic must sum to 0 or 100, of shares of 0 to 100.")
        if mirror and (kubernetes or len(mirror) > 1 or not 0 <= max(mirror.values()) <= 50):
            raise Refused(400, "BadArgument", "Mirroring: managed endpoints only, one deployment, at most 50 percent.")
        if any(traffic.get(name) and mirror.get(name) for name in mirror):
            raise Refused(400, "BadArgument", "A deployment gets live or mirrored traffic, not both.")

    def _check_place(self, w: str, name: str, properties: dict[str, Any]) -> None:
        """A name is one of the region's; a cluster is one that is attached, and takes no Entra token."""
        if any(taken == name.lower() and where != w for where, taken in self.known):
            raise Refused(400, "UserError", f"The endpoint name {name} is already taken in this region.")
        compute = str(properties.get("compute") or "").rpartition("/")[2]
        if compute and compute not in self.assets.computes[w]:
            raise Refused(400, "UserError", f"The compute {compute} was not found.")
        if compute and properties["authMode"].lower() == "aadtoken":
            raise Refused(400, "UserError", "Kubernetes endpoints do not support AADToken.")

    def _shown(self, w: str, e: str, body: dict[str, Any], state: str) -> dict[str, Any]:
        place = self.assets.workspaces[w]
        properties = {
            "traffic": {},
            "mirrorTraffic": {},
            **body["properties"],
            "provisioningState": state,
            "scoringUri": f"{self.server.url}/inference/{w}/{e}/score",
            "swaggerUri": f"{self.server.url}/inference/{w}/{e}/swagger.json",
        }
        kind = "K8S" if properties.get("compute") else "Managed"
        more = {
            "location": body["location"],
            "tags": body.get("tags") or {},
            "kind": kind,
            "identity": body.get("identity"),
        }
        return self.assets.resource(
            f"{place.id}/onlineEndpoints/{e}", f"{PROVIDER[10:]}/workspaces/onlineEndpoints", properties, **more
        )

    def _delete(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        endpoint = self.endpoint(w, e)

        def work() -> None:
            for running in endpoint.deployments.values():
                running.stop()
            self.known.pop((w, e.lower()), None)

        return Answer(202, headers=self.server.operate(work, self.operation_seconds))

    def _list_keys(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        endpoint = self.endpoint(w, e)
        if endpoint.body["properties"]["authMode"].lower() != "key":
            raise Refused(400, "UserError", "The endpoint has no keys.")
        return Answer(body=dict(zip(("primaryKey", "secondaryKey"), endpoint.keys, strict=True)))

    def _token(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        self.endpoint(w, e)
        moment = int(time.time())
        body = {
            "accessToken": token(),
            "expiryTimeUtc": moment + 3600,
            "refreshAfterTimeUtc": moment + 1800,
            "tokenType": "Bearer",
        }
        return Answer(body=body)

    # Deployments
    def deployment(self, workspace: str, endpoint: str, name: str) -> Running:
        found = self.endpoint(workspace, endpoint).deployments.get(name)
        if found is None:
            raise Refused(404, "ResourceNotFound", f"OnlineDeployment {name} was not found.")
        return found

    def _list_deployments(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        return Answer(body={"value": [d.body for d in self.endpoint(w, e).deployments.values()]})

    def _get_deployment(self, asked: Asked, s: str, g: str, w: str, e: str, d: str) -> Answer:
        return Answer(body=self.deployment(w, e, d).body)

    def _put_deployment(self, asked: Asked, s: str, g: str, w: str, e: str, d: str) -> Answer:
        body = asked.json
        with self._lock:
            endpoint = self.endpoint(w, e)
            check("OnlineDeployment", body)
            known = endpoint.deployments.get(d)
            self._refuse_deployment(endpoint, e, d, known, body["properties"])
            made = self._shown_deployment(w, e, d, body)
            running = Running(made)
            if known:
                known.stop()
            endpoint.deployments[d] = running

        def work() -> None:
            try:
                self._run(w, e, d, running)
            except Refused:
                made["properties"]["provisioningState"] = "Failed"
                raise
            except (OSError, ValueError, KeyError) as error:
                made["properties"]["provisioningState"] = "Failed"
                self.server.mishaps += [] if isinstance(error, ValueError) else [traceback.format_exc()]
                raise Refused(400, "DeploymentFailed", f"The container did not become ready: {error}") from None
            made["properties"]["provisioningState"] = "Succeeded"

        return Answer(200 if known else 201, made, self.server.operate(work, self.operation_seconds))

    def _refuse_deployment(self, endpoint: Any, e: str, d: str, known: Any, wanted: dict[str, Any]) -> None:
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

    def _shown_deployment(self, w: str, e: str, d: str, body: dict[str, Any]) -> dict[str, Any]:
        properties = {**body["properties"], "provisioningState": "Creating"}
        if properties["endpointComputeType"] == "Kubernetes" and not properties.get("containerResourceRequirements"):
            asked = {"cpu": "100m", "memory": "0.5Gi"}
            properties["containerResourceRequirements"] = {"containerResourceRequests": asked}
        id = f"{self.assets.workspaces[w].id}/onlineEndpoints/{e}/deployments/{d}"
        more = {"location": body["location"], "tags": body.get("tags") or {}, "sku": body.get("sku"), "kind": "Managed"}
        return self.assets.resource(id, f"{PROVIDER[10:]}/workspaces/onlineEndpoints/deployments", properties, **more)

    def _run(self, w: str, e: str, d: str, running: Running) -> None:
        """Runs what the image runs, with the uploaded code and the model where a container has them."""
        properties, folder = running.body["properties"], self.folder / w / e / f"{d}-{uuid.uuid4().hex[:6]}"
        if self._taken_again(running):
            return
        context = self._bring(properties["environmentId"], folder / "context")
        code = self._code(properties["codeConfiguration"]["codeId"])
        model = self._bring(properties["model"], folder / "model" / "inner")
        command = self.command(running.body) or self._container(context, properties["environmentId"])
        running.log = folder / "log"
        variables = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MLOPS_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONSAFEPATH": "",
            "PYTHONPATH": "",
            "AML_APP_ROOT": str(code),
            "AZUREML_MODEL_DIR": str(model.parent),
            **(properties.get("environmentVariables") or {}),
            "MLOPS_HOST": "127.0.0.1",
            "MLOPS_PORT": "0",
            "MLOPS_WITH_PARENT": "1",
            "MSI_ENDPOINT": f"{self.server.url}/msi/token",
            "MSI_SECRET": self._secret,
            "MLOPS_COLLECT_EVERY": "0.2",  # nobody waits for the server's own pace
            **({"MLOPS_COLLECT": str(folder / "collected")} if "MLOPS_COLLECT" in variables_of(properties) else {}),
        }
        with running.log.open("w") as log:
            running.process = subprocess.Popen(
                command, cwd=code, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert running.process.stdout is not None
        line = running.process.stdout.readline()
        if not line:
            raise ValueError(running.log.read_text().strip()[-500:] or "it ended")
        running.port = json.loads(line)["port"]

    def _taken_again(self, running: Running) -> bool:
        warm = self._warm.pop(made_like(running.body), None)
        if warm is not None:
            running.process, running.port, running.log = warm.process, warm.port, warm.log
        return warm is not None

    def _code(self, id: str) -> Path:
        """The uploaded code, once for all containers: they only read it, and Python compiles it once."""
        folder = self.folder / "code" / hashlib.sha256(id.encode()).hexdigest()[:12]
        with self._lock:
            return folder if folder.exists() else self._bring(id, folder)

    def _bring(self, id: str, folder: Path) -> Path:
        brought = self.assets.bring(id, folder)
        if not any(folder.rglob("*")):
            raise ValueError(f"{id} holds no files")
        return brought

    def _container(self, context: Path, environment: str) -> list[str]:
        found = re.search(r"environments/([^/]+)/versions/([^/]+)$", environment)
        assert found is not None
        place = next(p for p in self.assets.workspaces.values() if environment.lower().startswith(p.id.lower()))
        build = place.version("environments", found[1], found[2])["properties"]["build"]
        command = DOCKERFILE_COMMAND.search((context / build["dockerfilePath"]).read_text())
        if command is None:
            raise ValueError("the image says not what it runs")
        words: list[str] = json.loads(command[1])
        return words

    def _delete_deployment(self, asked: Asked, s: str, g: str, w: str, e: str, d: str) -> Answer:
        endpoint = self.endpoint(w, e)
        running = endpoint.deployments.get(d)
        if running is None:
            return Answer(204)
        if endpoint.busy:
            raise Refused(409, "Conflict", f"There is already an operation on {e}.")
        running.body["properties"]["provisioningState"] = "Deleting"

        def work() -> None:
            if self.reuses and running.process and running.process.poll() is None:
                self._warm[made_like(running.body)] = running
            else:
                running.stop()
            endpoint.deployments.pop(d, None)

        return Answer(202, headers=self.server.operate(work, self.operation_seconds))

    def _logs(self, asked: Asked, s: str, g: str, w: str, e: str, d: str) -> Answer:
        log = self.deployment(w, e, d).log
        lines = log.read_text().splitlines() if log and log.exists() else []
        return Answer(body={"content": "\n".join(lines[-asked.json.get("tail", 50) :])})

    # Requests
    def _score(self, asked: Asked, w: str, e: str, rest: str) -> Answer:
        endpoint = self.endpoint(w, e)
        _check_key(asked, endpoint)
        properties = endpoint.body["properties"]
        named = asked.headers.get("azureml-model-deployment")
        chosen = named or endpoint.turn.choose(properties["traffic"] or {})
        running = endpoint.deployments.get(chosen or "")
        if running is None or not running.port:
            raise Refused(404, "NoDeployment", "No deployment answers this request.")
        answer = self._ask(asked, endpoint, e, str(chosen), running, rest)
        copied = None if named else endpoint.mirror_turn.choose(properties["mirrorTraffic"] or {})
        other = endpoint.deployments.get(copied or "")
        if copied and other:
            threading.Thread(
                target=self._ask, args=(asked, endpoint, e, copied, other, rest, True), daemon=True
            ).start()
        return answer

    def _ask(
        self, asked: Asked, endpoint: Endpoint, e: str, name: str, running: Running, rest: str, mirrored: bool = False
    ) -> Answer:
        began = time.monotonic()
        status, headers, content = _forwarded(asked, running.port, rest)
        kubernetes = bool(endpoint.body["properties"].get("compute"))
        shown = status if status == 200 or kubernetes else 424
        milliseconds = (time.monotonic() - began) * 1000.0
        self.seen.append(Seen(time.time(), e, name, shown, status, milliseconds, mirrored))
        if shown == 424:
            headers["ms-azureml-model-error-statuscode"] = str(status)
        return Answer(shown, content, {**headers, "azureml-model-deployment": name})


def made_like(body: Mapping[str, Any]) -> str:
    """What makes two containers the same."""
    told = ("model", "codeConfiguration", "environmentId", "environmentVariables")
    return json.dumps([body["properties"].get(key) for key in told], sort_keys=True)


def variables_of(properties: Mapping[str, Any]) -> Mapping[str, str]:
    """A deployment's own environment variables."""
    return properties.get("environmentVariables") or {}


def _check_key(asked: Asked, endpoint: Endpoint) -> None:
    word, _, key = asked.headers.get("authorization", "").partition(" ")
    by_key = endpoint.body["properties"]["authMode"].lower() == "key"
    if word != "Bearer" or (by_key and key not in endpoint.keys):
        raise Refused(401, "Unauthorized", "The key is missing or wrong.")
    if not by_key:
        check_token(asked)


def _forwarded(asked: Asked, port: int, rest: str) -> tuple[int, dict[str, str], bytes]:
    kept: Mapping[str, str] = {
        k: v for k, v in asked.headers.items() if k in ("content-type", "content-encoding", "x-request-id", "accept")
    }
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(asked.method, f"/{rest}", asked.body, dict(kept))
        answer = connection.getresponse()
        dropped = {"content-length", "connection", "date", "server", "transfer-encoding"}
        return answer.status, {k: v for k, v in answer.getheaders() if k.lower() not in dropped}, answer.read()
    except (OSError, HTTPException):
        return 503, {}, b""
    finally:
        connection.close()
