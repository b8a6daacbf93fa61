"""An Azure ML v2 pipeline YAML as frozen values, with the checks that the SDK leaves out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from ml.fault import Fault, invalid
from ml.strict_yaml import load_document

FROM_PARENT = re.compile(r"^\$\{\{parent\.inputs\.(\w+)\}\}$")
FROM_STEP = re.compile(r"^\$\{\{parent\.jobs\.(\w+)\.outputs\.(\w+)\}\}$")
TO_PARENT = re.compile(r"^\$\{\{parent\.outputs\.(\w+)\}\}$")
IN_COMMAND = re.compile(r"\$\{\{(inputs|outputs)\.(\w+)\}\}")
STEP_KEYS = {
    *("type", "component", "display_name", "inputs", "outputs"),
    *("compute", "resources", "limits", "environment_variables"),
}
SWEEP_KEYS = (STEP_KEYS - {"component"}) | {"trial", "search_space", "sampling_algorithm", "objective"}


@dataclass(frozen=True)
class Input:
    """A declared input: of a component or of the pipeline.

    Attributes:
        default: a literal, or for files and folders of this repository their path.
    """

    type: str
    optional: bool = False
    default: str | Path | None = None


@dataclass(frozen=True)
class Component:
    """A command component.

    Attributes:
        command: the line that both platforms run.
        code: the folder that it runs in.
        environment: the Azure ML environment that it names.
    """

    name: str
    command: str
    inputs: Mapping[str, Input]
    outputs: tuple[str, ...]
    code: Path
    environment: str


@dataclass(frozen=True)
class Source:
    """Where a step's input comes from: the pipeline's input, or a step's output, or a literal."""

    parent: str | None = None
    step: str | None = None
    output: str | None = None
    literal: str | None = None


@dataclass(frozen=True)
class Search:
    """A sweep over the values of one input: the trial with the least metric is the step's result."""

    input: str
    values: tuple[str, ...]
    metric: str


@dataclass(frozen=True)
class Step:
    """One component in its place.

    Attributes:
        outputs: by the step's output, the pipeline's.
        search: where the component is tried with several values of an input.
        nodes: how many processes carry it out together.
    """

    name: str
    component: Component
    inputs: Mapping[str, Source]
    outputs: Mapping[str, str]
    search: Search | None = None
    nodes: int = 1


@dataclass(frozen=True)
class Pipeline:
    """The steps in an order in which they can run."""

    name: str
    inputs: Mapping[str, Input]
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]


def load_pipeline(path: Path) -> Pipeline:
    """The pipeline in a file, checked.

    Raises:
        Fault: with every fault at once: unknown or missing inputs, bindings to nothing, cycles,
            placeholders that the component does not declare, no jobs.
    """
    document = load_document(path)
    jobs = document.get("jobs") or {}
    if not jobs:
        raise invalid("the pipeline has no jobs", str(path), "add steps under `jobs:`")
    steps = {str(name): _step(str(name), job, path) for name, job in jobs.items()}
    inputs = {str(n): _input(spec, path.parent) for n, spec in (document.get("inputs") or {}).items()}
    pipeline = Pipeline(
        name=str(document.get("display_name", path.stem)),
        inputs=inputs,
        outputs=tuple(document.get("outputs") or ()),
        steps=tuple(steps[name] for name in _order(steps, path)),
    )
    faults = [*_faults(pipeline), *(f for step in steps.values() for f in _component_faults(step.component))]
    if faults:
        raise invalid("\n".join(f"{path.name}: {fault}" for fault in faults), remedy="correct the YAML")
    return pipeline


def as_text(value: Any) -> str:
    """A literal as Azure ML puts it into a command: true → True, 1.0e-5 → 1e-05."""
    return str(value)


def _input(spec: Any, folder: Path) -> Input:
    if not isinstance(spec, dict):
        return Input("string", default=as_text(spec))
    kind, optional = str(spec.get("type", "string")), bool(spec.get("optional"))
    if "default" in spec:
        return Input(kind, optional, as_text(spec["default"]))
    local = "path" in spec and not str(spec["path"]).startswith("azureml:")
    return Input(kind, optional, (folder / str(spec["path"])).resolve() if local else None)


