"""The stand-in's workspaces and registry: datastores, versioned assets, code, computes."""

from __future__ import annotations

import base64
import datetime as dt
import re
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.stand_in.blobs import Blobs
from tests.stand_in.described import check
from tests.stand_in.server import SUBSCRIPTION, TENANT, Answer, Asked, Refused, Server

PROVIDER = "providers/Microsoft.MachineLearningServices"
DESCRIBED = {
    "models": "ModelVersion",
    "data": "DataVersionBase",
    "environments": "EnvironmentVersion",
    "components": "ComponentVersion",
    "codes": "CodeVersion",
}
DEFAULT_CONTAINERS = {"dev": "azureml-blobstore-1", "prod": "azureml-blobstore-2"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
# By kind, the properties of a version that never change.
FIXED = {"models": ("modelUri",), "data": ("dataUri",), "codes": ("codeUri",), "environments": ("build", "image")}

Versions = dict[str, dict[str, Any]]


@dataclass
class Place:
    """A workspace, or the registry: what it is called, and the assets it holds by kind and name."""

    id: str
    assets: dict[str, dict[str, Versions]] = field(default_factory=dict)
    guid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]

    def version(self, kind: str, name: str, version: str) -> dict[str, Any]:
        found = self.assets.get(kind, {}).get(name, {}).get(version)
        if found is None:
            raise Refused(404, "UserError", f"{kind} {name}:{version} was not found in {self.name}.")
        return found


def arm_id(stack: str, kind: str = "workspaces") -> str:
    """The resource id of a stack's workspace, or of the registry."""
    name = f"mlw-{stack}" if kind == "workspaces" else "mlr-shared"
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{stack}/{PROVIDER}/{kind}/{name}"


def long_uri(workspace: str, uri: str) -> str:
    """A datastore's path with all that names its workspace, whose resource id is given."""
    words = workspace.removeprefix("/").replace(f"/{PROVIDER}", "")
    return uri.replace("azureml://", f"azureml://{words}/", 1)


