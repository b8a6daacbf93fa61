"""What a merge concerns, from the names of the files that it changed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# By what they concern, the files whose change matters; a pattern is matched from the beginning of the name.
INFRASTRUCTURE = re.compile(r"infra/|Pulumi\.|environments/infrastructure/")
SHARED = re.compile(r"infra/|Pulumi\.(shared\.)?yaml$|environments/infrastructure/")
ONE_PROBLEM = re.compile(r"ml/problems/([^/]+)\.yaml$")
ALL_PROBLEMS = re.compile(r"ml/|deploy/gate/|environments/(training|serving|azure|local)/")


@dataclass(frozen=True)
class Changes:
    """What is to be done.

    Attributes:
        infrastructure: dev and prod are brought up.
        shared: so is what they have in common, first.
        problems: those that are trained anew.
        pins: the problems whose pin of prod is another.
    """

    infrastructure: bool
    shared: bool
    problems: tuple[str, ...]
    pins: tuple[str, ...]


def concerned(files: Iterable[str], problems: Sequence[str], pins: Iterable[str]) -> Changes:
    """What the changed files concern.

    Args:
        files: their names, from the repository's root.
        problems: those that this repository delivers.
        pins: the problems whose pin of prod differs.
    """
    names = tuple(files)
    own = {match[1] for name in names if (match := ONE_PROBLEM.match(name))}
    code = any(ALL_PROBLEMS.match(name) and not ONE_PROBLEM.match(name) for name in names)
    return Changes(
        infrastructure=any(INFRASTRUCTURE.match(name) for name in names),
        shared=any(SHARED.match(name) for name in names),
        problems=tuple(name for name in problems if code or name in own),
        pins=tuple(sorted(pins)),
    )
