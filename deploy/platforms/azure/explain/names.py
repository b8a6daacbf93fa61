"""What the commands are filled in with: the stack's own names, or placeholders where it has none yet."""

from __future__ import annotations

import argparse
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from deploy.pin import Pins
from deploy.platforms.azure import batch_endpoint, endpoints
from deploy.platforms.azure.compute import SMALL, cluster
from deploy.platforms.azure.outputs import Outputs, read_outputs
from deploy.platforms.azure.registry import SHARED_DIGITS
from deploy.platforms.azure.serving import Serving, serving_of
from deploy.platforms.azure.training import overrides, pipeline
from deploy.platforms.local.home import REPOSITORY
from deploy.platforms.protocol import Asset, TrainingInputs
from deploy.release.policy import FOLDER, Policy, load_policy
from ml.fault import Fault
from ml.problem import find, load_problem

CONTINUED = " \\\n    "
# The outputs that are no text, where a stack has none yet.
NO_TEXT: Mapping[str, Any] = {
    "extra_clusters": {"memory": "<memory>", "gpu": "<gpu>"}, "kubernetes_compute": "", "instance_types": (),
    "private_network": False,
}  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """A stack as its commands name it.

    Attributes:
        why: what keeps its own names away; empty where they are known.
    """

    outputs: Outputs
    policy: Policy
    serving: Serving
    why: str = ""

    @classmethod
    def read(cls, stack: str, folder: Path) -> Stack:
        """The stack's outputs, or placeholders; nothing else is asked for."""
        policy, why = load_policy("azure", stack), ""
        try:
            outputs = read_outputs(stack, folder)
        except Fault as fault:
            outputs, why = placeholders(stack), str(fault)
        return cls(outputs, policy, serving_of(policy, outputs, str(FOLDER / "azure.yaml")), why)

    @property
    def names(self) -> dict[str, str]:
        """What depends on the stack alone."""
        own = self.outputs
        return {
            "stack": own.stack,
            "place": f"--resource-group {own.resource_group} --workspace-name {own.workspace_name}",
            "models": f"--registry-name {own.registry_name}" if own.stack == "prod" else "{place}",
            "registry": own.registry_name,
            "location": own.location,
            "storage": own.storage_account,
            "container": own.raw_container,
            "datastore": own.datastore_name,
            "cluster": cluster(own, SMALL),
            "endpoint_set": f"--set {self._endpoint}",
            "kind": self.serving.compute,
            "auth": self.serving.auth,
            "instances": str(self.serving.instances),
        }

    @property
    def _endpoint(self) -> str:
        """What an endpoint of the stack has that the asset's YAML cannot know."""
        if not self.serving.is_managed:
            return f"compute=azureml:{self.outputs.kubernetes_compute}"
        return f"public_network_access={'disabled' if self.outputs.private_network else 'enabled'}"


def placeholders(stack: str) -> Outputs:
    """Outputs whose values say what they stand for."""
    words = {field.name: f"<{field.name.replace('_', '-')}>" for field in fields(Outputs)}
    return Outputs(**{**words, **NO_TEXT, "stack": stack, "datastore_name": "raw"})


def of_problem(stack: Stack, pins: Pins, arguments: argparse.Namespace) -> dict[str, str]:
    """What depends on the problem too.

    Raises:
        Fault: there is no such problem.
    """
    file = find(arguments.problem)
    problem, own = load_problem(file), stack.outputs
    pin = pins.read(own.stack, problem.name)
    version, digest = (pin.version, pin.digest) if pin else ("<version>", "<digest>")
    known = not stack.why
    inputs = TrainingInputs(problem, _shown(file), None, None)
    settings = overrides(inputs, Asset(problem.name, "<version>", "", ""), own)
    return {
        "problem": problem.name,
        "file": str(_shown(file)),
        "task": problem.task,
        "version": version,
        "digest": digest,
        "shared": f"{version}-{digest[:SHARED_DIGITS]}",
        "endpoint": endpoints.azure_name(own.workspace_id, problem.name) if known else "<endpoint>",
        "batch_endpoint": batch_endpoint.azure_name(own.workspace_id, problem.name) if known else "<batch-endpoint>",
        "model_uri": _uri(stack, problem.name, version, digest),
        "pipeline": str(_shown(pipeline(problem))),
        "settings": _set(settings),
        "scheduled": _set({f"create_job.{key}": value for key, value in settings.items()}),
    }


def traffic(policy: Policy, serving: Serving) -> str:
    """The commands that move the traffic as the rollout policy says, for an endpoint that serves already."""
    begin = "az ml online-endpoint update --name {endpoint}"
    lines = []
    if policy.mirror and serving.is_managed:
        lines += [f'{begin} --mirror-traffic "<new>={policy.mirror}" {{place}}']
        lines += [f'{begin} --mirror-traffic "<new>=0" {{place}}']
    for step in policy.steps:
        rest = f"<old>={100 - step} " if step < 100 else ""
        lines.append(f'{begin} --traffic "{rest}<new>={step}" {{place}}')
    return "\n".join(lines)


def _uri(stack: Stack, problem: str, version: str, digest: str) -> str:
    """The model as the stack's deployments and jobs name it (see `Registry.uri`)."""
    if stack.outputs.stack == "prod" and stack.serving.is_managed:
        shared = f"{version}-{digest[:SHARED_DIGITS]}"
        return f"azureml://registries/{stack.outputs.registry_name}/models/{problem}/versions/{shared}"
    return f"azureml:{problem}:{version}"


def _set(settings: Mapping[str, Any]) -> str:
    """Settings as `--set` takes them, one a line."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in settings.items()}
    return CONTINUED.join(_quoted(f"{key}={text}") for key, text in texts.items())


def _quoted(word: str) -> str:
    """Quoted where a shell would take it apart; placeholders are replaced before anything runs."""
    replaced = word.replace("<", "").replace(">", "")
    return word if shlex.quote(replaced) == replaced else shlex.quote(word)


def _shown(path: Path) -> Path:
    """As a person in the repository types it."""
    path = path.resolve()
    return Path(os.path.relpath(path, REPOSITORY)) if path.is_relative_to(REPOSITORY) else path
