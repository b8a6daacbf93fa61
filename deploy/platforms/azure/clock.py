"""What a problem's schedules do: training in dev from the newest rows, monitors in prod of what it serves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.code import of_code
from deploy.platforms.azure.collected import folder_of
from deploy.platforms.azure.components import Components, files, of_folder, version
from deploy.platforms.azure.compute import SMALL, cluster
from deploy.platforms.azure.data import Data
from deploy.platforms.azure.endpoints import Endpoints
from deploy.platforms.azure.environments import version_of
from deploy.platforms.azure.registry import Registry
from deploy.platforms.azure.schedules import KINDS, NEW_DATA, Schedules, Wanted, load, name_of
from deploy.platforms.azure.tags import DIGEST, PROBLEM
from deploy.platforms.azure.training import Training, overrides, pipeline, tags_of
from deploy.platforms.local.home import REPOSITORY
from deploy.platforms.local.training import PIPELINES
from deploy.platforms.protocol import Schedule, TrainingInputs
from deploy.release.state import ModelRef, Observed
from deploy.screen import Screen
from ml import digest
from ml.fault import Fault
from ml.problem import Problem

MONITORING = PIPELINES / "monitoring.yml"
TABLES = ("collected_inputs", "collected_outputs")  # by these components the model monitor reads what was collected
SIGNALS = {"requests": TABLES[0], "quality": TABLES[0], "answers": TABLES[1]}


@dataclass(frozen=True)
class Clock:
    """The schedules of a stack's problems.

    Attributes:
        code: where snapshots of the code are kept.
    """

    training: Training
    data: Data
    endpoints: Endpoints
    registry: Registry
    code: Path

    @property
    def schedules(self) -> Schedules:
        """Those of the workspace."""
        return Schedules(self.training.sdk)

    def set(
        self, problem: Problem, file: Path, screen: Screen, emails: tuple[str, ...], update: bool
    ) -> tuple[Schedule, ...]:
        """See `Platform.schedule`."""
        wanted = self._trained(problem, file) if self._stack == "dev" else self._watched(problem, file, emails)
        return tuple(self.schedules.put(one, screen, update) for one in wanted)

    def remove(self, problem: Problem, screen: Screen) -> tuple[Schedule, ...]:
        """See `Platform.unschedule`."""
        names = {kind: name_of(problem.name, kind) for kind in KINDS[self._stack]}
        return tuple(self.schedules.remove(name, kind, screen) for kind, name in names.items())

    def moved(self, problem: Problem, file: Path, screen: Screen) -> None:
        """New rows were pushed: the schedules that are there are pointed at them, and training on them begins."""
        if self._stack != "dev" or not self.schedules.is_there(name_of(problem.name, NEW_DATA)):
            return
        for one in self.set(problem, file, screen, (), update=True):
            if one.job:
                screen.done(f"{one.name} began {one.job}")

    @property
    def _stack(self) -> str:
        return self.training.sdk.outputs.stack

    def _trained(self, problem: Problem, file: Path) -> list[Wanted]:
        rows, inputs = self.data.newest(problem.name), TrainingInputs(problem, file.resolve())
        settings, own = overrides(inputs, rows, self.training.sdk.outputs), pipeline(problem)
        code = (of_folder(own.parent), of_code(REPOSITORY), version_of("training"), digest.of_file(file))

        def wanted(kind: str) -> Wanted:
            def make(screen: Screen) -> Any:
                entity = load(kind, {"create_job.job": str(own), **_below("create_job", settings)})
                self.training.fit(entity.create_job)
                entity.create_job.tags = tags_of(inputs, rows)
                return entity

            return Wanted(problem.name, kind, (*code, _told(settings)), make, rows.version)

        return [wanted(kind) for kind in KINDS["dev"]]

    def _watched(self, problem: Problem, file: Path, emails: tuple[str, ...]) -> list[Wanted]:
        served = self.endpoints.observe(problem.name)
        model = served.tags.last_good
        if model is None:
            remedy = f"mlops release {problem.name} --stack prod --platform azure"
            raise Fault("nothing has been released to prod", problem.name, remedy)
        return [self._monitoring(problem, file, model), self._model_monitor(problem, served, model, emails)]

    def _monitoring(self, problem: Problem, file: Path, model: ModelRef) -> Wanted:
        settings = {
            "inputs.problem.path": str(file.resolve()),
            "inputs.model.path": self.registry.uri(model, by_reference=self.endpoints.serving.is_managed),
            "inputs.collected.path": self._collected(problem),
            "settings.default_compute": f"azureml:{cluster(self.training.sdk.outputs, SMALL)}",
            "experiment_name": f"{problem.name}-monitoring",
        }
        component = version(PIPELINES / "components" / "monitor.yml")
        parts = (component, digest.of_file(MONITORING), digest.of_file(file), model.digest, _told(settings))

        def make(screen: Screen) -> Any:
            entity = load("monitoring", _below("create_job", settings))
            self.training.fit(entity.create_job)
            entity.create_job.tags = {PROBLEM: problem.name, DIGEST: model.digest}
            return entity

        return Wanted(problem.name, "monitoring", parts, make)

    def _model_monitor(self, problem: Problem, served: Observed, model: ModelRef, emails: tuple[str, ...]) -> Wanted:
        name = next((d.name for d in served.deployments if d.model.digest == model.digest), None)
        emails = emails or self.schedules.emails(name_of(problem.name, "model-monitor"))
        deployment = f"azureml:{self.endpoints.azure_name(problem.name)}:{name}" if name else None
        settings: dict[str, Any] = {"create_monitor.monitoring_target.ml_task": problem.task}
        for signal in ("requests", "quality"):  # what else a request carries says nothing about the model
            settings[f"create_monitor.monitoring_signals.{signal}.features"] = list(problem.columns.features)
        tables = {one.stem: version(one) for one in files() if one.stem in TABLES}

        def make(screen: Screen) -> Any:
            Components(self.training.sdk, self.code).register(screen, *TABLES)
            entity = load("model-monitor", settings)
            entity.create_monitor.monitoring_target.endpoint_deployment_id = deployment
            if emails:
                entity.create_monitor.alert_notification.emails = list(emails)
            else:
                entity.create_monitor.alert_notification = None
            for signal, table in SIGNALS.items():
                for side in ("production_data", "reference_data"):
                    read = getattr(entity.create_monitor.monitoring_signals[signal], side)
                    read.pre_processing_component = f"azureml:{table}:{tables[table]}"
                    read.input_data.path = self._collected(problem)
            return entity

        parts = (*tables.values(), self._collected(problem), deployment or "", _told(settings))
        return Wanted(problem.name, "model-monitor", parts, make, emails=emails)

    def _collected(self, problem: Problem) -> str:
        store = self.training.sdk.outputs.datastore_name
        return f"azureml://datastores/{store}/paths/{folder_of(problem.name)}/"


def _below(place: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{place}.{key}": value for key, value in settings.items()}


def _told(settings: Mapping[str, Any]) -> str:
    """Settings as a part of what a schedule is made of: the same in every clone, wherever it lies."""
    return json.dumps({key: value for key, value in settings.items() if key != "inputs.problem.path"}, sort_keys=True)
