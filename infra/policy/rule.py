"""What a rule is: a kind of resource, what must hold of it, and the identifiers it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Props = Mapping[str, Any]
Check = Callable[[Props], bool]


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: its own word, unique.
        kinds: the ends of the resource types it looks at, as in `storage:StorageAccount`.
        right: what would be right, for the message.
        holds: whether the properties (on the wire, in camel case) keep it.
        codes: the identifiers of checkov and PSRule, and of this repository's own notes, that it stands for.
        stacks: where it is asked; some are asked in prod alone.
    """

    name: str
    kinds: tuple[str, ...]
    right: str
    holds: Check
    codes: tuple[str, ...]
    stacks: tuple[str, ...] = ("shared", "dev", "prod")


@dataclass(frozen=True)
class Violation:
    """A rule that a resource breaks."""

    rule: str
    sentence: str


def at(props: Any, path: str) -> Any:
    """The value at a dotted path (`properties.networkAcls.bypass`, `agentPoolProfiles.0.name`), or None."""
    for part in path.split("."):
        if isinstance(props, list | tuple):
            props = props[int(part)] if int(part) < len(props) else None
        elif isinstance(props, Mapping):
            props = props.get(part)
        else:
            return None
    return props


def be(path: str, *allowed: Any) -> Check:
    """The value at the path is one of these; None among them means that it may be absent."""
    return lambda props: at(props, path) in allowed


def judge(rules: tuple[Rule, ...], type_: str, props: Props, stack: str) -> list[Violation]:
    """The rules that a resource breaks, pure over its type, its properties and the stack."""
    return [
        Violation(rule.name, f"{rule.right} ({', '.join(rule.codes)})")
        for rule in rules
        if stack in rule.stacks and type_.endswith(rule.kinds) and not rule.holds(props)
    ]
