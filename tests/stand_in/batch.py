"""The stand-in's batch endpoints: jobs that really call the scoring script, or a component's command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.stand_in.assets import PROVIDER, Assets, arm_id
from tests.stand_in.described import check
from tests.stand_in.server import Answer, Asked, Refused, Server

NAME = re.compile(r"(?=.{3,32}$)[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*")
MOST_DEPLOYMENTS = 20
# What the service's driver does with a scoring script, as far as it can be seen from outside.
DRIVER = """\
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("scoring", sys.argv[1])
scoring = importlib.util.module_from_spec(spec)
spec.loader.exec_module(scoring)
scoring.init()
done = scoring.run(sys.argv[2:])
assert len(done) == len(sys.argv) - 2, done
"""


class Batch:
    """The batch endpoints of both workspaces.

    Attributes:
        jobs: by name, each job as ARM shows it.
        tried: the files of each call of a scoring script, in no order.
    """

    def __init__(self, server: Server, assets: Assets, folder: Path) -> None:
        self.server, self.assets, self.folder = server, assets, folder
        self.known: dict[tuple[str, str], dict[str, Any]] = {}
        self.deployments: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.tried: list[list[str]] = []
        ws = f"/subscriptions/{{s}}/resourceGroups/{{g}}/{PROVIDER}/workspaces/{{w}}"
        one = f"{ws}/batchEndpoints/{{e}}"
        route = server.route
        route("GET", f"{ws}/jobs/batchjob-{{number}}", self._job)
        route("GET", one, self._get)
        route("PUT", one, self._put)
        route("GET", f"{one}/deployments", self._list)
        route("GET", f"{one}/deployments/{{d}}", self._get_deployment)
        route("PUT", f"{one}/deployments/{{d}}", self._put_deployment)
        route("DELETE", f"{one}/deployments/{{d}}", self._delete_deployment)
        route("POST", "/batchinference/{w}/{e}/jobs", self._invoke)

    # Endpoints and deployments
    def _get(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        return Answer(body=self._endpoint(w, e))

    def _put(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        if not NAME.fullmatch(e):
            raise Refused(400, "BadArgument", f"The endpoint name {e} is invalid.")
        check("BatchEndpoint", asked.json)
        uri = f"{self.server.url}/batchinference/{w}/{e}/jobs"
        properties = {**asked.json["properties"], "scoringUri": uri, "provisioningState": "Succeeded"}
        id = f"{arm_id(w.removeprefix('mlw-'))}/batchEndpoints/{e}"
        made = self.assets.resource(id, "batchEndpoints", properties, location="westeurope", tags={})
        self.known[w, e] = made
        self.deployments.setdefault((w, e), {})
        return Answer(201, made, self.server.operate(lambda: None))

    def _list(self, asked: Asked, s: str, g: str, w: str, e: str) -> Answer:
        self._endpoint(w, e)
        return Answer(body={"value": list(self.deployments[w, e].values())})

    def _get_deployment(self, asked: Asked, s: str, g: str, w: str, e: str, d: str) -> Answer:
        return Answer(body=self._deployment(w, e, d))

    def _put_deployment(self, asked: Asked, s: str, g: str, w: str, e: str, d: str) -> Answer:
        endpoint, body = self._endpoint(w, e), asked.json
        check("BatchDeployment", body)
        properties = body["properties"]
        if not NAME.fullmatch(d):
            raise Refused(400, "BadArgument", f"The deployment name {d} is invalid.")
        if d not in self.deployments[w, e] and len(self.deployments[w, e]) == MOST_DEPLOYMENTS:
            raise Refused(400, "BadArgument", "There are too many deployments.")
        if properties.get("errorThreshold", -1) < -1 or properties.get("miniBatchSize", 1) < 1:
            raise Refused(400, "BadArgument", "errorThreshold or miniBatchSize is out of range.")
        self._require_parts(w, properties)
        made = self.assets.resource(
            f"{endpoint['id']}/deployments/{d}", "deployments", properties, location="westeurope"
        )

        def work() -> None:
            properties["provisioningState"] = "Succeeded"
            self.deployments[w, e][d] = made

        return Answer(201, made, self.server.operate(work))

    def _require_parts(self, workspace: str, properties: dict[str, Any]) -> None:
        """What a deployment names has to be there."""
        pipeline = properties.get("deploymentConfiguration")
        if pipeline:
            self._component(pipeline["componentId"]["assetId"])
            self._require_compute(workspace, pipeline["settings"]["default_compute"])
            return
        for place in (properties["model"]["assetId"], properties["codeConfiguration"]["codeId"]):
            self.assets.place(place)
        named = re.search(r"environments/([^/]+)/versions/([^/]+)$", properties["environmentId"])
        self.assets.workspaces[workspace].version("environments", named[1], named[2])  # type: ignore[index]
        self._require_compute(workspace, properties["compute"])

    def _require_compute(self, workspace: str, named: str) -> None:
        if named.rpartition("/")[2] not in self.assets.computes[workspace]:
            raise Refused(400, "BadArgument", f"The compute {named} was not found.")

    def _delete_deployment(self, asked: Asked, s: str, g: str, w: str, e: str, d: str) -> Answer:
        self._deployment(w, e, d)
        del self.deployments[w, e][d]
        return Answer(202, None, self.server.operate(lambda: None))

    def _endpoint(self, w: str, e: str) -> dict[str, Any]:
        if (w, e) not in self.known:
            raise Refused(404, "ResourceNotFound", f"The batch endpoint {e} was not found.")
        return self.known[w, e]

    def _deployment(self, w: str, e: str, d: str) -> dict[str, Any]:
        self._endpoint(w, e)
        if d not in self.deployments[w, e]:
            raise Refused(404, "ResourceNotFound", f"The batch deployment {d} was not found.")
        return self.deployments[w, e][d]

    # Jobs
    def _job(self, asked: Asked, s: str, g: str, w: str, number: str) -> Answer:
        if f"batchjob-{number}" not in self.jobs:
            raise Refused(404, "ResourceNotFound", f"The job batchjob-{number} was not found.")
        return Answer(body=self.jobs[f"batchjob-{number}"])

    def _invoke(self, asked: Asked, w: str, e: str) -> Answer:
        properties = asked.json["properties"]
        default = self._endpoint(w, e)["properties"].get("defaults") or {}
        wanted = asked.headers.get("azureml-model-deployment") or default.get("deploymentName")
        deployment = self._deployment(w, e, str(wanted))["properties"]
        for given in properties["inputData"].values():
            if given["jobInputType"] != "Literal" and not self._names(w, given["uri"]):
                raise Refused(400, "UserError", f"There is nothing at {given['uri']}")
        name = f"batchjob-{uuid.uuid4()}"
        services = {"Studio": {"endpoint": f"https://ml.azure.com/runs/{name}", "jobServiceType": "Studio"}}
        job = {"jobType": "Pipeline", "status": "Running", "services": services, "experimentName": "batch", "jobs": {}}
        self.jobs[name] = self.assets.resource(f"{arm_id(w.removeprefix('mlw-'))}/jobs/{name}", "jobs", job)
        work = self._run_pipeline if deployment.get("deploymentConfiguration") else self._run_script

        def run() -> None:
            folder = self.folder / name
            (folder / "out").mkdir(parents=True)
            try:
                ended = work(w, deployment, properties, folder)
            except Exception as error:  # the job's fault, which its status tells
                (folder / "error.txt").write_text(repr(error))
                ended = False
            (output,) = properties["outputData"].values()
            blobs, container, prefix = self.assets.place(_long(w, output["uri"]))
            blobs.upload(container, prefix, folder / "out")
            job["status"] = "Completed" if ended else "Failed"

        threading.Thread(target=run, daemon=True).start()
        return Answer(
            201, {"id": self.jobs[name]["id"], "name": name, "type": "jobs", "properties": {"status": "Preparing"}}
        )

    def _names(self, workspace: str, uri: str) -> list[str]:
        blobs, container, prefix = self.assets.place(_long(workspace, uri))
        return blobs.list(container, prefix)

    def _run_script(self, w: str, deployment: dict[str, Any], job: dict[str, Any], folder: Path) -> bool:
        """Mini-batches on several workers, each tried again as often as the deployment says."""
        (rows,) = job["inputData"].values()
        self.assets.bring(_long(w, rows["uri"]), folder / "rows")
        self.assets.bring(deployment["codeConfiguration"]["codeId"], folder / "code")
        self.assets.bring(deployment["model"]["assetId"], folder / "model")
        files = sorted(str(path) for path in (folder / "rows").rglob("*") if path.is_file())
        size = deployment["miniBatchSize"]
        batches = [files[start : start + size] for start in range(0, len(files), size)]
        workers = deployment["resources"]["instanceCount"] * deployment["maxConcurrencyPerInstance"]
        script = folder / "code" / deployment["codeConfiguration"]["scoringScript"]
        named = {"AZUREML_MODEL_DIR": str(folder / "model"), "AZUREML_BI_OUTPUT_PATH": str(folder / "out")}
        tries = deployment["retrySettings"]["maxRetries"] + 1

        def one(batch: list[str]) -> int:
            for _ in range(tries):
                self.tried.append([Path(file).name for file in batch])
                command = [sys.executable, "-c", DRIVER, str(script), *batch]
                if (
                    subprocess.run(command, env={**os.environ, **named}, capture_output=True, check=False).returncode
                    == 0
                ):
                    return 0
            return len(batch)

        with ThreadPoolExecutor(workers) as pool:
            failed = sum(pool.map(one, batches))
        threshold = deployment["errorThreshold"]
        return threshold == -1 or failed <= threshold

    def _run_pipeline(self, w: str, deployment: dict[str, Any], job: dict[str, Any], folder: Path) -> bool:
        """The command lines of a pipeline component of one step."""
        spec = self._component(deployment["deploymentConfiguration"]["componentId"]["assetId"])
        ((_, step),) = spec["jobs"].items()
        component = self._component(step["componentId"])
        self.assets.bring(component["code"].removeprefix("azureml:"), folder / "code")
        given = {name: one.get("default") for name, one in spec["inputs"].items()}
        for name, one in job["inputData"].items():
            literal = one["jobInputType"] == "Literal"
            given[name] = one["value"] if literal else self.assets.bring(_long(w, one["uri"]), folder / name)
        command = re.sub(r"\$\{\{outputs\.\w+\}\}", str(folder / "out"), component["command"])
        command = re.sub(r"\$\{\{inputs\.(\w+)\}\}", lambda found: str(given[found[1]]), command)
        words = [sys.executable, *command.split()[1:]]
        done = subprocess.run(words, cwd=folder / "code", capture_output=True, text=True, check=False)
        (folder / "error.txt").write_text(done.stderr)
        return done.returncode == 0

    def _component(self, id: str) -> dict[str, Any]:
        found = re.search(r"components/([^/]+)/versions/([^/]+)$", id)
        place = self.assets.workspaces[re.search(r"workspaces/([^/]+)/", id)[1]]  # type: ignore[index]
        return place.version("components", found[1], found[2])["properties"]["componentSpec"]  # type: ignore[index]

    def wait(self, name: str, seconds: float = 60.0) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while self.jobs[name]["properties"]["status"] == "Running":
            assert time.monotonic() < deadline, json.dumps(self.jobs[name])
            time.sleep(0.02)
        return self.jobs[name]


def _long(workspace: str, uri: str) -> str:
    """A datastore's path with the workspace in it."""
    return uri.replace("azureml://datastores/", f"azureml://workspaces/{workspace}/datastores/", 1)
