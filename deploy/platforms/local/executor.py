"""Runs a pipeline's steps as processes, each step once for the same code, inputs and parameters."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.code import of_code
from deploy.pipeline import IN_COMMAND, Component, Pipeline, Source, Step
from ml import digest
from ml.fault import Fault, from_json, invalid, of_the_machine

OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
LAST_LINES = 15
TRIAL = "trial.json"
NODES_POLL_SECONDS = 0.05
PROBE_BYTES = 2**20


@dataclass(frozen=True)
class Artefact:
    """A file or folder (or literal) that passes between steps, with the digest of its content."""

    value: str
    digest: str


@dataclass(frozen=True)
class StepDone:
    """A step that has its outputs.

    Attributes:
        seconds: what it took here and now; next to nothing where it was reused.
        cached: whether an earlier execution's outputs were taken.
    """

    name: str
    key: str
    seconds: float
    cached: bool
    outputs: Mapping[str, Artefact]


@dataclass(frozen=True)
class PipelineDone:
    """What a pipeline left behind."""

    steps: tuple[StepDone, ...]
    outputs: Mapping[str, Artefact]


Told = Callable[[str, StepDone | None], None]  # the step's name when it starts, and again when it is done


def run_pipeline(
    pipeline: Pipeline,
    inputs: Mapping[str, Path | str],
    store: Path,
    environment_digests: Mapping[str, str],
    told: Told = lambda name, done: None,
) -> PipelineDone:
    """Runs the steps in order, reusing what `store` holds.

    Args:
        pipeline: as loaded.
        inputs: the pipeline's inputs: a path, or a literal for inputs of a plain type.
        store: where the steps' outputs are kept by their key.
        environment_digests: by Azure ML environment, the digest of its locked requirements.
        told: hears of every step.

    Raises:
        Fault: an input is missing, or a step failed; then with the end of its log.
    """
    given = {name: _artefact(value) for name, value in _with_defaults(pipeline, inputs).items()}
    code = {step.component.code: "" for step in pipeline.steps}
    code = {folder: of_code(folder) for folder in code}
    done: dict[str, StepDone] = {}
    for step in pipeline.steps:
        told(step.name, None)
        fingerprint = code[step.component.code] + environment_digests.get(step.component.environment, "")
        run = _run_step if step.search is None else _run_trials
        done[step.name] = run(step, _resolve(step, given, done), fingerprint, store)
        told(step.name, done[step.name])
    outputs = {parent: done[s.name].outputs[out] for s in pipeline.steps for out, parent in s.outputs.items()}
    return PipelineDone(tuple(done.values()), outputs)


def _with_defaults(pipeline: Pipeline, inputs: Mapping[str, Path | str]) -> dict[str, Path | str]:
    for name in inputs:
        if name not in pipeline.inputs:
            raise invalid(f"the pipeline has no input `{name}`", pipeline.name, f"it has {', '.join(pipeline.inputs)}")
    defaults = {n: i.default for n, i in pipeline.inputs.items() if i.default is not None}
    all_inputs = {**defaults, **inputs}
    for name, declared in pipeline.inputs.items():
        if name not in all_inputs and not declared.optional:
            raise invalid(f"the input `{name}` is not given", pipeline.name, "give it")
    return all_inputs


def _artefact(value: Path | str) -> Artefact:
    if isinstance(value, Path):
        if not value.exists():
            raise invalid("there is no such file or folder", str(value), "check the path")
        return Artefact(str(value.resolve()), digest.of_path(value))
    return Artefact(value, digest.of_bytes(value.encode()))


def _resolve(step: Step, given: Mapping[str, Artefact], done: Mapping[str, StepDone]) -> dict[str, Artefact]:
    """The step's inputs; an optional one that nobody gave is left out."""

    def one(source: Source) -> Artefact | None:
        if source.parent is not None:
            return given.get(source.parent)
        if source.step is not None and source.output is not None:
            return done[source.step].outputs[source.output]
        return _artefact(source.literal or "")

    found = {name: one(source) for name, source in step.inputs.items()}
    defaults = {n: _artefact(i.default) for n, i in step.component.inputs.items() if i.default is not None}
    return {**defaults, **{name: artefact for name, artefact in found.items() if artefact is not None}}


def step_key(step: Step, inputs: Mapping[str, Artefact], fingerprint: str) -> str:
    """What decides whether a step has run before: its command, code, environment, nodes and inputs' content."""
    parts: dict[str, object] = {
        "command": step.component.command,
        "code": fingerprint,
        "inputs": {name: artefact.digest for name, artefact in sorted(inputs.items())},
    }
    if step.nodes > 1:
        parts["nodes"] = step.nodes
    return digest.of_bytes(json.dumps(parts, sort_keys=True).encode())[:32]


def _run_step(step: Step, inputs: Mapping[str, Artefact], fingerprint: str, store: Path) -> StepDone:
    started = time.monotonic()
    key = step_key(step, inputs, fingerprint)
    kept = _kept(store / key, step.component)
    cached = kept is not None
    if kept is None:
        kept = _execute(step, inputs, store / key)
    return StepDone(step.name, key, time.monotonic() - started, cached, kept)


def _run_trials(step: Step, inputs: Mapping[str, Artefact], fingerprint: str, store: Path) -> StepDone:
    """Every trial of a sweep, each kept like a step; the outputs are those of the best one, as in Azure ML."""
    assert step.search is not None
    started = time.monotonic()
    trials = [
        _run_step(step, {**inputs, step.search.input: _artefact(value)}, fingerprint, store)
        for value in step.search.values
    ]
    best = min(trials, key=lambda trial: _metric(trial, step))
    key = digest.of_bytes(" ".join(trial.key for trial in trials).encode())[:32]
    cached = all(trial.cached for trial in trials)
    return StepDone(step.name, key, time.monotonic() - started, cached, best.outputs)


