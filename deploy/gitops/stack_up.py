"""Applies a stack as a preview showed it, or refuses where something has changed since."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from deploy.exit_codes import REFUSED, WAITING
from deploy.gitops.stack_preview import INFRA_PYTHON, ROOT, StackPreview, ask_pulumi, steps_in
from deploy.gitops.stack_state import Stored, stored
from ml.fault import Fault

NEW_PREVIEW = "run the workflow anew: it previews anew, and asks anew"


def apply(shown: StackPreview, commit: str) -> bool:
    """Applies what was shown; whether there was anything to do.

    Raises:
        Fault: what was shown must not be done, does not hold any more, or Pulumi fails.
    """
    where = f"{shown.stack}"
    if shown.refused:
        raise Fault(shown.refused[0], where, "take the change back, or approve the resource by its URN", REFUSED)
    if shown.commit != commit:
        raise Fault(f"was previewed on {shown.commit[:12]}, this is {commit[:12]}", where, NEW_PREVIEW, WAITING)
    held = stored(shown.stack)
    if not held.resources and shown.stack == "prod":
        return _first_prod()
    with tempfile.TemporaryDirectory() as folder:
        document, _ = ask_pulumi(shown.stack, Path(folder) / "now.json")
        rest = steps_in(document)
        check_beginning(shown, held, rest)
        if not rest:
            return False
        plan = Path(folder) / "plan.json"
        plan.write_text(json.dumps(shown.plan), encoding="utf-8")
        words = ("--yes", "--skip-preview", "--non-interactive", "--plan", str(plan))
        _run("pulumi", "up", "--stack", shown.stack, *words)
    return True


def check_beginning(shown: StackPreview, held: Stored, rest: tuple[object, ...]) -> None:
    """Refuses a state that is neither the one previewed on, nor on the way from there to what was shown.

    Raises:
        Fault: a resource was changed that the preview does not touch, or more would be done than was shown.
    """
    concerned = {step.urn for step in shown.steps}
    before, now = shown.resources, held.resources
    changed = {urn for urn in {*before, *now} if before.get(urn) != now.get(urn)}
    foreign = sorted(urn for urn in changed - concerned if not _of_the_engine(urn))
    if foreign:
        name = foreign[0].rsplit("::", 1)[-1]
        raise Fault(f"{name} has changed since the preview", shown.stack, NEW_PREVIEW, WAITING)
    more = [step for step in rest if step not in shown.steps]
    if more:
        message = f"{len(more)} of the steps are not those that were shown"
        raise Fault(message, shown.stack, NEW_PREVIEW, WAITING)


def _of_the_engine(urn: str) -> bool:
    """The stack itself, providers and components hold what follows from the others."""
    kind = urn.split("::")[-2].rsplit("$", 1)[-1]
    return kind.startswith(("pulumi:", "mlops:"))


def _first_prod() -> bool:
    """The first `up` of prod opens a door for itself and closes it, which no saved plan can say."""
    _run(str(INFRA_PYTHON), "-m", "infra.first_up", "--yes")
    return True


def _run(*words: str) -> None:
    """Shows what the command shows while it works.

    Raises:
        Fault: it fails.
    """
    if subprocess.run(words, cwd=ROOT, check=False, stdout=2).returncode:
        raise Fault("ended with a fault; its own words are above", " ".join(words[:2]), "mend it, then run it again")
