"""`mlops verify`: checks that the pins of prod name what the gate let through and dev has served."""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path

from deploy.context import Context, Done
from deploy.exit_codes import DONE, REFUSED
from deploy.gitops.git import Git
from deploy.release.state import ModelRef
from deploy.verbs.changes import moved_pins
from deploy.verbs.plan import wanted
from ml.fault import Fault

SAID = re.compile(r"<!-- evidence sha256:([0-9a-f]{64}) model sha256:([0-9a-f]{64}) -->")


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    said = {digest: found for found, digest in SAID.findall(request_text())}
    checked = []
    for problem in sorted(moved_pins(Git(), context.pins, arguments.since)):
        model = wanted(context, "prod", problem).model
        checked.append({"problem": problem, "model": vars(model), "evidence": _check(context, model, said)})
    lines = tuple(f"{one['problem']}: evidence {str(one['evidence'])[:12]} holds" for one in checked)
    return Done(DONE, {"checked": checked}, lines or ("no pin of prod is changed",))


def request_text() -> str:
    """The text of the pull request that a workflow runs for; empty at the desk."""
    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path:
        return ""
    event = json.loads(Path(path).read_text(encoding="utf-8"))
    return str((event.get("pull_request") or {}).get("body") or "")


def _check(context: Context, model: ModelRef, said: dict[str, str]) -> str:
    """The hash with which the evidence was registered, and that the pull request shows the same."""
    _, known = context.platform("prod").evidence(model)
    shown = said.get(model.digest, known)
    if shown != known:
        message = f"the pull request shows evidence {shown[:12]}, and {model} was registered with {known[:12]}"
        raise Fault(message, "the pull request's text", "close it: the next run on main proposes it anew", REFUSED)
    return known
