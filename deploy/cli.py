"""The command `mlops`: parses, calls the verb, prints its result or its fault."""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from deploy.arguments import make_parser
from deploy.exit_codes import FAULT, INTERRUPTED
from ml.fault import Fault

if TYPE_CHECKING:
    import argparse

    from deploy.context import Done


def main(words: Sequence[str] | None = None) -> NoReturn:
    """The process: exits with the verb's code."""
    sys.exit(call(words))


def call(words: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; a user's mistake is a line, never a traceback."""
    words = sys.argv[1:] if words is None else words
    as_json = "--json" in words
    _interrupt_on_sigterm()
    try:
        done = _perform(make_parser().parse_args(words))
    except Fault as fault:
        return _tell_fault(fault, as_json)
    except KeyboardInterrupt:
        return _tell_fault(Fault("interrupted", remedy="the same command goes on", code=INTERRUPTED), as_json)
    except OSError as error:
        return _tell_fault(_of_the_machine(error), as_json)
    with contextlib.suppress(BrokenPipeError):  # whoever read along has seen enough
        print(json.dumps(done.result, ensure_ascii=False) if as_json else "\n".join(done.lines), flush=True)
    return done.code


def _perform(arguments: argparse.Namespace) -> Done:
    # A verb's imports are its own: `--help` and `status` pay for none of the others'.
    from deploy.context import Context
    from deploy.platforms.local.home import Home
    from deploy.screen import Screen

    context = Context(getattr(arguments, "platform", "local"), Screen(), Home.of_this_machine())
    if arguments.explain:
        return context.explain(arguments)
    try:
        done: Done = importlib.import_module(f"deploy.verbs.{arguments.verb}").run(arguments, context)
    except Fault as fault:
        if arguments.ci:
            from deploy.gitops.step import leave_fault

            leave_fault(arguments.verb, fault)
        raise
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


def _of_the_machine(error: OSError) -> Fault:
    """A full disk or missing rights, told as such; anything else is a fault of ours and raised on."""
    remedies = {
        errno.ENOSPC: "free some space, then run the same command",
        errno.EFBIG: "raise the limit on the size of files (ulimit -f), then run the same command",
        errno.EDQUOT: "free some space, then run the same command",
        errno.EROFS: "make it writable, or set MLOPS_HOME to a folder that is",
        errno.EACCES: "check its rights",
    }
    if error.errno not in remedies:
        raise error
    return Fault(error.strerror or "no space", str(error.filename or "the disk"), remedies[error.errno])


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
