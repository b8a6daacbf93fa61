"""What every verb gets: the problem, the platform of a stack, the pins, the screen."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.pin import Pins
from deploy.platforms.local.home import REPOSITORY, Home
from deploy.screen import Screen

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
            Fault: the platform's packages are not installed.
        """
        if self.platform_name == "azure":
            from deploy.platforms.azure.platform import AzurePlatform

            return AzurePlatform(stack, self.home.on("azure"))
        from deploy.platforms.local.platform import LocalPlatform

        return LocalPlatform(stack, self.home)

    @property
    def pins(self) -> Pins:
        """The pins of this platform: Azure's are in git, and decide; those of this machine stay out of it."""
        return Pins(pins_in_git() if self.platform_name == "azure" else self.home.pins)

    @property
    def runs(self) -> Path:
        """The records of the runs."""
        return self.home.on(self.platform_name).runs

    def labelled(self, stack: str, problem: str) -> Path:
        """The folder of the asked rows whose labels have come."""
        return self.home.on(self.platform_name).endpoints(stack) / problem / "labelled"


def pins_in_git() -> Path:
    """`MLOPS_PINS` where it is set (a checkout of another commit, say), otherwise `deploy/pins/`."""
    return Path(os.environ.get("MLOPS_PINS") or REPOSITORY / "deploy" / "pins").resolve()