def _step(name: str, job: Any, path: Path) -> Step:
    sweeps = job.get("type") == "sweep"
    known = SWEEP_KEYS if sweeps else STEP_KEYS
    for key in job:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "see Azure ML's pipeline schema"
            raise invalid(f"step `{name}`: unknown key `{key}`", str(path), hint)
    outputs = {str(k): m[1] for k, v in (job.get("outputs") or {}).items() if (m := TO_PARENT.match(str(v)))}
    return Step(
        name=name,
        component=load_component((path.parent / str(job["trial" if sweeps else "component"])).resolve()),
        inputs={str(k): _source(v) for k, v in (job.get("inputs") or {}).items()},
        outputs=outputs,
        search=_search(name, job, path) if sweeps else None,
        nodes=int((job.get("resources") or {}).get("instance_count", 1)),
    )


def _search(name: str, job: Any, path: Path) -> Search:
    """The sweep of a step: of what Azure ML knows, a grid over one input, which every platform tries alike."""
    space, objective = job.get("search_space") or {}, job.get("objective") or {}
    if len(space) != 1 or job.get("sampling_algorithm") != "grid" or objective.get("goal") != "minimize":
        remedy = "give it one input in `search_space`, `sampling_algorithm: grid` and `objective: {goal: minimize}`"
        raise invalid(f"step `{name}`: this sweep runs on Azure ML only", str(path), remedy)
    ((swept, choice),) = space.items()
    return Search(str(swept), tuple(as_text(value) for value in choice["values"]), str(objective["primary_metric"]))


def load_component(path: Path) -> Component:
    """The command component in a file.

    Raises:
        Fault: there is no such file, or it lacks name or command.
    """
    document = load_document(path)
    for key in ("name", "command", "environment"):
        if key not in document:
            raise invalid(f"the component has no `{key}`", str(path), f"add `{key}:`")
    return Component(
        name=str(document["name"]),
        command=str(document["command"]),
        inputs={str(n): _input(spec, path.parent) for n, spec in (document.get("inputs") or {}).items()},
        outputs=tuple(str(n) for n in document.get("outputs") or ()),
        code=(path.parent / str(document.get("code", "."))).resolve(),
        environment=str(document["environment"]),
    )


def _source(value: Any) -> Source:
    value = value.get("path", value) if isinstance(value, dict) else value
    if parent := FROM_PARENT.match(str(value)):
        return Source(parent=parent[1])
    if step := FROM_STEP.match(str(value)):
        return Source(step=step[1], output=step[2])
    return Source(literal=as_text(value))


def _order(steps: Mapping[str, Step], path: Path) -> list[str]:
    graph = {n: {s.step for s in step.inputs.values() if s.step in steps} for n, step in steps.items()}
    try:
        return [str(name) for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise Fault("the steps go in a circle: " + " → ".join(error.args[1]), str(path), "cut it", code=2) from None


def _faults(pipeline: Pipeline) -> list[str]:
    outputs = {step.name: step.component.outputs for step in pipeline.steps}
    faults = []
    for step in pipeline.steps:
        faults += [f"{step.name}: {fault}" for fault in _input_faults(step, pipeline, outputs)]
        for output, parent in step.outputs.items():
            if output not in step.component.outputs:
                faults.append(f"{step.name}: there is no output `{output}`")
            if parent not in pipeline.outputs:
                faults.append(f"{step.name}: the pipeline has no output `{parent}`")
    return faults


def _input_faults(step: Step, pipeline: Pipeline, outputs: Mapping[str, tuple[str, ...]]) -> list[str]:
    declared = step.component.inputs
    faults = [f"unknown input `{name}`" for name in step.inputs if name not in declared]
    needed = (n for n, i in declared.items() if not i.optional and i.default is None)
    faults += [f"the input `{name}` is not given" for name in needed if name not in step.inputs]
    for name, source in step.inputs.items():
        if source.parent is not None and source.parent not in pipeline.inputs:
            faults.append(f"`{name}` is bound to `{source.parent}`, which the pipeline does not have")
        if source.step is not None and source.output not in outputs.get(source.step, ()):
            faults.append(f"`{name}` is bound to {source.step}.{source.output}, which does not exist")
    return faults


def _component_faults(component: Component) -> list[str]:
    declared = {"inputs": set(component.inputs), "outputs": set(component.outputs)}
    return [
        f"component {component.name}: the command uses `{kind}.{name}`, which is not declared"
        for kind, name in IN_COMMAND.findall(component.command)
        if name not in declared[kind]
    ]
