"""What a preview may never do: replace what holds data, or take a way that has no return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.policy.rule import at

PROTECTED = ("resources:ResourceGroup", "machinelearningservices:Workspace", "storage:StorageAccount", "keyvault:Vault",
             "storage:BlobContainer", "containerregistry:Registry", "machinelearningservices:Registry", "operationalinsights:Workspace")  # fmt: skip
# (type, path, the step that has no return, the way out); a star stands for any other value.
ONE_WAY: tuple[tuple[str, str, tuple[str, str], str], ...] = (
    ("machinelearningservices:Workspace", "managedNetwork.isolationMode", ("AllowInternetOutbound", "Disabled"),
     "an open managed network cannot be switched off: make a new workspace beside it (another `mlops:suffix`)"),
    ("machinelearningservices:Workspace", "managedNetwork.isolationMode", ("AllowOnlyApprovedOutbound", "*"),
     "an approved-only network cannot be opened: make a new workspace beside it (another `mlops:suffix`)"),
    ("machinelearningservices:Workspace", "keyVault", ("*", "*"), "a workspace keeps its vault: make a new workspace beside it"),
    ("machinelearningservices:Workspace", "storageAccount", ("*", "*"), "a workspace keeps its storage: make a new workspace beside it"),
    ("storage:StorageAccount", "isHnsEnabled", ("*", "*"), "HNS is chosen at creation: put a lake into a second account"),
    ("machinelearningservices:Compute", "properties.disableLocalAuth", ("*", "*"),
     "local login is chosen at creation: give the compute another name and remove the old one afterwards"),
)  # fmt: skip


def refused(preview: Mapping[str, Any], stack: str, approved: frozenset[str] = frozenset()) -> list[str]:
    """One sentence for each step of `pulumi preview --json` that must not be taken.

    Args:
        preview: the parsed output.
        stack: in dev what holds data may be replaced, never turned onto a one-way road.
        approved: the URNs that a person approved by name.
    """
    sentences = []
    for step in preview.get("steps", []):
        urn, op = step["urn"], step["op"]
        type_ = urn.split("::")[2].rsplit("$", 1)[-1]
        if urn in approved:
            continue
        if stack != "dev" and type_.endswith(PROTECTED) and ("replace" in op or op.startswith("delete")):
            sentences.append(f"{op} of {urn}: it holds data; approve this URN by name, or take the change back")
        sentences += _one_way(type_, urn, step)
    return list(dict.fromkeys(sentences))


def _one_way(type_: str, urn: str, step: Mapping[str, Any]) -> list[str]:
    old, new = (at(step.get(side) or {}, "inputs") for side in ("oldState", "newState"))
    if not old or not new:
        return []
    found = []
    for kind, path, (before, after), way_out in ONE_WAY:
        was, will = at(old, path), at(new, path)
        turned = was != will and was is not None and before in ("*", was) and after in ("*", will)
        if type_.endswith(kind) and turned:
            found.append(f"{urn}: {path} from {was} to {will}: {way_out}")
    return found