def _metric(trial: StepDone, step: Step) -> float:
    """What the trial logged; without a tracking server it stands in `trial.json` of one of its outputs.

    A trial whose metric is no number is worse than every other.
    """
    assert step.search is not None
    for output in trial.outputs.values():
        file = Path(output.value) / TRIAL
        if file.is_file():
            value = json.loads(file.read_text(encoding="utf-8")).get(step.search.metric)
            return float(value) if value is not None and math.isfinite(value) else math.inf
    raise Fault(f"a trial of `{step.name}` left no {TRIAL}", f"step {step.name}", "write it into an output")


def _kept(folder: Path, component: Component) -> dict[str, Artefact] | None:
    """The outputs of an earlier execution, if they are all there and unchanged."""
    try:
        recorded = json.loads((folder / "step.json").read_text(encoding="utf-8"))["outputs"]
    except (OSError, ValueError, KeyError):
        return None
    outputs = {name: Artefact(str(folder / name), recorded.get(name, "")) for name in component.outputs}
    whole = all(Path(o.value).exists() and digest.of_path(Path(o.value)) == o.digest for o in outputs.values())
    return outputs if whole else None


def _execute(step: Step, inputs: Mapping[str, Artefact], folder: Path) -> dict[str, Artefact]:
    """Runs the command in a folder of its own, which takes its name only when it is whole."""
    working = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        working.mkdir(parents=True)
        for output in step.component.outputs:
            (working / output).mkdir()
        _process(step, command_line(step.component, inputs, working), working / "log.txt", _failed_log(folder))
        digests = {name: digest.of_path(working / name) for name in step.component.outputs}
        record = {"step": step.name, "outputs": digests}
        (working / "step.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        working.rename(folder)
    except BaseException:
        _keep_log(working, folder)
        raise
    return {name: Artefact(str(folder / name), value) for name, value in digests.items()}


def _keep_log(working: Path, folder: Path) -> None:
    if (working / "log.txt").exists():
        (working / "log.txt").replace(_failed_log(folder))
    shutil.rmtree(working, ignore_errors=True)


def _failed_log(folder: Path) -> Path:
    return folder.with_suffix(".failed.log")


def command_line(component: Component, inputs: Mapping[str, Artefact], outputs: Path) -> str:
    """The component's command with its placeholders resolved as Azure ML does it, quoted for the shell."""

    def value(match: re.Match[str]) -> str:
        kind, name = match.groups()
        return shlex.quote(inputs[name].value if kind == "inputs" else str(outputs / name))

    def optional(match: re.Match[str]) -> str:
        named = [name for kind, name in IN_COMMAND.findall(match[1]) if kind == "inputs"]
        return match[1] if all(name in inputs for name in named) else ""

    return IN_COMMAND.sub(value, OPTIONAL.sub(optional, component.command))


def _process(step: Step, command: str, log: Path, kept: Path) -> None:
    """The step's process, or as many as it has nodes; the first one's log is the step's, `kept` where it fails."""
    logs = [log, *(log.with_suffix(f".{node}.txt") for node in range(1, step.nodes))]
    nodes = _as_nodes(step.nodes)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for path, place in zip(logs, nodes, strict=True):
            processes.append(_start(step, command, path, place))
        ended = _wait(processes)
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if ended is not None:
        raise _step_fault(step.name, processes[ended].returncode, logs[ended], kept)


def _start(step: Step, command: str, log: Path, node: Mapping[str, str]) -> subprocess.Popen[bytes]:
    python_first = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    code = {"PATH": python_first, "PYTHONPATH": str(step.component.code), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as file:
        return subprocess.Popen(
            ["bash", "-c", command], cwd=step.component.code, env={**os.environ, **code, **node},
            stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def _as_nodes(count: int) -> list[dict[str, str]]:
    """What Azure ML's distribution `pytorch` tells each node; nothing where there is one."""
    if count == 1:
        return [{}]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    first = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(count)}
    return [{**first, "RANK": str(number), "NODE_RANK": str(number)} for number in range(count)]


def _wait(processes: list[subprocess.Popen[bytes]]) -> int | None:
    """Waits for all; the number of the first that failed, whose fellows would wait for it in vain."""
    if len(processes) == 1:
        return 0 if processes[0].wait() != 0 else None
    while True:
        states = [process.poll() for process in processes]
        failed = next((number for number, state in enumerate(states) if state), None)
        if failed is not None or all(state == 0 for state in states):
            return failed
        time.sleep(NODES_POLL_SECONDS)


def _step_fault(name: str, status: int, log: Path, kept: Path) -> Fault:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    fault = from_json(lines[-1]) if lines else None
    if fault is not None:
        return fault
    reason = f"step `{name}` " + (f"was killed by signal {-status}" if status < 0 else f"ended with exit code {status}")
    full = _full(log.parent)
    if full is not None:  # then the log, too, is cut off where the disk ended
        return replace(full, message=f"{reason}: {full.message}", where=str(kept.parent))
    tail = "\n".join(["; the end of its log:", *lines[-LAST_LINES:]]) if lines else "; its log is empty"
    return Fault(reason + tail, f"step {name}", f"the whole log is {kept}" if lines else "run the same command")


def _full(folder: Path) -> Fault | None:
    """Why nothing more can be written there; None where it can."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
    except OSError as error:
        return of_the_machine(error, str(folder))
    return None
