"""The success criteria of the problem, and whether each is met."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deploy.report.axes import Scale
from deploy.report.numerals import given, measured, number, places, signed_fixed
from deploy.report.page import MARKS, Cell, Mark, Table, number_cell
from deploy.report.rulers import bar
from ml.metrics import METRICS

if TYPE_CHECKING:
    from ml.problem import Problem

Check = Mapping[str, Any]
Row = tuple[Cell, ...]
MET: dict[Mark, str] = {"yes": "met", "no": "not met", "open": "open"}
SLICE, FLOOR = "slice ", "floor "
BUDGETS = {"latency": ("Latency of one row, p95", "ms"), "size": ("Size of the model's files", "MB")}
RELATIVE, SOUND = ("champion", "dummy"), ("predictions", "champion's predictions", "measures", "parity")


def criteria(problem: Problem, verdict: Mapping[str, Any]) -> Table:
    """A row for each floor, comparison and budget; the slices are one row, and so is what makes numbers sound."""
    checks: Sequence[Check] = verdict["checks"]
    named = {check["name"]: check for check in checks}
    rows = [_floor(check) for check in checks if check["name"].startswith(FLOOR)]
    rows += [_compared(problem, named[name], verdict["intervals"].get(name, {})) for name in RELATIVE if name in named]
    rows += _slices(problem, [check for check in checks if check["name"].startswith(SLICE)])
    rows += [_budget(named[name]) for name in BUDGETS if name in named]
    rows += _sound([named[name] for name in SOUND if name in named])
    heads = (
        Cell("criterion"),
        Cell("required", "minor"),
        Cell("measured", "number"),
        Cell("", "picture minor"),
        Cell(""),
    )
    return Table("", heads, tuple(rows), look="criteria")


def met(verdict: Mapping[str, Any]) -> str:
    """How many of the checks hold."""
    good, every = sum(check["decision"] == "PASS" for check in verdict["checks"]), len(verdict["checks"])
    return f"All {every} checks hold." if good == every else f"{good} of {every} checks hold."


def _floor(check: Check) -> Row:
    name, value, limit = check["name"].removeprefix(FLOOR), measured(check["value"]), measured(check["threshold"])
    bound = "at least" if METRICS[name].higher_is_better else "at most"
    return _row(name, f"{bound} {given(limit)}", number(value, 4), check, _meter(name, value, limit))


def _compared(problem: Problem, check: Check, interval: Mapping[str, Any]) -> Row:
    metric = problem.success.metric
    value = signed_fixed(check["value"], places(interval.get(end) for end in ("lower", "point", "upper")))
    if check["name"] == "dummy":
        return _row(f"{metric} against a constant answer", "certainly better", value, check)
    allowed = given(-measured(check["threshold"]))
    return _row(f"{metric} against the champion", f"certainly not worse by more than {allowed}", value, check)


def _slices(problem: Problem, slices: Sequence[Check]) -> list[Row]:
    if not slices:
        return []
    success = problem.success
    margin = success.margin if success.slices.margin is None else success.slices.margin
    good = sum(check["decision"] == "PASS" for check in slices)
    required = f"nowhere worse than the champion by more than {given(margin)}"
    return [_row("Each part of the rows", required, f"{good} of {len(slices)}", *slices)]


def _budget(check: Check) -> Row:
    value, limit = measured(check["value"]), measured(check["threshold"])
    what, unit = BUDGETS[check["name"]]
    return _row(what, f"at most {given(limit)} {unit}", f"{number(value)} {unit}", check, _meter(what, value, limit))


def _sound(checks: Sequence[Check]) -> list[Row]:
    if not checks:
        return []
    good = sum(check["decision"] == "PASS" for check in checks)
    required = "finite answers and measures, online as offline"
    return [_row("Sound numbers", required, f"{good} of {len(checks)}", *checks)]


def _meter(name: str, value: float, limit: float) -> Cell:
    if not math.isfinite(value) or value < 0 or limit <= 0:
        return Cell("", "picture minor")
    words = f"{name}: {number(value, 4)}, the limit is {given(limit)}"
    return Cell("", "picture minor", bar(Scale(0.0, max(value, limit) * 1.15), value, words, limit=limit))


def _row(what: str, required: str, value: str, *rest: Check | Cell) -> Row:
    """A criterion's cells; of several checks the worst counts."""
    decisions = {part["decision"] for part in rest if not isinstance(part, Cell)}
    mark = next(MARKS[decision] for decision in ("FAIL", "INCONCLUSIVE", "PASS") if decision in decisions)
    picture = next((part for part in rest if isinstance(part, Cell)), Cell("", "picture minor"))
    words = (Cell(what, note=required), Cell(required, "minor quiet"), number_cell(value))
    return (*words, picture, Cell(MET[mark], "mark", mark=mark))
