"""The batch endpoint of a problem: made where it is not there, with a deployment for what is to be scored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.code import of_code, staged
from deploy.platforms.azure.components import Components
from deploy.platforms.azure.compute import SMALL, cluster
from deploy.platforms.azure.environments import environment
from deploy.platforms.azure.faults import NotThere
from deploy.platforms.azure.folder_of_blobs import FolderOfBlobs
from deploy.platforms.azure.registry import Registry
from deploy.platforms.azure.sdk import Sdk
from deploy.platforms.local.home import REPOSITORY
from deploy.release.state import ModelRef
from deploy.screen import Screen
from ml import digest

ASSETS = REPOSITORY / "deploy" / "assets" / "batch"
PIPELINE = REPOSITORY / "ml" / "pipelines" / "batch.yml"
KEPT = 5  # deployments; they cost nothing, and an endpoint takes twenty
LONGEST, DIGITS = 32, 12


@dataclass(frozen=True)
class Scoring:
    """What is to be scored: files below `rows` of a folder of blobs, into `scored` beside it."""

    model: ModelRef
    blobs: FolderOfBlobs
    suffix: str
    pipeline: bool


@dataclass(frozen=True)
class BatchEndpoint:
    """One problem's batch endpoint.

    Attributes:
        code: where snapshots of the code are kept.
    """

    sdk: Sdk
    registry: Registry
    problem: str
    code: Path

    @property
    def name(self) -> str:
        """See `azure_name`."""
        return azure_name(self.sdk.outputs.workspace_id, self.problem)

    def invoke(self, scoring: Scoring, screen: Screen) -> str:
        """Begins a job, and returns its name.

        Raises:
            Fault: Azure refuses it.
        """
        self._make(screen)
        deployment, make = self._deployment_of(scoring)
        self._deploy(deployment, make, screen)
        scoring.blobs.delete("scored")  # of an earlier try
        inputs, outputs = self._ends(scoring)
        doing = f"invoke the batch endpoint {self.name}"
        job = self.sdk.call(
            doing,
            lambda client: client.batch_endpoints.invoke(
                endpoint_name=self.name, deployment_name=deployment, inputs=inputs, outputs=outputs
            ),
        )
        return str(job.name)

    def _make(self, screen: Screen) -> None:
        try:
            self.sdk.call(f"read {self.name}", lambda client: client.batch_endpoints.get(self.name))
        except NotThere:
            from azure.ai.ml import load_batch_endpoint

            screen.working(f"make the batch endpoint {self.name}")
            wanted = load_batch_endpoint(ASSETS / "endpoint.yml", params_override=[{"name": self.name}])
            doing = f"make the batch endpoint {self.name}"
            self.sdk.finish(doing, lambda client: client.batch_endpoints.begin_create_or_update(wanted))
            screen.done(f"made the batch endpoint {self.name}")

    def _deployment_of(self, scoring: Scoring) -> tuple[str, Any]:
        """A deployment's name, made of all that it depends on, and what makes it."""
        if scoring.pipeline:
            name = f"pipeline-{_digest(of_code(REPOSITORY), digest.of_path(ASSETS), digest.of_file(PIPELINE))}"
            return name, lambda: self._of_pipeline(name)
        name = f"model-{_digest(of_code(REPOSITORY), digest.of_path(ASSETS), scoring.model.digest)}"
        return name, lambda: self._of_model(name, scoring.model)

    def _deploy(self, name: str, make: Any, screen: Screen) -> None:
        doing = f"deploy {name} to {self.name}"
        try:
            found = self.sdk.call(doing, lambda client: client.batch_deployments.get(name, self.name))
            if found.provisioning_state == "Succeeded":
                return
        except NotThere:
            pass
        screen.working(doing)
        wanted = make()
        self.sdk.finish(doing, lambda client: client.batch_deployments.begin_create_or_update(wanted))
        screen.done(f"deployed {name}")
        self._sweep(name)

    def _of_model(self, name: str, model: ModelRef) -> Any:
        from azure.ai.ml.entities._load_functions import load_model_batch_deployment

        chosen = {
            "name": name,
            "endpoint_name": self.name,
            "model": self.registry.uri(model, by_reference=True),
            "environment": environment(self.sdk, "batch"),
            "compute": f"azureml:{cluster(self.sdk.outputs, SMALL)}",
        }
        made = load_model_batch_deployment(ASSETS / "model-deployment.yml", params_override=_overrides(chosen))
        made.code_configuration.code = str(staged(REPOSITORY, self.code))
        return made

    def _of_pipeline(self, name: str) -> Any:
        from azure.ai.ml.entities._load_functions import load_pipeline_component_batch_deployment

        chosen = {"name": name, "endpoint_name": self.name}
        made: Any = load_pipeline_component_batch_deployment(
            ASSETS / "pipeline-deployment.yml", params_override=_overrides(chosen)
        )
        made.settings["default_compute"] = cluster(self.sdk.outputs, SMALL)
        Components(self.sdk, self.code).fit(made.component)
        return made

    def _ends(self, scoring: Scoring) -> tuple[dict[str, Any], dict[str, Any]]:
        """The job's inputs and outputs."""
        from azure.ai.ml import Input, Output

        rows = Input(type="uri_folder", path=f"{scoring.blobs.uri}/rows/")
        scored = Output(type="uri_folder", path=f"{scoring.blobs.uri}/scored/")
        if not scoring.pipeline:
            return {"rows": rows}, {"score": scored}
        model = Input(type="mlflow_model", path=self._path_of(scoring.model))
        format_ = Input(type="string", default=scoring.suffix.lstrip("."))
        return {"rows": rows, "model": model, "format": format_}, {"scored": scored}

    def _path_of(self, model: ModelRef) -> str:
        """Where the model's files lie in the workspace's storage: an invocation takes no registered model by name."""
        name, version = self.registry.uri(model, by_reference=False).removeprefix("azureml:").split(":")
        found = self.sdk.call(f"read {name}:{version}", lambda client: client.models.get(name, version))
        return str(found.path)

    def _sweep(self, current: str) -> None:
        """Keeps the newest deployments."""
        doing = f"list the deployments of {self.name}"
        found = self.sdk.call(doing, lambda client: list(client.batch_deployments.list(self.name)))
        others = [one for one in found if one.name != current]
        newest = sorted(others, key=lambda one: str(one.creation_context and one.creation_context.created_at))
        for old in newest[: -(KEPT - 1)]:
            self._delete(str(old.name))

    def _delete(self, name: str) -> None:
        doing = f"delete the deployment {name}"
        self.sdk.finish(doing, lambda client: client.batch_deployments.begin_delete(name, self.name))


def azure_name(workspace_id: str, problem: str) -> str:
    """The name of a problem's batch endpoint: one of the region's, so it carries a mark of the workspace."""
    mark = f"-batch-{hashlib.sha256(workspace_id.lower().encode()).hexdigest()[:5]}"
    room = LONGEST - len(mark)
    if len(problem) > room:
        problem = f"{problem[: room - 6].rstrip('-')}-{hashlib.sha256(problem.encode()).hexdigest()[:5]}"
    return problem + mark


def _digest(*parts: str) -> str:
    return digest.of_bytes("\n".join(parts).encode())[:DIGITS]


def _overrides(chosen: Mapping[str, str]) -> list[dict[str, str]]:
    """As the SDK's loaders take what replaces a value of the YAML."""
    return [{key: value} for key, value in chosen.items()]