class Assets:
    """The workspaces of dev and prod, and the registry they share."""

    def __init__(self, server: Server, storage: dict[str, Blobs]) -> None:
        self.server, self.storage = server, storage
        self.workspaces = {f"mlw-{stack}": Place(arm_id(stack)) for stack in ("dev", "prod")}
        self.registry = Place(arm_id("shared", "registries"))
        self.datastores: dict[str, dict[str, dict[str, Any]]] = {}
        for stack in ("dev", "prod"):
            default = self._datastore(stack, "workspaceblobstore", DEFAULT_CONTAINERS[stack], True)
            raw = self._datastore(stack, "raw", "raw", False)
            self.datastores[f"mlw-{stack}"] = {"workspaceblobstore": default, "raw": raw}
        self.computes: dict[str, dict[str, dict[str, Any]]] = {"mlw-dev": {}, "mlw-prod": {}}
        self._add_routes()

    # What the other parts of the stand-in use.
    def blobs(self, workspace: str) -> Blobs:
        return self.storage[workspace.removeprefix("mlw-")]

    def place(self, uri: str) -> tuple[Blobs, str, str]:
        """The account, container and prefix that a URI or an asset's id names.

        It may be a datastore's path, an asset of a workspace or the registry, or a blob's URL.
        """
        found = re.search(r"workspaces/([^/]+)/datastores/([^/]+)/paths/(.*)", uri)
        if found:
            store = self.datastores[found[1]][found[2]]["properties"]
            return self.blobs(found[1]), store["containerName"], found[3].strip("/")
        found = re.search(
            r"(workspaces|registries)/([^/]+)/(models|data|codes|environments)/([^/]+)/versions/([^/]+)", uri
        )
        if found:
            place = self.registry if found[1] == "registries" else self.workspaces[found[2]]
            properties = place.version(found[3], found[4], found[5])["properties"]
            inner = next(properties[k] for k in ("modelUri", "dataUri", "codeUri", "build") if properties.get(k))
            return self.place(inner if isinstance(inner, str) else inner["contextUri"])
        found = re.fullmatch(r"https://st(\w+)\.blob\.core\.windows\.net/([^/]+)/(.*)", uri)
        if found:
            return self.storage[found[1]], found[2], found[3].strip("/")
        for blobs in self.storage.values():
            if uri.startswith(blobs.url):
                container, _, prefix = uri.removeprefix(blobs.url).strip("/").partition("/")
                return blobs, container, prefix.split("?")[0].strip("/")
        # The SDK keeps only the host of an account's URL, which here is every account's.
        container, _, prefix = uri.removeprefix(self.server.url).strip("/").partition("/")
        for blobs in self.storage.values():
            if container in blobs.containers:
                return blobs, container, prefix.strip("/")
        raise Refused(400, "UserError", f"The stand-in cannot resolve {uri}")

    def bring(self, uri: str, folder: Path) -> Path:
        """What a URI or an asset's id names, as files."""
        blobs, container, prefix = self.place(uri)
        return blobs.download(container, prefix, folder)

    def resource(self, id: str, kind: str, properties: dict[str, Any], /, **more: Any) -> dict[str, Any]:
        """A resource as ARM shows it."""
        now = dt.datetime.now(dt.UTC).isoformat()
        system = {"createdAt": now, "createdBy": "A", "createdByType": "User", "lastModifiedAt": now}
        name = id.rpartition("/")[2]
        return {"id": id, "name": name, "type": kind, "properties": properties, "systemData": system, **more}

    # HTTP
    def _add_routes(self) -> None:
        route = self.server.route
        ws = f"/subscriptions/{{s}}/resourceGroups/{{g}}/{PROVIDER}/workspaces/{{w}}"
        route("GET", ws, self._workspace)
        route("GET", f"{ws}/datastores", self._list_datastores)
        route("GET", f"{ws}/datastores/{{name}}", self._get_datastore)
        route("POST", f"{ws}/datastores/{{name}}/listSecrets", self._secrets)
        route("GET", f"{ws}/computes/{{name}}", self._compute)
        route("POST", f"{ws}/codes/{{name}}/versions/{{version}}/startPendingUpload", self._pending)
        registry = f"/subscriptions/{{s}}/resourceGroups/{{g}}/{PROVIDER}/registries/{{w}}"
        mfe = "/mferp/managementfrontend" + registry
        for prefix, resolve in ((ws, self._in_workspace), (mfe, self._in_registry)):
            one = f"{prefix}/{{kind}}/{{name}}/versions/{{version}}"
            route("GET", one, lambda asked, s, g, w, kind, name, version, r=resolve: r(w, kind).get(name, version))
            route(
                "PUT", one, lambda asked, s, g, w, kind, name, version, r=resolve: r(w, kind).put(asked, name, version)
            )
            route(
                "GET",
                f"{prefix}/{{kind}}/{{name}}/versions",
                lambda asked, s, g, w, kind, name, r=resolve: r(w, kind).list(asked, name),
            )
            route(
                "GET",
                f"{prefix}/{{kind}}/{{name}}",
                lambda asked, s, g, w, kind, name, r=resolve: r(w, kind).container(name),
            )
        route("GET", "/registrymanagement/v1.0/registries/{name}/discovery", self._discovery)
        route("POST", f"{mfe}/import", self._import)
        route("POST", f"{mfe}/datarefs/{{name}}/versions/{{version}}", self._data_reference)

    def _known(self, workspace: str) -> Place:
        if workspace not in self.workspaces:
            raise Refused(404, "ResourceNotFound", f"The Resource '{PROVIDER}/workspaces/{workspace}' was not found.")
        return self.workspaces[workspace]

    def _in_workspace(self, workspace: str, kind: str) -> _Kind:
        return _Kind(self, self._known(workspace), kind)

    def _in_registry(self, registry: str, kind: str) -> _Kind:
        return _Kind(self, self.registry, kind)

    def _workspace(self, asked: Asked, s: str, g: str, w: str) -> Answer:
        place = self._known(w)
        properties = {
            "workspaceId": place.guid,
            "friendlyName": w,
            "discoveryUrl": f"{self.server.url}/discovery",
            "mlFlowTrackingUri": f"azureml://{place.id}",
            "storageAccount": f"{place.id.split(PROVIDER)[0]}providers/Microsoft.Storage/storageAccounts/st{w[4:]}",
            "provisioningState": "Succeeded",
            "tenantId": TENANT,
        }
        identity = {"type": "SystemAssigned", "principalId": str(uuid.uuid4()), "tenantId": TENANT}
        return Answer(
            body=self.resource(place.id, "workspaces", properties, location="westeurope", tags={}, identity=identity)
        )

    def _datastore(self, stack: str, name: str, container: str, default: bool) -> dict[str, Any]:
        self.storage[stack].containers.setdefault(container, {})
        properties = {
            "datastoreType": "AzureBlob",
            "accountName": self.storage[stack].account,
            "containerName": container,
            "endpoint": "stand-in",
            "protocol": "http",
            "isDefault": default,
            "credentials": {"credentialsType": "AccountKey"},
        }
        return self.resource(f"{arm_id(stack)}/datastores/{name}", "datastores", properties)

    def _list_datastores(self, asked: Asked, s: str, g: str, w: str) -> Answer:
        stores = self.datastores[self._known(w).name].values()
        wanted = asked.query.get("isDefault", "").lower()
        return Answer(
            body={"value": [d for d in stores if not wanted or d["properties"]["isDefault"] is (wanted == "true")]}
        )

    def _get_datastore(self, asked: Asked, s: str, g: str, w: str, name: str) -> Answer:
        stores = self.datastores[self._known(w).name]
        if name not in stores:
            raise Refused(404, "UserError", f"Datastore {name} was not found.")
        return Answer(body=stores[name])

    def _secrets(self, asked: Asked, s: str, g: str, w: str, name: str) -> Answer:
        return Answer(body={"secretsType": "AccountKey", "key": base64.b64encode(b"key").decode()})

    def _compute(self, asked: Asked, s: str, g: str, w: str, name: str) -> Answer:
        known = self.computes[self._known(w).name]
        if name not in known:
            raise Refused(404, "ResourceNotFound", f"Compute {name} was not found.")
        return Answer(body=known[name])

    def _pending(self, asked: Asked, s: str, g: str, w: str, name: str, version: str) -> Answer:
        blobs = self.blobs(w)
        container = f"code-{name}"
        blobs.containers.setdefault(container, {})
        uri = f"{blobs.url}/{container}"
        credential = {"credentialType": "SAS", "sasUri": f"{uri}?sv=1&sr=c&sig=x"}
        reference = {"blobUri": uri, "credential": credential, "storageAccountArmId": "/stand-in"}
        return Answer(
            body={
                "blobReferenceForConsumption": reference,
                "pendingUploadId": name,
                "pendingUploadType": "TemporaryBlobReference",
            }
        )

    def _discovery(self, asked: Asked, name: str) -> Answer:
        if name != self.registry.name:
            raise Refused(404, "RegistryNotFound", f"Registry {name} was not found.")
        body = {
            "registryName": name,
            "tenantId": TENANT,
            "primaryRegion": "westeurope",
            "regions": ["westeurope"],
            "subscriptionId": SUBSCRIPTION,
            "resourceGroup": "rg-shared",
            "primaryRegionResourceProviderUri": f"{self.server.url}/",
        }
        return Answer(body=body)

    def _import(self, asked: Asked, s: str, g: str, w: str) -> Answer:
        """A workspace's version becomes one of the registry; its bytes are copied, as the service does."""
        body = asked.json
        body = body["properties"]
        name, version = body["destinationName"], body["destinationVersion"]
        found = re.fullmatch(
            r"azureml://locations/[^/]+/workspaces/([^/]+)/models/([^/]+)/versions/([^/]+)", body["sourceAssetId"]
        )
        source = next((p for p in self.workspaces.values() if found and p.guid == found[1]), None)
        if found is None or source is None:
            raise Refused(400, "UserError", f"{body['sourceAssetId']} names no asset")
        model = source.version("models", found[2], found[3])
        if version in self.registry.assets.get("models", {}).get(name, {}):
            raise Refused(409, "Conflict", "The version exists.")
        blobs, container, prefix = self.place(model["properties"]["modelUri"])
        there = f"registry-{name}-{version}"
        for blob in blobs.list(container, prefix):
            self.storage["shared"].put(there, f"model{blob.removeprefix(prefix)}", blobs.get(container, blob))
        properties = {**model["properties"], "modelUri": f"https://stshared.blob.core.windows.net/{there}/model"}
        id = f"azureml://registries/{self.registry.name}/models/{name}/versions/{version}"
        self.registry.assets.setdefault("models", {}).setdefault(name, {})[version] = self.resource(
            id, "models", properties
        )
        return Answer(202, {})

    def _data_reference(self, asked: Asked, s: str, g: str, w: str, name: str, version: str) -> Answer:
        kind = asked.json["assetId"].split("/")[-4]
        blobs, container, prefix = self.place(self.registry.version(kind, name, version)["properties"]["modelUri"])
        credential = {"credentialType": "SAS", "sasUri": f"{blobs.url}/{container}?sv=1&sr=c&sig=x"}
        reference = {"blobUri": f"{blobs.url}/{container}/{prefix}", "credential": credential}
        return Answer(body={"blobReferenceForConsumption": reference})


