"""What `--ci` adds to a verb: outputs and a summary for later jobs, and decisions that end a job green."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.context import Done
from deploy.exit_codes import DRIFT, REFUSED, WAITING
from deploy.gitops.markdown import text
from deploy.gitops.summary import summary_of
from ml.fault import Fault

OUTCOMES = {
    0: "done", 1: "fault", 2: "usage", 3: "refused", 4: "waiting", 5: "rolled_back", 6: "drift", 7: "interrupted",
}  # fmt: skip
# Codes that are an answer, not a failure: the job stays green, and later jobs go by the output `outcome`.
GREEN: Mapping[str, frozenset[int]] = {
    "gate": frozenset({REFUSED, WAITING}),
    "monitor": frozenset({DRIFT, WAITING}),
    "drift": frozenset({DRIFT}),
    "expiry": frozenset({DRIFT}),
}
# By verb, which keys of its result later jobs read; docs/from-a-change-to-production.md lists the same.
OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "changes": ("infrastructure", "shared", "problems", "pins"),
    "train": ("run_id",),
    "gate": ("decision", "digest"),
    "promote": ("superseded",),
    "plan": ("writes", "to"),
    "preview": ("changes",),
    "propose": ("opens", "url"),
    "monitor": ("retrain", "labelled"),
}


def leave(verb: str, done: Done) -> Done:
    """Writes a verb's outputs and summary where GitHub reads them; its code becomes the job's."""
    outputs = {"outcome": OUTCOMES[done.code], **{key: _output(done.result.get(key)) for key in OUTPUTS.get(verb, ())}}
    _write_outputs(outputs)
    _append("GITHUB_STEP_SUMMARY", summary_of(verb, done.result, done.lines))
    return replace(done, code=0) if done.code in GREEN.get(verb, ()) else done


def leave_fault(verb: str, fault: Fault) -> None:
    """The same for a fault, which stays one."""
    _write_outputs({"outcome": OUTCOMES.get(fault.code, "fault")})
    remedy = f" → {text(fault.remedy)}" if fault.remedy else ""
    place = f"{text(fault.where)}: " if fault.where else ""
    _append("GITHUB_STEP_SUMMARY", f"**mlops {text(verb)}**: {place}{text(fault.message)}{remedy}\n\n")


def _output(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _write_outputs(outputs: Mapping[str, str]) -> None:
    if os.environ.get("TF_BUILD"):  # Azure DevOps takes them from the log
        for name, value in outputs.items():
            print(f"##vso[task.setvariable variable={name};isOutput=true]{_in_log(value)}", file=sys.stderr)
    # A value cannot end its own block and begin another output: nobody can know the delimiter.
    blocks = []
    for name, value in outputs.items():
        delimiter = f"end-{secrets.token_hex(16)}"
        blocks.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    _append("GITHUB_OUTPUT", "".join(blocks))


def _in_log(value: str) -> str:
    """A value in a line of a log that is read for commands: it can neither end the line nor begin another."""
    escapes = {"%": "%AZP25", "\r": "%0D", "\n": "%0A"}
    return "".join(escapes.get(character, character) for character in value)


def _append(variable: str, written: str) -> None:
    path = os.environ.get(variable)
    if path:  # at the desk there is none, and the lines on the screen say the same
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(written)
