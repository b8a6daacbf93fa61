"""What every verb gets: the problem, the platform of a stack, the pins, the screen."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deploy.exit_codes import DONE
from deploy.pin import Pins
from deploy.platforms.local.home import REPOSITORY, Home
from deploy.screen import Screen

if TYPE_CHECKING:
    import argparse

    from deploy.platforms.protocol import Platform

T = TypeVar("T")


@dataclass(frozen=True)
class Done:
    """How a verb ended: its exit code, its result as JSON, and as lines for people."""

    code: int
    result: dict[str, Any]
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """The place where a verb works.

    Attributes:
        given: the problem as the command line names it; empty where it names none.
    """

    platform_name: str
    screen: Screen
    home: Home
    given: str = ""
    _azure: dict[str, Platform] = field(default_factory=dict, compare=False, repr=False)

    def called(self, problem: str) -> str:
        """The problem in a command that a person may type next: as it was given here, so that a path stays one."""
        return (shlex.quote(self.given) if Path(self.given).stem == problem else problem) + self.here

    @property
    def here(self) -> str:
        """The option of such a command that keeps it on this platform; empty where it would be anyway."""
        from deploy.arguments import usual_platform

        return "" if self.platform_name == usual_platform() else f" --platform {self.platform_name}"

    def platform(self, stack: str) -> Platform:
        """The platform of a stack.

        Raises:
            Fault: the platform's packages are not installed.
        """
        if self.platform_name == "azure":
            from deploy.platforms.azure.platform import AzurePlatform

            if stack not in self._azure:  # one for a whole command: outputs and tokens take a second each
                self._azure[stack] = AzurePlatform(stack, self.home.on("azure"))
            return self._azure[stack]
        from deploy.platforms.local.platform import LocalPlatform

        return LocalPlatform(stack, self.home)

    def of_stacks(self, named: str | None, act: Callable[[str], T]) -> dict[str, T]:
        """What `act` makes of the named stack, or where none is named of those that are up; the other one is told.

        Raises:
            Fault: the named one is not up, or none is.
        """
        from deploy.arguments import STACKS
        from deploy.platforms.protocol import NotUp

        if named:
            return {named: act(named)}
        made: dict[str, T] = {}
        absent = []
        for stack in STACKS:
            try:
                made[stack] = act(stack)
            except NotUp as fault:
                absent.append(fault)
        if not made:
            raise absent[0]
        for one in absent:
            self.screen.warn(str(one))
        return made

    def explain(self, arguments: argparse.Namespace) -> Done:
        """What the command line comes to on Azure, as commands of Azure's own CLI; nothing is run.

        Raises:
            Fault: the problem is none.
        """
        if getattr(arguments, "platform", "azure") != "azure":  # a verb that has none shows that it needs none
            line = "--explain shows commands of Azure's own CLI: add --platform azure"
            return Done(DONE, {"verb": arguments.verb, "commands": []}, (line,))
        from deploy.platforms.azure.explain.explain import commands, explain

        lines = explain(arguments, self.home.on("azure").root, self.pins)
        return Done(DONE, {"verb": arguments.verb, "commands": list(commands(lines))}, lines)

    @property
    def pins(self) -> Pins:
        """The pins of this platform: Azure's are in git; this machine's stay out of it, or in `MLOPS_PINS`."""
        kept = os.environ.get("MLOPS_PINS")
        if kept:
            return Pins(Path(kept).resolve())
        return Pins(self.home.pins if self.platform_name == "local" else REPOSITORY / "deploy" / "pins")

    @property
    def runs(self) -> Path:
        """The records of the runs."""
        return self.home.on(self.platform_name).runs
