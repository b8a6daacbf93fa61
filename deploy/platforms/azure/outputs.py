"""The stack's outputs: ids and names of what Pulumi has made, checked against their contract."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any

from deploy.gitops.stack_state import stored
from deploy.platforms.local.home import REPOSITORY
from deploy.platforms.protocol import NotUp
from ml import digest
from ml.fault import Fault, invalid

CONTRACT = 1
VARIABLE = "MLOPS_STACK_OUTPUTS"
PULUMI_SECONDS = 120
MAY_BE_EMPTY = ("kubernetes_compute", "endpoint_host")  # without AKS
KINDS = {
    "str": (str, "a text"),
    "bool": (bool, "true or false"),
    "tuple[str, ...]": (list, "a list"),
    "Mapping[str, str]": (dict, "an object"),
}


@dataclass(frozen=True)
class Outputs:
    """What the platform uses of docs/infrastructure-outputs.md, by the same names."""

    stack: str
    subscription_id: str
    location: str
    resource_group: str
    workspace_name: str
    workspace_id: str
    registry_name: str
    cluster_name: str
    extra_clusters: Mapping[str, str]
    kubernetes_compute: str
    instance_types: tuple[str, ...]
    endpoint_identity_id: str
    endpoint_identity_client_id: str
    storage_account: str
    raw_container: str
    datastore_name: str
    logs_workspace_id: str
    private_network: bool

    @property
    def has_kubernetes(self) -> bool:
        """Whether an AKS cluster is attached to the workspace."""
        return bool(self.kubernetes_compute)


def keys() -> tuple[str, ...]:
    """The outputs that are used, as Pulumi names them."""
    return tuple(_key(field.name) for field in fields(Outputs))


def read_outputs(stack: str, folder: Path) -> Outputs:
    """The outputs of a stack.

    They come from the file that `MLOPS_STACK_OUTPUTS` names (`{stack}` in it stands for the stack), from
    `<folder>/<stack>.outputs.json` where that is, or from `pulumi stack output`.

    Raises:
        Fault: the stack was never brought up, or its outputs are of another contract.
    """
    file = _file(stack, folder)
    if file is None:
        return check(_ask_pulumi(stack), stack, f"pulumi stack output --stack {stack}")
    return check(_read(file), stack, str(file))


def state_of(stack: str, folder: Path) -> str:
    """A hash over all that Pulumi holds of the stack, or over the outputs where a file is read in its place.

    Raises:
        Fault: Pulumi does not tell, or the file cannot be read.
    """
    file = _file(stack, folder)
    if file is None:
        return stored(stack).hash
    return digest.of_bytes(json.dumps(_read(file), sort_keys=True).encode())


def check(given: Any, stack: str, where: str) -> Outputs:
    """Outputs as a value, or the fault that says what is wrong with them.

    Raises:
        Fault: a key is missing or holds what is none of its kind, they are another stack's, or of another version of
            the contract.
    """
    up = f"pulumi up --stack {stack}"
    if not isinstance(given, dict) or not given:
        raise NotUp(f"the stack {stack} has no outputs: it was never brought up", where, up)
    if given.get("version") != CONTRACT:
        message = f"the outputs are of version {given.get('version')}, and version {CONTRACT} is read here"
        raise Fault(message, where, f"update this repository, then {up}")
    missing = [key for key in keys() if key not in given]
    if missing:
        raise Fault(f"the outputs lack {', '.join(missing)}", where, up)
    if given["stack"] != stack:
        raise invalid(f"these are the outputs of {given['stack']}, not of {stack}", where, "name the right file")
    if wrong := [*filter(None, (_wrong(field, given[_key(field.name)]) for field in fields(Outputs)))]:
        raise Fault("; ".join(wrong), where, up)
    return Outputs(**{field.name: _value(given[_key(field.name)]) for field in fields(Outputs)})


def _file(stack: str, folder: Path) -> Path | None:
    """The file that is read in Pulumi's place, where there is one."""
    named = os.environ.get(VARIABLE, "").replace("{stack}", stack)
    kept = folder / f"{stack}.outputs.json"
    return Path(named) if named else kept if kept.exists() else None


def _wrong(field: Field[Any], value: Any) -> str:
    """What is wrong with a value; empty where nothing is."""
    kind, word = KINDS[str(field.type)]
    if not isinstance(value, kind):
        return f"`{_key(field.name)}` is {json.dumps(value)}, and not {word}"
    return f"`{_key(field.name)}` is empty" if value == "" and field.name not in MAY_BE_EMPTY else ""


def _key(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise invalid(f"it cannot be read: {error.strerror}", str(file), f"correct {VARIABLE}") from None
    except ValueError:
        remedy = "write it with: pulumi stack output --json"
        raise invalid("it is no JSON", str(file), remedy) from None


def _ask_pulumi(stack: str) -> Any:
    command = ["pulumi", "stack", "output", "--json", "--stack", stack, "--non-interactive"]
    try:
        done = subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=PULUMI_SECONDS
        )
    except FileNotFoundError:
        remedy = f"install Pulumi, or name a file with the stack's outputs in {VARIABLE}"
        raise Fault("Pulumi is not installed", f"the outputs of {stack}", remedy) from None
    except subprocess.TimeoutExpired:
        raise Fault("Pulumi does not answer", " ".join(command), "see what it waits for") from None
    if done.returncode == 0:
        return json.loads(done.stdout or "{}")
    return _refused(stack, done.stderr)


def _refused(stack: str, said: str) -> Any:
    """Pulumi's own words where they are not the ones of a stack that is not there."""
    words = " ".join(said.split())
    if "no stack" in words or "not found" in words:
        raise NotUp(f"the stack {stack} was never brought up", "pulumi", f"pulumi up --stack {stack}")
    remedy = f"pulumi login, or name a file with the stack's outputs in {VARIABLE}"
    raise Fault(f"Pulumi does not give the outputs of {stack}: {words[:200]}", "pulumi", remedy)
