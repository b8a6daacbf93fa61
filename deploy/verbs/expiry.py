"""`mlops expiry`: shows which waivers and pins of actions end soon or have moved."""

from __future__ import annotations

import argparse
import datetime as dt

from deploy.context import Context, Done
from deploy.exit_codes import DONE, DRIFT
from deploy.gitops.expiry import moved_actions, old_pins, read_actions, waivers_ending
from deploy.gitops.github import Github


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    today, actions = dt.datetime.now(dt.UTC).date(), read_actions()
    reasons = [
        *waivers_ending(arguments.within),
        *old_pins(actions, today),
        *moved_actions(actions, Github()),
    ]
    result = {"reasons": reasons}
    return Done(DRIFT if reasons else DONE, result, tuple(reasons) or ("nothing ends soon, and no tag has moved",))
