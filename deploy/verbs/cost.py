"""`mlops cost`: shows what a stack costs a month, idle and busy."""

from __future__ import annotations

import argparse

from deploy.context import Context, Done
from deploy.cost import run as look


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    code, result, text = look(arguments)
    return Done(code, result, (text,))