@dataclass
class _Kind:
    """One kind of asset in one place."""

    assets: Assets
    place: Place
    kind: str

    @property
    def known(self) -> dict[str, Versions]:
        if self.kind not in DESCRIBED:
            raise Refused(404, "NoSuchRoute", f"The stand-in has no {self.kind}")
        return self.place.assets.setdefault(self.kind, {})

    def get(self, name: str, version: str) -> Answer:
        return Answer(body=self.place.version(self.kind, name, version))

    def put(self, asked: Asked, name: str, version: str) -> Answer:
        if not NAME.fullmatch(name):
            raise Refused(400, "UserError", f"The name {name} is no name.")
        body = asked.json
        check(DESCRIBED[self.kind], body)
        properties = dict(body["properties"])
        versions = self.known.setdefault(name, {})
        before = versions.get(version, {}).get("properties")
        fixed = FIXED.get(self.kind, ())
        if before and any(before.get(key) != properties.get(key) for key in fixed):
            raise Refused(400, "UserError", "Asset paths cannot be updated.")
        for key in ("dataUri", "modelUri"):  # the service answers with the long form
            if str(properties.get(key)).startswith("azureml://datastores/"):
                properties[key] = long_uri(self.place.id, properties[key])
        properties.setdefault("provisioningState", "Succeeded")
        for key in ("tags", "properties", *(("flavors",) if self.kind == "models" else ())):
            properties[key] = properties.get(key) or {}
        registry = self.place is self.assets.registry
        prefix = f"azureml://registries/{self.place.name}" if registry else self.place.id
        made = self.assets.resource(f"{prefix}/{self.kind}/{name}/versions/{version}", self.kind, properties)
        versions[version] = made
        return Answer(200 if before else 201, made)

    def list(self, asked: Asked, name: str) -> Answer:
        versions = list(self.known.get(name, {}).values())
        if self.kind == "codes" and "hash" in asked.query:  # whatever it is called: the SDK asks with a new name
            every = (version for known in self.known.values() for version in known.values())
            wanted = asked.query["hash"]
            versions = [v for v in every if v["properties"].get("properties", {}).get("hash_sha256") == wanted]
        newest = sorted(versions, key=lambda v: v["systemData"]["createdAt"], reverse=True)
        return Answer(body={"value": newest[: int(asked.query.get("$top", len(newest)))]})

    def container(self, name: str) -> Answer:
        versions = self.known.get(name)
        if not versions:
            raise Refused(404, "UserError", f"{self.kind} {name} was not found.")
        numbers = [int(v) for v in versions if v.isdigit()]
        newest = str(max(numbers)) if len(numbers) == len(versions) else list(versions)[-1]
        properties = {"latestVersion": newest, "nextVersion": str(max(numbers, default=0) + 1), "isArchived": False}
        return Answer(body=self.assets.resource(f"{self.place.id}/{self.kind}/{name}", self.kind, properties))
