"""A preview of a stack as Markdown: what would change, what the rules say, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.gitops.judged import signed
from deploy.gitops.markdown import code, folded, table, text

SIGNS = {"create": "+", "update": "~", "delete": "−", "replace": "±"}


def stack_part(result: Mapping[str, Any]) -> str:
    """The preview of one stack."""
    lines = [f"### Infrastructure of {text(result['stack'])}: {counted(result)}"]
    if result["refused"]:
        lines.append("**Must not be done:**\n" + "\n".join(f"- {text(one)}" for one in result["refused"]))
    if result.get("approved"):
        word = {step["urn"]: step["op"] for step in result["steps"]}
        lost = "\n".join(f"- {text(word[urn])} of {code(urn)}" for urn in result["approved"])
        lines.append(f"**By a person's word, what is protected is replaced or removed:**\n{lost}")
    if result["violations"]:
        lines.append("**Policy:**\n" + "\n".join(f"- {text(one)}" for one in result["violations"]))
    else:
        lines.append("Policy: nothing is violated.")
    if result["steps"]:
        changes = table(("", "type", "name", "what changes"), (_row(step) for step in result["steps"]))
        lines.append(folded(f"{len(result['steps'])} resources", changes))
    lines.append(_cost(result.get("cost")))
    return "\n\n".join(line for line in lines if line)


def counted(result: Mapping[str, Any]) -> str:
    """How many resources would be created, changed, removed."""
    counts = (f"{int(count)} to {text(op)}" for op, count in sorted(result["counts"].items()))
    return ", ".join(counts) or "no changes"


def _row(step: Mapping[str, Any]) -> tuple[str, str, str, str]:
    sign = SIGNS.get(step["op"], text(step["op"]))
    return sign, text(step["type"]), text(step["name"]), text(", ".join(step["diff"]))


def _cost(cost: Mapping[str, Any] | None) -> str:
    if cost is None:
        return ""
    before, after = cost["before"], cost["after"]
    rows = (
        (side, _money(before[side]), _money(after[side]), signed(after[side] - before[side], ",.2f"))
        for side in ("idle", "busy")
    )
    unknown = f"\n\nWithout a known price: {text(', '.join(cost['unknown']))}." if cost["unknown"] else ""
    return table((f"{text(cost['currency'])} a month", "now ", "then ", "change "), rows) + unknown


def _money(value: float) -> str:
    return f"{value:,.2f}"
