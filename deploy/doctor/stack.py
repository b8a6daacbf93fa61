"""Checks of a stack that is up: its outputs, what this person may read of it, what serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from deploy.arguments import STACKS
from deploy.doctor.finding import Finding, fault, ok, warning
from ml.fault import Fault

if TYPE_CHECKING:
    from deploy.platforms.protocol import Platform

    Platforms = Callable[[str], Platform]


def check_stacks(platforms: Platforms, stack: str) -> Iterator[Finding]:
    """The outputs of both stacks, and what the verbs need of the one that is asked about, where it is up."""
    for one in STACKS:
        try:
            needs = platforms(one).needs()
        except ModuleNotFoundError as lacking:  # the environment of `infra`, from which the first `up` is made
            yield warning("outputs", f"not looked at: {lacking.name} is not installed here", "make azure, for .venv/")
            return
        except Fault as absent:  # before a first `up` it is as it should be
            yield warning("outputs", f"{one}: {absent.message}", absent.remedy)
            continue
        yield ok("outputs", f"{one} is up")
        if one == stack:
            found = [_read(word, read) for word, read in needs.items()]
            yield from found
            if found and found[0].level == "ok":
                yield from _served(platforms(one))


def _read(word: str, read: Callable[[], str]) -> Finding:
    try:
        return ok(word, read())
    except Fault as refused:
        return fault(word, f"{refused.where}: {refused.message}".removeprefix(": "), refused.remedy)


def _served(platform: Platform) -> Iterator[Finding]:
    """A deployment that requests reach and that is not ready is in the way; another one only costs."""
    for name in platform.endpoints():
        try:
            observed = platform.observe(name)
        except Fault as refused:
            yield fault("endpoint", f"{name}: {refused.message}", refused.remedy)
            continue
        wrong = [one for one in observed.deployments if one.state in ("failed", "unhealthy")]
        on = f"--stack {platform.stack} --platform {platform.name}"
        for one in wrong:
            if observed.carries(one.name):
                yield fault("endpoint", f"{name}: {one.name} serves and is {one.state}", f"mlops rollback {name} {on}")
            else:
                yield warning("endpoint", f"{name}: {one.name} is {one.state}", f"mlops release {name} {on}")
        if not wrong:
            yield ok("endpoint", f"{name}: {', '.join(map(str, observed.traffic)) or 'nothing'} serves")
