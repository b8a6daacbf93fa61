"""A step of the stand-in's jobs as processes, with what the service puts into a node's environment."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stand_in.server import token

PLACEHOLDER = re.compile(r"\$\{\{(inputs|outputs)\.(\w+)\}\}")
OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
OURS = ("PYTHONPATH", "MLOPS_HOME", "MLOPS_STACK_OUTPUTS", "AZUREML_CURRENT_CLOUD", "STAND_IN_URL")


@dataclass(frozen=True)
class Step:
    """What is to be run.

    Attributes:
        given: by input, a literal or a URI.
        bring: makes files of what a URI names.
        tracking: the URL of the tracking server.
    """

    spec: dict[str, Any]
    given: dict[str, Any]
    folder: Path
    nodes: int
    distribution: dict[str, Any]
    tracking: str
    run_id: str
    bring: Callable[[str, Path], Path]


def log_of(folder: Path) -> Path:
    """The log that people look at first."""
    logs = sorted((folder / "user_logs").glob("*.txt"))
    return logs[0] if logs else folder / "user_logs" / "std_log.txt"


def carry_out(step: Step) -> bool:
    """Runs the command on every node; whether all ended well."""
    (step.folder / "user_logs").mkdir(parents=True)
    code = step.bring(step.spec["code"].removeprefix("azureml:"), step.folder / "code")
    command = _command(step)
    processes = []
    for number, own in enumerate(_nodes(step)):
        name = "std_log.txt" if step.nodes == 1 else f"std_log_process_{number}.txt"
        with (step.folder / "user_logs" / name).open("wb") as log:
            processes.append(
                subprocess.Popen(
                    ["bash", "-c", command], cwd=code, env=_environment(step) | own,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                )
            )  # fmt: skip
    while any(process.poll() is None for process in processes) and not any(process.poll() for process in processes):
        time.sleep(0.02)
    for process in processes:
        process.terminate()
    return not any(process.wait() for process in processes)


def _command(step: Step) -> str:
    """The component's command as the service makes it: literals as text, folders as paths."""
    declared, paths = step.spec.get("inputs") or {}, {}
    for name, value in step.given.items():
        if declared[name]["type"].startswith(("uri_", "mlflow_", "custom_")):
            paths[name] = str(_brought(step, name, str(value), declared[name]["type"] == "uri_file"))
        else:
            paths[name] = str(value)
    for name in step.spec.get("outputs") or {}:
        (step.folder / "outputs" / name).mkdir(parents=True)

    def value(found: re.Match[str]) -> str:
        return paths[found[2]] if found[1] == "inputs" else str(step.folder / "outputs" / found[2])

    def optional(found: re.Match[str]) -> str:
        return found[1] if all(name in paths for _, name in PLACEHOLDER.findall(found[1])) else ""

    return PLACEHOLDER.sub(value, OPTIONAL.sub(optional, step.spec["command"]))


def _brought(step: Step, name: str, uri: str, is_file: bool) -> Path:
    folder = step.bring(uri, step.folder / "inputs" / name)
    return next(path for path in folder.iterdir()) if is_file else folder


def _environment(step: Step) -> dict[str, str]:
    """Of this process only what finds Python; the rest is the service's."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    first = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {
        **kept,
        "PATH": first,
        "PYTHONUNBUFFERED": "1",
        "MLFLOW_TRACKING_URI": step.tracking,
        "MLFLOW_TRACKING_TOKEN": token(),
        "MLFLOW_RUN_ID": step.run_id,
        "AZUREML_RUN_ID": step.run_id,
    }


def _nodes(step: Step) -> list[dict[str, str]]:
    """Of the distribution `pytorch`, what it tells each process; without one the nodes know nothing of each other."""
    if str(step.distribution.get("distribution_type", "")).lower() != "pytorch":
        return [{} for _ in range(step.nodes)]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(step.nodes), "LOCAL_RANK": "0"}
    return [{**shared, "RANK": str(number), "NODE_RANK": str(number)} for number in range(step.nodes)]
