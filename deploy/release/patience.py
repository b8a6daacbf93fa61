"""Waiting for a release of the same endpoint that is under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from deploy.platforms.protocol import Held
from deploy.release.release import CLOCK, Clock

ASK_EVERY_SECONDS = 1.0
T = TypeVar("T")


def patiently(act: Callable[[], T], seconds: float, clock: Clock = CLOCK) -> T:
    """What `act` returns, tried again while another release holds the endpoint.

    Raises:
        Held: it still does after so many seconds.
    """
    deadline = clock.now() + seconds
    while True:
        try:
            return act()
        except Held:
            if clock.now() >= deadline:
                raise
            clock.sleep(min(ASK_EVERY_SECONDS, seconds))
