"""Applies a stack as a preview showed it, or refuses where something has changed since."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator
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
        plan = Path(folder) / "plan.json"
        asked = ask_pulumi(shown.stack, plan)
        rest = steps_in(asked.document)
        check_beginning(shown, held, rest)
        check_protected(shown, asked.protected)
        if not rest:
            return False
        protected = asked.protected
        with _unprotected(shown.stack, protected):
            if protected:  # only now does the engine make a plan
                asked = ask_pulumi(shown.stack, plan)
                check_beginning(shown, held, steps_in(asked.document))
            if shown.plan:
                plan.write_text(json.dumps(shown.plan), encoding="utf-8")
            elif not plan.exists():
                why = (*asked.held_back, "Pulumi makes no plan of it")[0]
                raise Fault(why, where, "mend what is said, then merge that", REFUSED)
            words = ("--yes", "--skip-preview", "--non-interactive", "--plan", str(plan))
            _run("pulumi", "up", "--stack", shown.stack, *words)
    return True


@contextlib.contextmanager
def _unprotected(stack: str, urns: tuple[str, ...]) -> Iterator[None]:
    """Takes the protection off. An `up` that ends well puts it back, as the program says; any other end does so."""
    more = ("--yes", "--non-interactive", "--stack", stack)
    try:
        for urn in urns:
            _run("pulumi", "state", "unprotect", urn, *more)
        yield
    except BaseException:  # whoever cancels a workflow, too
        for urn in urns:  # one that is gone by now needs none, and says so
            subprocess.run(("pulumi", "state", "protect", urn, *more), cwd=ROOT, check=False, stdout=2)
        raise


def check_protected(shown: StackPreview, protected: tuple[str, ...]) -> None:
    """Refuses to replace or remove what is protected, where nobody approved it by its name.

    Raises:
        Fault: there is such a resource.
    """
    unnamed = [urn for urn in protected if urn not in shown.approved]
    if unnamed:
        message = f"{unnamed[0].rsplit('::', 1)[-1]} is protected, and was not approved"
        raise Fault(message, shown.stack, NEW_PREVIEW, WAITING)


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
