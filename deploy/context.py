"""What every verb gets: the problem, the platform of a stack, the pins, the screen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.pin import Pins
from deploy.platforms.local.home import Home
from deploy.screen import Screen
from ml.fault import Fault

if TYPE_CHECKING:
    from deploy.platforms.protocol import Platform


@dataclass(frozen=True)
class Done:
    """How a verb ended: its exit code, its result as JSON, and as lines for people."""

    code: int
    result: dict[str, Any]
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """The place where a verb works."""

    platform_name: str
    screen: Screen
    home: Home

    def platform(self, stack: str) -> Platform:
        """The platform of a stack.

        Raises:
            Fault: there is no such platform yet.
        """
        if self.platform_name != "local":
            raise Fault("the azure platform is not part of this version", "--platform", "use --platform local", code=2)
        from deploy.platforms.local.platform import LocalPlatform

        return LocalPlatform(stack, self.home)

    @property
    def pins(self) -> Pins:
        """The pins of this platform: on this machine they stay out of git."""
        return Pins(self.home.pins)

    @property
    def runs(self) -> Path:
        """The records of the runs."""
        return self.home.on(self.platform_name).runs

    def labelled(self, stack: str, problem: str) -> Path:
        """The folder of the asked rows whose labels have come."""
        return self.home.on(self.platform_name).endpoints(stack) / problem / "labelled"
