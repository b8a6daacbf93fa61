"""A verb's commands of Azure's own CLI, chosen from the table and filled in."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from deploy.arguments import DEFAULT_PROBLEM, STACKS
from deploy.pin import Pins
from deploy.platforms.azure.explain.names import Stack, of_problem, traffic
from ml.strict_yaml import load_document

TABLE = Path(__file__).with_name("commands.yaml")
WORD = re.compile(r"\{(\w+)\}")
# `mlops run` is these, one after the other.
LOOP = (
    ("train", "dev"), ("gate", "dev"), ("promote", "dev"), ("release", "dev"), ("promote", "prod"),
    ("release", "prod"), ("monitor", "prod"),
)  # fmt: skip
OPTIONS = ("no_wait", "resume", "deployment", "pipeline", "remove")


@cache
def table() -> Mapping[str, str]:
    """The lines by verb and further words."""
    return {str(key): str(lines) for key, lines in load_document(TABLE).items()}


def explain(arguments: argparse.Namespace, folder: Path, pins: Pins) -> tuple[str, ...]:
    """The lines for a command line of `mlops`; where a stack is not up, with placeholders.

    Args:
        arguments: the command line.
        folder: where the outputs of stacks may lie.
        pins: what the stacks shall serve.

    Raises:
        Fault: there is no such problem.
    """
    if arguments.verb == "run":
        parts = [argparse.Namespace(**{**vars(arguments), "verb": verb, "stack": stack}) for verb, stack in LOOP]
        told = [(f"# mlops {one.verb} --stack {one.stack}", *_one(one, one.stack, folder, pins)) for one in parts]
        return tuple(line for lines in told for line in lines)
    stack = getattr(arguments, "stack", None)
    return tuple(line for one in _stacks(arguments.verb, stack) for line in _one(arguments, one, folder, pins))


def commands(lines: Sequence[str]) -> tuple[str, ...]:
    """The commands alone, each on one line."""
    whole = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    return tuple(" ".join(line.split()) for line in whole.splitlines() if line.strip())


def _stacks(verb: str, given: str | None) -> tuple[str, ...]:
    if given is not None:
        return (given,)
    if verb in ("status", "down"):
        return STACKS
    return ("prod",) if verb in ("propose", "verify") else ("dev",)


def _one(arguments: argparse.Namespace, stack: str, folder: Path, pins: Pins) -> tuple[str, ...]:
    lines = table()[_key(arguments, stack, kind="")]
    if not WORD.search(lines):
        return tuple(lines.splitlines())
    if stack == "shared":  # Pulumi's alone
        return tuple(_fill(lines, {"stack": stack}).splitlines())
    known = Stack.read(stack, folder)
    lines = table()[_key(arguments, stack, known.serving.compute)]
    problem = argparse.Namespace(problem=getattr(arguments, "problem", None) or DEFAULT_PROBLEM)
    names = {**known.names, **of_problem(known, pins, problem), **_given(arguments)}
    names["traffic"] = traffic(known.policy, known.serving)
    notice = (f"# <…>: {known.why}",) if known.why else ()
    account = (f"az account set --subscription {known.outputs.subscription_id}",) if "az ml" in lines else ()
    return (*notice, *account, *_fill(lines, names).splitlines())


def _key(arguments: argparse.Namespace, stack: str, kind: str) -> str:
    """The key of the table that fits with the most words; an option says more than a stack."""
    options = {f"--{name.replace('_', '-')}" for name in OPTIONS if getattr(arguments, name, None)}
    said = {stack, kind, getattr(arguments, "action", ""), *options}
    fitting = [key for key in table() if key.split()[0] == arguments.verb and set(key.split()[1:]) <= said]
    if not fitting:  # the words that are not known yet
        fitting = [key for key in table() if key.split()[0] == arguments.verb]
    return max(fitting, key=lambda key: (key.count("--"), len(key.split())))


def _given(arguments: argparse.Namespace) -> dict[str, str]:
    """What the command line itself says."""
    texts = {name: getattr(arguments, name, None) for name in ("data", "deployment", "lines")}
    run = getattr(arguments, "resume", None)
    return {name: shlex.quote(str(text)) for name, text in {**texts, "run": run}.items() if text is not None}


def _fill(lines: str, names: Mapping[str, str]) -> str:
    """Filled in until nothing is left: a name's text may hold further ones."""
    while WORD.search(lines):
        lines = WORD.sub(lambda found: names[found[1]], lines)
    return lines
