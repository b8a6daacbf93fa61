"""The stand-in's pipeline jobs: the real command lines, run from the uploaded code on the uploaded data."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from tests.stand_in.assets import PROVIDER, Assets, arm_id, long_uri
from tests.stand_in.described import check
from tests.stand_in.processes import Step, carry_out, log_of
from tests.stand_in.server import Answer, Asked, Elsewhere, Refused, Server

PARENT_INPUT = re.compile(r"^\$\{\{parent\.inputs\.(\w+)\}\}$")
STEP_OUTPUT = re.compile(r"^\$\{\{parent\.jobs\.(\w+)\.outputs\.(\w+)\}\}$")
PARENT_OUTPUT = re.compile(r"^\$\{\{parent\.outputs\.(\w+)\}\}$")
KINDS = {
    "uri_folder": "uri_folder",
    "uri_file": "uri_file",
    "mlflow_model": "MLFlowModel",
    "custom_model": "CustomModel",
}


@dataclass
class Run:
    """A line of the run history: a job, one of its steps, or a trial of a sweep.

    Attributes:
        outputs: by name, kind and URI.
    """

    id: str
    display_name: str
    parent: Run | None = None
    status: str = "NotStarted"
    began: str | None = None
    ended: str | None = None
    properties: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, tuple[str, str]] = field(default_factory=dict)
    children: list[Run] = field(default_factory=list)
    error: str = ""
    metrics: dict[str, float] = field(default_factory=dict)


class Jobs:
    """The jobs of both workspaces.

    Attributes:
        known: by name, each job as ARM shows it.
        runs: by id, the run history.
    """

    def __init__(self, server: Server, assets: Assets, folder: Path) -> None:
        self.server, self.assets, self.folder = server, assets, folder
        self.known: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, Run] = {}
        self._done: dict[str, Run] = {}
        for workspace in assets.computes:
            compute = {"computeType": "AmlCompute", "properties": {}}
            id = f"{assets.workspaces[workspace].id}/computes/cpu-small"
            made = assets.resource(id, "computes", compute, location="westeurope")
            assets.computes[workspace].setdefault("cpu-small", made)
        self._add_routes()

    def _add_routes(self) -> None:
        route = self.server.route
        ws = f"/subscriptions/{{s}}/resourceGroups/{{g}}/{PROVIDER}/workspaces/{{w}}"
        route("GET", "/discovery", self._discovery, token=False)
        route("GET", f"{ws}/jobs/{{name}}", self._get)
        route("PUT", f"{ws}/jobs/{{name}}", self._put)
        history = f"/history/v1.0{ws}"
        route("GET", f"{history}/runs/{{id}}", lambda asked, s, g, w, id: Answer(body=self._shown(self._run(id))))
        route("GET", f"{history}/runs/{{id}}/children", self._children)
        route("GET", f"{history}/runs/{{id}}/details", self._details)
        route("POST", f"{history}/rundata", self._rundata)
        route("POST", f"/data/v1.0{ws}/dataversion/batchGetResolvedUris", self._uris)
        route("POST", f"/modelregistry/v1.0{ws}/models/batchGetResolvedUris", self._uris)
        route("POST", f"/mlflow/v1.0{ws}/api/2.0/mlflow/runs/log-batch", self._log_metrics)
        route("GET", "/joblogs/{id}/{file*}", self._log, token=False)

    # HTTP: jobs
    def _discovery(self, asked: Asked) -> Answer:
        return Answer(body={"api": self.server.url, "history": self.server.url})

    def _get(self, asked: Asked, s: str, g: str, w: str, name: str) -> Answer:
        if name in self.known:
            return Answer(body=self.known[name])
        if name in self.runs:  # a step is no job of ARM's any more: the run history has it
            return Answer(body={"id": f"{arm_id(w.removeprefix('mlw-'))}/jobs/{name}", "name": name})
        raise Elsewhere(404, "UserError", f"The job {name} was not found.")

    def _put(self, asked: Asked, s: str, g: str, w: str, name: str) -> Answer:
        if name in self.known:
            raise Refused(409, "Conflict", f"The job {name} exists, and its steps cannot be changed.")
        check("JobBase", asked.json)
        properties = asked.json["properties"]
        self.require(w, properties)
        return Answer(201, self.begin(w, name, properties))

    def require(self, workspace: str, properties: dict[str, Any], data: bool = True) -> None:
        """Refuses a job that could not begin; `data` says whether its inputs have to be there by now."""
        if properties["jobType"] != "Pipeline":
            raise Refused(400, "UserError", "The stand-in runs pipelines only.")
        if data:
            self._require_data(workspace, properties)
        self._require_parts(workspace, properties)

    def begin(self, w: str, name: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Begins a job; returns it as ARM shows it."""
        services = {"Studio": {"endpoint": f"https://ml.azure.com/runs/{name}", "jobServiceType": "Studio"}}
        properties.update(status="NotStarted", services=services)
        made = self.assets.resource(f"{arm_id(w.removeprefix('mlw-'))}/jobs/{name}", "jobs", properties)
        self.known[name] = made
        self.runs[name] = run = Run(name, properties.get("displayName") or name)
        threading.Thread(target=self._carry_out, args=(w, properties, run), daemon=True).start()
        return made

    def _require_data(self, workspace: str, properties: Mapping[str, Any]) -> None:
        for name, given in (properties.get("inputs") or {}).items():
            if given["jobInputType"] != "literal" and not self._has(workspace, given["uri"]):
                raise Refused(400, "UserError", f"The input {name} leads to nothing: {given['uri']}")

    def _require_parts(self, workspace: str, properties: Mapping[str, Any]) -> None:
        """What the job names has to be there, and every input of a step has to come from somewhere."""
        default = properties["settings"].get("default_compute")
        for name, step in properties["jobs"].items():
            spec = self._spec(step)
            compute = (step.get("computeId") or default or "").rpartition("/")[2]
            if compute not in self.assets.computes[workspace]:
                raise Refused(400, "UserError", f"The compute {compute} of {name} was not found.")
            self.assets.place(spec["code"].removeprefix("azureml:"))
            self._named("environments", (step.get("environment") or spec["environment"]))
            _require_inputs(name, step, spec.get("inputs") or {})

    def _has(self, workspace: str, uri: str) -> bool:
        blobs, container, prefix = self.assets.place(_long(workspace, uri))
        return bool(blobs.list(container, prefix))

    def _named(self, kind: str, id: str) -> dict[str, Any]:
        found = re.search(rf"workspaces/([^/]+)/{kind}/([^/]+)/versions/([^/]+)$", id)
        if found is None:
            raise Refused(400, "UserError", f"{id} is no asset of {kind}")
        return self.assets.workspaces[found[1]].version(kind, found[2], found[3])

    def _spec(self, step: Mapping[str, Any]) -> dict[str, Any]:
        id = step["trial"]["componentId"] if isinstance(step.get("trial"), dict) else step.get("trial")
        spec: dict[str, Any] = self._named("components", id or step["componentId"])["properties"]["componentSpec"]
        return spec

    # HTTP: the run history
    def _run(self, id: str) -> Run:
        if id not in self.runs:
            raise Refused(404, "UserError", f"The run {id} was not found.")
        return self.runs[id]

    def _children(self, asked: Asked, s: str, g: str, w: str, id: str) -> Answer:
        return Answer(body={"value": [self._shown(child) for child in self._run(id).children]})

    def _shown(self, run: Run) -> dict[str, Any]:
        shown = {
            "runId": run.id, "displayName": run.display_name, "status": run.status, "properties": run.properties,
            "startTimeUtc": run.began, "endTimeUtc": run.ended, "parentRunId": run.parent.id if run.parent else None,
            "experimentId": "e", "tags": {}, "services": {}, "runType": "azureml.StepRun",
        }  # fmt: skip
        shown["outputs"] = {
            name: {"assetId": _asset(run, name), "type": kind} for name, (kind, _) in run.outputs.items()
        }
        return shown

    def _details(self, asked: Asked, s: str, g: str, w: str, id: str) -> Answer:
        run = self._run(id)
        kept = self._folder(run.properties.get("azureml.reusedrunid", id)) / "user_logs"
        names = [f"user_logs/{path.name}" for path in sorted(kept.glob("*.txt"))]
        shown = {
            **self._shown(run),
            "logFiles": {n: f"{self.server.url}/joblogs/{kept.parent.name}/{n}?sig=x" for n in names},
        }
        if run.error:
            shown["error"] = {"error": {"code": "UserError", "message": run.error}}
        return Answer(body=shown)

    def _log(self, asked: Asked, id: str, file: str) -> Answer:
        path = self._folder(id) / file
        if "sig" not in asked.query or not path.exists():
            return Answer(403 if "sig" not in asked.query else 404, b"")
        return Answer(200, path.read_bytes(), {"Content-Type": "text/plain"})

    def _rundata(self, asked: Asked, s: str, g: str, w: str) -> Answer:
        return Answer(body={"runMetadata": self._shown(self._run(asked.json["runId"]))})

    def _uris(self, asked: Asked, s: str, g: str, w: str) -> Answer:
        answers = {}
        for id in asked.json["values"]:
            run, name = id.removeprefix("azureml://outputs/").split("/")
            kind, uri = self._run(run).outputs[name]
            answers[id] = {"uri": uri, "path": uri, "type": kind}
        return Answer(body={"values": answers})

    def _log_metrics(self, asked: Asked, s: str, g: str, w: str) -> Answer:
        run = self._run(asked.json["run_id"])
        run.metrics.update({metric["key"]: metric["value"] for metric in asked.json["metrics"]})
        return Answer(body={})

    # The work
    def _folder(self, id: str) -> Path:
        return self.folder / id

    def _carry_out(self, workspace: str, job: dict[str, Any], run: Run) -> None:
        self._begin(run, job)
        try:
            made: dict[str, Run] = {}
            for name in _order(job["jobs"]):
                made[name] = child = self._child(run, name)
                self._step(workspace, job, job["jobs"][name], made, child)
                if child.status != "Completed":
                    raise Failed(f"Detected that the step {name} failed; the job stops.")
                for output, bound in (job["jobs"][name].get("outputs") or {}).items():
                    if parent := PARENT_OUTPUT.match(str(bound["value"] if isinstance(bound, dict) else bound)):
                        run.outputs[parent[1]] = child.outputs[output]
            self._end(run, "Completed", job)
        except Exception as error:  # the job's fault, which its status and its error tell
            run.error = str(error) if isinstance(error, Failed | Refused) else repr(error)
            self._end(run, "Failed", job)

    def _step(self, workspace: str, job: Any, node: dict[str, Any], made: dict[str, Run], run: Run) -> None:
        spec = self._spec(node)
        given = {name: about["default"] for name, about in (spec.get("inputs") or {}).items() if "default" in about}
        for name, bound in (node.get("inputs") or {}).items():
            found = self._given(job, made, bound)
            if found is not None:
                given[name] = found
        if "search_space" not in node:
            self._once(workspace, node, spec, given, run)
            return
        self._begin(run)
        ((swept, choice),) = node["search_space"].items()
        most, at_once = node["limits"]["max_total_trials"], node["limits"]["max_concurrent_trials"]
        trials = [(self._child(run, f"trial_{n}"), v) for n, v in enumerate(choice["values"][:most])]
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(lambda pair: self._once(workspace, node, spec, {**given, swept: pair[1]}, pair[0]), trials))
        metric, goal = node["objective"]["primary_metric"], node["objective"]["goal"]
        measured = [trial for trial, _ in trials if metric in trial.metrics]
        if not measured:
            run.error = f"No trial has logged {metric}."
            self._end(run, "Failed")
            return
        best = (min if goal == "minimize" else max)(measured, key=lambda trial: trial.metrics[metric])
        run.properties["best_child_run_id"] = best.id
        run.outputs = dict(best.outputs)
        self._end(run, "Completed")

    def _given(self, job: Any, made: dict[str, Run], bound: Any) -> Any:
        value = bound["value"] if isinstance(bound, dict) and "value" in bound else bound
        if isinstance(value, str) and (parent := PARENT_INPUT.match(value)):
            given = (job.get("inputs") or {}).get(parent[1])
            return None if given is None else given["value"] if given["jobInputType"] == "literal" else given["uri"]
        if isinstance(value, str) and (step := STEP_OUTPUT.match(value)):
            return made[step[1]].outputs[step[2]][1]
        return value

    def _once(self, workspace: str, node: Any, spec: Any, given: dict[str, Any], run: Run) -> None:
        """Runs a component, or takes the outputs of an earlier run with the same code, environment and inputs."""
        environment = node.get("environment") or spec["environment"]
        nodes = (node.get("resources") or {}).get("instance_count", 1)
        key = json.dumps([spec["command"], spec["code"], environment, nodes, sorted(given.items())], default=str)
        earlier = self._done.get(key)
        self._begin(run)
        if earlier is not None and spec.get("is_deterministic", True):
            run.properties.update({"azureml.isreused": "true", "azureml.reusedrunid": earlier.id})
            run.outputs, run.metrics = dict(earlier.outputs), dict(earlier.metrics)
            self._end(run, "Completed")
            return
        folder = self._folder(run.id)
        step = Step(
            spec=spec, given=given, folder=folder, nodes=nodes, distribution=node.get("distribution") or {},
            tracking=f"{self.server.url}/mlflow/v1.0{self.assets.workspaces[workspace].id}", run_id=run.id,
            bring=lambda uri, to: self.assets.bring(_long(workspace, uri), to),
        )  # fmt: skip
        if carry_out(step):
            for name, about in (spec.get("outputs") or {}).items():
                default = f"azureml://datastores/workspaceblobstore/paths/azureml/{run.id}/{name}/"
                uri = long_uri(self.assets.workspaces[workspace].id, default)
                blobs, container, prefix = self.assets.place(uri)
                blobs.upload(container, prefix, folder / "outputs" / name)
                run.outputs[name] = (KINDS[about["type"]], uri)
            self._done[key] = run
            self._end(run, "Completed")
        else:
            run.error = f"Execution failed. See {log_of(folder).name}."
            self._end(run, "Failed")

    def _child(self, parent: Run, name: str) -> Run:
        child = Run(str(uuid.uuid4()), name, parent)
        parent.children.append(child)
        self.runs[child.id] = child
        return child

    def _begin(self, run: Run, job: dict[str, Any] | None = None) -> None:
        run.began, run.status = dt.datetime.now(dt.UTC).isoformat(), "Running"
        if job is not None:
            job["status"] = "Running"

    def _end(self, run: Run, status: str, job: dict[str, Any] | None = None) -> None:
        run.ended, run.status = dt.datetime.now(dt.UTC).isoformat(), status
        if job is not None:
            job["status"] = status


