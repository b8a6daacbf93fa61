"""The stand-in's schedules: kept, switched off and deleted by the service's rules, begun when they are triggered."""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

from tests.stand_in.assets import PROVIDER, Assets, arm_id
from tests.stand_in.described import check
from tests.stand_in.endpoints import Endpoints
from tests.stand_in.jobs import Jobs
from tests.stand_in.server import Answer, Asked, Refused, Server

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
CRON = re.compile(r"(\S+ ){4}\S+")
DURATION = re.compile(r"P\d+D")
SIGNALS = {"DataDrift", "DataQuality", "PredictionDrift"}


class Schedules:
    """The schedules of both workspaces; no clock runs here, a test triggers.

    Attributes:
        known: by workspace and name, each as ARM shows it.
    """

    def __init__(self, server: Server, assets: Assets, jobs: Jobs, endpoints: Endpoints) -> None:
        self.server, self.assets, self.jobs, self.endpoints = server, assets, jobs, endpoints
        self.known: dict[tuple[str, str], dict[str, Any]] = {}
        ws = f"/subscriptions/{{s}}/resourceGroups/{{g}}/{PROVIDER}/workspaces/{{w}}"
        one = f"{ws}/schedules/{{n}}"
        server.route("GET", one, self._get)
        server.route("PUT", one, self._put)
        server.route("DELETE", one, self._delete)
        server.route("POST", f"{one}/trigger", self._trigger)

    def _get(self, asked: Asked, s: str, g: str, w: str, n: str) -> Answer:
        return Answer(body=self._one(w, n))

    def _put(self, asked: Asked, s: str, g: str, w: str, n: str) -> Answer:
        if not NAME.fullmatch(n):
            raise Refused(400, "UserError", f"The schedule name {n} is invalid.")
        check("Schedule", asked.json)
        properties = asked.json["properties"]
        trigger, action = properties["trigger"], properties["action"]
        if trigger["triggerType"] == "Cron" and not CRON.fullmatch(trigger["expression"]):
            raise Refused(400, "UserError", f"The cron expression {trigger['expression']} is invalid.")
        if action["actionType"] == "CreateJob":
            self.jobs.require(w, copy.deepcopy(action["jobDefinition"]), data=False)
        elif faults := list(self._faults(w, action.get("monitorDefinition") or {})):
            raise Refused(400, "UserError", "; ".join(faults))
        properties.setdefault("isEnabled", True)
        if properties["isEnabled"] is None:
            properties["isEnabled"] = True
        id = f"{arm_id(w.removeprefix('mlw-'))}/schedules/{n}"
        made = self.assets.resource(id, "schedules", {**properties, "provisioningState": "Creating"})

        def work() -> None:
            made["properties"]["provisioningState"] = "Succeeded"
            self.known[w, n] = made

        return Answer(201, made, self.server.operate(work))

    def _delete(self, asked: Asked, s: str, g: str, w: str, n: str) -> Answer:
        if self._one(w, n)["properties"]["isEnabled"]:
            raise Refused(400, "UserError", f"The schedule {n} is enabled: disable it before it is deleted.")
        return Answer(202, None, self.server.operate(lambda: self.known.pop((w, n)) and None))

    def _trigger(self, asked: Asked, s: str, g: str, w: str, n: str) -> Answer:
        dt.datetime.fromisoformat(asked.json["scheduleTime"])
        return Answer(body={"scheduleActionType": "CreateJob", "submissionId": self.run(w, n)})

    def run(self, workspace: str, name: str) -> str:
        """What the service does when the moment has come; returns the job's name."""
        action = self._one(workspace, name)["properties"]["action"]
        job = f"{name}-{dt.datetime.now(dt.UTC):%Y%m%dt%H%M%S%f}"
        self.jobs.begin(workspace, job, copy.deepcopy(action["jobDefinition"]))
        return job

    def _one(self, workspace: str, name: str) -> dict[str, Any]:
        if (workspace, name) not in self.known:
            raise Refused(404, "UserError", f"The schedule {name} was not found.")
        return self.known[workspace, name]

    def _faults(self, workspace: str, monitor: dict[str, Any]) -> Iterator[str]:
        """What is wrong with a model monitor, which the described models do not know: what this project relies on."""
        target = monitor.get("monitoringTarget") or {}
        if str(target.get("taskType")).lower() not in ("classification", "regression"):
            yield f"the task type {target.get('taskType')} is none"
        if target.get("deploymentId") and not self._serves(workspace, target["deploymentId"]):
            yield f"there is no deployment {target['deploymentId']}"
        if not (monitor.get("computeConfiguration") or {}).get("instanceType"):
            yield "computeConfiguration.instanceType is required"
        for name, signal in (monitor.get("signals") or {"": {}}).items():
            if signal.get("signalType") not in SIGNALS:
                yield f"{name}: the signal type {signal.get('signalType')} is none"
            for side in ("productionData", "referenceData"):
                yield from (f"{name}.{side}: {fault}" for fault in self._data_faults(workspace, signal.get(side) or {}))

    def _data_faults(self, workspace: str, data: dict[str, Any]) -> Iterator[str]:
        if not str(data.get("uri", "")).startswith("azureml:"):
            yield f"{data.get('uri')} is no address of the workspace"
        for word in ("windowSize", "windowOffset"):
            if not DURATION.fullmatch(str(data.get(word))):
                yield f"{word} {data.get(word)} is no duration"
        found = re.search(r"/components/([^/]+)/versions/([^/]+)$", str(data.get("preprocessingComponentId")))
        components = self.assets.workspaces[workspace].assets.get("components", {})
        if found is None or found[2] not in components.get(found[1], {}):
            yield f"the component {data.get('preprocessingComponentId')} was not found"

    def _serves(self, workspace: str, id: str) -> bool:
        found = re.search(r"onlineEndpoints/([^/]+)/deployments/([^/]+)$", id)
        endpoint = self.endpoints.known.get((workspace, found[1].lower())) if found else None
        return endpoint is not None and found is not None and found[2] in endpoint.deployments
