"""The command `mlops`: parses, calls the verb, prints its result or its fault."""

from __future__ import annotations

import contextlib
import importlib
import json
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from deploy.arguments import make_parser
from deploy.exit_codes import FAULT
from deploy.unforeseen import as_fault
from ml.lean import without_pandas

if TYPE_CHECKING:
    import argparse

    from deploy.context import Done
    from ml.fault import Fault


def main(words: Sequence[str] | None = None) -> NoReturn:
    """The process: exits with the verb's code."""
    without_pandas()
    sys.exit(call(words))


def call(words: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; whatever goes wrong is a line, or with `--json` an object."""
    words = sys.argv[1:] if words is None else words
    as_json = "--json" in words
    try:
        _interrupt_on_sigterm()
        done = _perform(make_parser().parse_args(words))
        printed = json.dumps(done.result, ensure_ascii=False) if as_json else "\n".join(done.lines)
    except (Exception, KeyboardInterrupt) as raised:
        return _tell_fault(as_fault(raised), as_json)
    with contextlib.suppress(BrokenPipeError):  # whoever read along has seen enough
        print(printed, flush=True)
    return done.code


def _perform(arguments: argparse.Namespace) -> Done:
    # A verb's imports are its own: `--help` and `status` pay for none of the others'.
    from deploy.context import Context
    from deploy.platforms.local.home import Home
    from deploy.screen import Screen

    try:
        home = Home.of_this_machine().made()
        context = Context(
            getattr(arguments, "platform", "local"), Screen(), home, getattr(arguments, "problem", None) or ""
        )
        if arguments.explain:
            return context.explain(arguments)
        done: Done = importlib.import_module(f"deploy.verbs.{arguments.verb}").run(arguments, context)
    except Exception as raised:
        fault = as_fault(raised)
        if arguments.ci:
            from deploy.gitops.step import leave_fault

            leave_fault(arguments.verb, fault)
        raise fault from None
    return _left(arguments, done)


def _left(arguments: argparse.Namespace, done: Done) -> Done:
    """What `--out` and `--ci` ask for: a file for a later job, outputs and a summary for the workflow."""
    kept_in = getattr(arguments, "kept", None)
    if kept_in is not None:
        from deploy.gitops.kept import Kept, keep

        keep(kept_in, Kept(arguments.verb, done.code, done.result))
    if not arguments.ci:
        return done
    from deploy.gitops.step import leave

    return leave(arguments.verb, done)


def _tell_fault(fault: Fault, as_json: bool) -> int:
    if as_json:
        error = {"code": fault.code, "message": fault.message, "where": fault.where, "remedy": fault.remedy}
        print(json.dumps({"error": error}, ensure_ascii=False))
    print(f"mlops: {fault}", file=sys.stderr)
    return fault.code or FAULT


def _interrupt_on_sigterm() -> None:
    """A cancelled workflow gets seconds: stop where we are, in a state that the next run takes up."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
