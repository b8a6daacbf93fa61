"""`mlops doctor`: checks what the loop here, or a first `up` on Azure, needs."""

from __future__ import annotations

import argparse

from deploy.context import Context, Done
from deploy.doctor.command import run as look


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    code, result, text = look(arguments, platforms=context.platform)
    return Done(code, result, (text,))
