"""`mlops cost`: what a stack costs a month, before it is spent."""

from __future__ import annotations

import argparse
from typing import Any

from deploy.infra_facts import cost


def run(arguments: argparse.Namespace) -> tuple[int, dict[str, Any], str]:
    """Exit code, JSON and text of the cost."""
    found = cost(arguments.stack)
    return 0, found, told(found)


def told(found: dict[str, Any]) -> str:
    """The cost as a table with its unknowns named and the age of the prices."""
    rows = [f"{'resource':28} {'idle':>10} {'busy':>10}  price read"]
    rows += [
        f"{line['resource']:28} {_money(line['idle']):>10} {_money(line['busy']):>10}  {line['read']}"
        for line in found["lines"]
    ]
    for word, key in (
        ("idle", "idle"),
        ("busy", "busy"),
        ("idle, AKS at its minimum", "idleWithAks"),
        ("idle, AKS off", "idleWithoutAks"),
    ):
        one = found[key]
        unknown = f", without {', '.join(one['unknown'])} (unknown)" if one["unknown"] else ""
        rows.append(f"{word}: {one['known']:.2f} {found['currency']} a month{unknown}")
    return "\n".join(
        [*rows, f"the oldest price was read {found['ageDays']} days ago; `python -m infra prices` reads them anew"]
    )


def _money(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