class Failed(Exception):
    """A step failed."""


def _require_inputs(name: str, step: Mapping[str, Any], declared: Mapping[str, Any]) -> None:
    given = {*(step.get("inputs") or {}), *(step.get("search_space") or {})}
    for one, about in declared.items():
        if one not in given and not about.get("optional") and "default" not in about:
            raise Refused(400, "UserError", f"The input {one} of {name} is not given.")
    for one in given - declared.keys():
        raise Refused(400, "UserError", f"{name} has no input {one}.")


def _asset(run: Run, name: str) -> str:
    return f"azureml://outputs/{run.id}/{name}"


def _long(workspace: str, uri: str) -> str:
    """A datastore's path with the workspace in it; an asset's id without the scheme."""
    uri = uri if "://" in uri else uri.removeprefix("azureml:")
    return uri.replace("azureml://datastores/", f"azureml://workspaces/{workspace}/datastores/", 1)


def _order(steps: Mapping[str, Any]) -> list[str]:
    graph = {}
    for name, step in steps.items():
        values = [
            b["value"] if isinstance(b, dict) and "value" in b else b for b in (step.get("inputs") or {}).values()
        ]
        graph[name] = {found[1] for value in values if (found := STEP_OUTPUT.match(str(value)))}
    return [str(name) for name in TopologicalSorter(graph).static_order()]
