"""A verdict of the gate as Markdown: the decision, the numbers of both sides, every check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.gitops.markdown import folded, table, text

MARKS = {"PASS": "✅ PASS", "FAIL": "❌ FAIL", "INCONCLUSIVE": "❔ INCONCLUSIVE"}


def judged_part(verdict: Mapping[str, Any]) -> str:
    """The verdict; the checks are folded away where all passed.

    Args:
        verdict: as the evidence holds it.
    """
    decision = MARKS.get(verdict["decision"], text(verdict["decision"]))
    reasons = "\n".join(f"- {text(reason)}" for reason in verdict["reasons"])
    checks = table(
        ("check", "decision", "what it saw"),
        (
            (text(c["name"]), MARKS.get(c["decision"], text(c["decision"])), text(c["sentence"]))
            for c in verdict["checks"]
        ),
    )
    folds = folded(f"{len(verdict['checks'])} checks, slices among them", checks)
    return "\n\n".join(
        [decision, reasons, metrics_table(verdict["metrics"]), intervals_table(verdict["intervals"]), folds]
    )


def metrics_table(metrics: Mapping[str, Mapping[str, Any]]) -> str:
    """Each metric of the candidate beside the champion's and the dummy's, on the same rows."""
    sides = [side for side in ("candidate", "champion", "dummy") if side in metrics]
    names = list(dict.fromkeys(name for side in sides for name in metrics[side]))
    rows = ([text(name), *(number(metrics[side].get(name)) for side in sides)] for name in names)
    return table(("metric", *(f"{side} " for side in sides)), rows)


def intervals_table(intervals: Mapping[str, Mapping[str, Any]]) -> str:
    """What each comparison measured, with its interval; empty where none was made."""
    if not intervals:
        return ""
    rows = (
        (text(name), number(i["point"]), f"{number(i['lower'])} to {number(i['upper'])}", number(i["detectable"]))
        for name, i in intervals.items()
    )
    return table(("comparison", "difference ", "interval", "smallest that would show "), rows)


def number(value: Any) -> str:
    """Four significant digits; a dash where there is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else text(value)
    return f"{value:.4g}"
