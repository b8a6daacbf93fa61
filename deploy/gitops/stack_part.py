"""A preview of a stack as Markdown: what would change, what the rules say, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.gitops.markdown import folded, table, text

SIGNS = {"create": "+", "update": "~", "delete": "−", "replace": "±"}


def stack_part(result: Mapping[str, Any]) -> str:
    """The preview of one stack."""
    counts = ", ".join(f"{SIGNS.get(op, '')} {n} to {op}" for op, n in sorted(result["counts"].items()))
    lines = [f"### Infrastructure of {text(result['stack'])}: {text(counts or 'no changes')}"]
    if result["refused"]:
        lines.append("**Must not be done:**\n" + "\n".join(f"- {text(one)}" for one in result["refused"]))
    if result["violations"]:
        lines.append("**Policy:**\n" + "\n".join(f"- {text(one)}" for one in result["violations"]))
    else:
        lines.append("Policy: nothing is violated.")
    if result["steps"]:
        rows = (
            (SIGNS.get(s["op"], text(s["op"])), text(s["type"]), text(s["name"]), text(", ".join(s["diff"])))
            for s in result["steps"]
        )
        lines.append(folded(f"{len(result['steps'])} resources", table((" ", "type", "name", "what changes"), rows)))
    lines.append(_cost(result.get("cost")))
    return "\n\n".join(line for line in lines if line)


def _cost(cost: Mapping[str, Any] | None) -> str:
    if cost is None:
        return ""
    rows = (
        (side, *(_money(cost[when][side]) for when in ("before", "after")), _change(cost, side))
        for side in ("idle", "busy")
    )
    unknown = f"\n\nWithout a known price: {text(', '.join(cost['unknown']))}." if cost["unknown"] else ""
    return table((f"{text(cost['currency'])} a month", "now ", "then ", "change "), rows) + unknown


def _money(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _change(cost: Mapping[str, Any], side: str) -> str:
    before, after = cost["before"][side], cost["after"][side]
    return "–" if before is None or after is None else f"{after - before:+,.2f}"
