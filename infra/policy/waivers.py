"""What is knowingly not held: each waiver has a reason and an end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from infra.policy.rule import Violation

FILE = Path(__file__).with_name("waivers.yaml")


@dataclass(frozen=True)
class Waiver:
    """A rule that is not held in a stack, and in which state of its network, why, and until when."""

    rule: str
    stack: str
    reason: str
    until: dt.date
    when: str = "always"


def load(path: Path = FILE) -> tuple[Waiver, ...]:
    """The recorded waivers.

    Raises:
        TypeError: an entry lacks its reason or its end, or has a key that is not known.
    """
    return tuple(Waiver(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8")))


def expired(waivers: Iterable[Waiver], today: dt.date) -> list[str]:
    """One sentence for each waiver whose end has passed."""
    return [
        f"the waiver of {one.rule} in {one.stack} ended on {one.until}: hold the rule, or renew it with its reason"
        for one in waivers
        if one.until < today
    ]


def standing(
    violations: Iterable[Violation], waivers: Iterable[Waiver], stack: str, state: str, today: dt.date
) -> list[Violation]:
    """The violations that no live waiver covers; `state` is private, public or opening (the first `up`)."""
    covered = {
        one.rule for one in waivers if one.stack == stack and one.when in ("always", state) and one.until >= today
    }
    return [violation for violation in violations if violation.rule not in covered]
