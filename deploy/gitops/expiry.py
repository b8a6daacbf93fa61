"""What ends or moves by itself: waivers of rules, pins of actions."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.gitops.github import Github
from deploy.gitops.stack_preview import INFRA_PYTHON, ROOT, process
from ml.fault import Fault, invalid
from ml.strict_yaml import load_document

ACTIONS = ROOT / ".github" / "actions.yaml"
OLD_DAYS = 180


@dataclass(frozen=True)
class Action:
    """An action that workflows use: its tag, the commit that the tag named when it was looked at, and when that was."""

    name: str
    tag: str
    commit: str
    seen: dt.date


def read_actions(path: Path = ACTIONS) -> tuple[Action, ...]:
    """The table of actions.

    Raises:
        Fault: an entry is not of its form.
    """
    try:
        return tuple(Action(str(name), **entry) for name, entry in load_document(path).items())
    except (TypeError, AttributeError) as fault:
        raise invalid(f"an action has tag, commit and seen: {fault}", str(path), "see the entries beside it") from None


def old_pins(actions: Iterable[Action], today: dt.date) -> list[str]:
    """One sentence for each action that nobody has looked at for half a year."""
    old = (action for action in actions if (today - action.seen).days > OLD_DAYS)
    return [
        f"{action.name} {action.tag} was looked at on {action.seen}: see whether a newer one is there" for action in old
    ]


def moved_actions(actions: Iterable[Action], github: Github) -> list[str]:
    """One sentence for each action whose tag names another commit now, which its owner should not do."""
    found = []
    for action in actions:
        now = str(github.api(f"repos/{action.name}/commits/{action.tag}")["sha"])
        if now != action.commit:
            found.append(f"{action.name} {action.tag} names {now[:12]} now, and we pin {action.commit[:12]}: look why")
    return found


def waivers_ending(days: int) -> list[str]:
    """One sentence for each waiver that ends in so many days.

    Raises:
        Fault: infra does not tell.
    """
    done = process((str(INFRA_PYTHON), "-m", "infra", "waivers", "--within", str(days), "--json"))
    try:
        listed = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise Fault(last, "python -m infra waivers", "make infra-setup") from None
    return [f"the waiver of {one['rule']} in {one['stack']} ends on {one['until']}: {one['reason']}" for one in listed]
