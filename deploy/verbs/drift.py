"""`mlops drift`: shows where Azure is no longer what a stack says."""

from __future__ import annotations

import argparse

from deploy.context import Context, Done
from deploy.drift import run as look


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    code, result, text = look(arguments)
    return Done(code, result, (text,))
