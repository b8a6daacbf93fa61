"""The parts of the rows on which a candidate is looked at apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deploy.gate.scored import Levels, Scored
from deploy.gate.verdict import Check

OTHERS = "(others)"
MOST_LEVELS = 100


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows with a name, such as `carrier=AA`."""

    name: str
    rows: NDArray[np.intp]


def parts_of(column: str, levels: Levels, enough: Callable[[NDArray[np.intp]], bool]) -> list[Part]:
    """One part for each level with enough rows (at most the 100 largest), and one for all the others.

    Rare levels are pooled rather than called too small one by one: an airline with thirty flights
    a month would otherwise hold up every release. Where the pool itself is too small, the
    smallest of the large levels joins it (and is judged alone as well). So every row is in a part
    that is large enough, unless the whole column is not.

    Args:
        column: its name.
        levels: of each row.
        enough: whether some rows suffice for a judgement.
    """
    order = np.argsort(levels.codes, kind="stable")
    counts = np.bincount(levels.codes, minlength=len(levels.names))
    by_level = np.split(order, np.cumsum(counts)[:-1])
    falling = sorted(range(len(counts)), key=lambda code: -counts[code])
    large = [code for code in falling if enough(by_level[code])][:MOST_LEVELS]
    pooled = np.setdiff1d(np.flatnonzero(counts), large)
    parts = [Part(f"{column}={levels.names[code]}", by_level[code]) for code in large]
    if not len(pooled):
        return parts
    rest = np.concatenate([by_level[code] for code in pooled])
    for code in reversed(large):
        if enough(rest):
            break
        rest = np.concatenate([rest, by_level[code]])
    return [*parts, Part(f"{column}={OTHERS}", np.sort(rest))]


def absent(columns: list[str], candidate: Scored, champion: Scored | None) -> list[Check]:
    """A FAIL for each slice column that is not there, and each level that only the champion's rows have."""
    checks = [_fail(f"slice {name}", "no such column") for name in columns if name not in candidate.slices]
    known = {} if champion is None else champion.slices
    for name in columns:
        if name in candidate.slices and name in known:
            lost = sorted(known[name].present() - candidate.slices[name].present())
            checks += [_fail(f"slice {name}={level}", "no row, though the champion had some") for level in lost]
    return checks


def _fail(name: str, lacking: str) -> Check:
    return Check(name, "FAIL", None, None, f"{name}: the predictions have {lacking}")
