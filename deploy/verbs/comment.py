"""`mlops comment`: writes the results of a pull request's jobs into its one comment."""

from __future__ import annotations

import argparse
import os

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.gitops.comment import MARKER, comment_of, read_parts
from deploy.gitops.git import Git
from deploy.gitops.github import Github, run_url


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    parts = read_parts(arguments.parts) if arguments.parts.exists() else []
    head = os.environ.get("MLOPS_HEAD") or Git().head
    body = comment_of(parts, head, run_url())
    if arguments.request is None:
        return Done(DONE, {"comment": body, "url": None}, (body,))
    url = Github().comment(arguments.request, MARKER, body)
    return Done(DONE, {"comment": body, "url": url}, (url,))
