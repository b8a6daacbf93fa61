"""A verdict of the gate as Markdown: the decision, the numbers of both sides, every check."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from deploy.gitops.markdown import folded, table, text

MARKS = {"PASS": "✅ PASS", "FAIL": "❌ FAIL", "INCONCLUSIVE": "❔ INCONCLUSIVE"}


def judged_part(verdict: Mapping[str, Any]) -> str:
    """The verdict; the checks are folded away where all passed.

    Args:
        verdict: as the evidence holds it.
    """
    reasons = "\n".join(f"- {text(reason)}" for reason in verdict["reasons"])
    rows = ((text(one["name"]), mark(one["decision"]), text(one["sentence"])) for one in verdict["checks"])
    checks = table(("check", "decision", "what it saw"), rows)
    numbers = (metrics_table(verdict["metrics"]), intervals_table(verdict["intervals"]))
    folds = folded(f"{len(verdict['checks'])} checks, slices among them", checks)
    return "\n\n".join(part for part in (mark(verdict["decision"]), reasons, *numbers, folds) if part)


def mark(decision: str) -> str:
    """A decision that is recognised from afar."""
    return MARKS.get(decision, text(decision))


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


def compared_part(result: Mapping[str, Any]) -> str:
    """A pull request's metrics beside those of the last run on main; the gate on main decides."""
    here, main = result["metrics"]["here"], result["metrics"].get("main", {})
    sides = ((name, here.get(name), main.get(name)) for name in here)
    rows = ((text(name), number(was), number(now), moved(name, now, was)) for name, now, was in sides)
    numbers = table(("metric", "main ", "here ", "change"), rows)
    failed = [one for one in result["verdict"]["checks"] if one["decision"] != "PASS"]
    lines = "\n".join(f"- {mark(one['decision'])} {text(one['sentence'])}" for one in failed)
    title = f"### Metrics of {text(result['problem'])}, trained on this runner"
    note = "*The gate decides on main, on the same rows for both; these numbers are for information.*"
    return "\n\n".join(part for part in (title, numbers, lines, note) if part)


def moved(name: str, here: Any, main: Any) -> str:
    """How far a metric went, and whether that is the better way."""
    if not (isinstance(here, float) and isinstance(main, float)):
        return "–"
    if math.isclose(here, main, rel_tol=1e-9):
        return "the same"
    from ml.metrics import METRICS  # numpy, which no other summary wants

    known = METRICS.get(name)
    better = "" if known is None else " better" if (here > main) == known.higher_is_better else " worse"
    return f"{signed(here - main, '.3g')}{better}"


def signed(value: float, form: str) -> str:
    """A difference with its sign, a real minus."""
    return f"{value:+{form}}".replace("-", "−")
