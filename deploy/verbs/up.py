"""`mlops up`: applies a stack as a preview showed it."""

from __future__ import annotations

import argparse

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.gitops.git import commit_here
from deploy.gitops.kept import read_kept
from deploy.gitops.stack_preview import preview_from
from deploy.gitops.stack_up import apply
from ml.fault import invalid


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    shown = preview_from(read_kept(arguments.plan, "preview").result, str(arguments.plan))
    if shown.stack != arguments.stack:
        raise invalid(f"is the preview of {shown.stack}", str(arguments.plan), f"--stack {shown.stack}")
    applied = apply(shown, commit_here())
    result = {"stack": arguments.stack, "applied": applied}
    return Done(DONE, result, (f"{arguments.stack} is as it was shown" if applied else "nothing was to do",))
