"""Is it good enough? The verdict with its intervals, drawn against the margin."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deploy.report.axes import Scale, scale_over
from deploy.report.numerals import count, fixed, given, measured, places, shortened, signed_fixed
from deploy.report.page import LONGEST, MARKS, Block, Cell, Key, Section, Sentences, Table, name_cell, number_cell
from deploy.report.rulers import dot, head, interval
from ml.metrics import METRICS

if TYPE_CHECKING:
    from ml.problem import Problem

Verdict = Mapping[str, Any]
SIDES = {"candidate": "this model", "champion": "the champion", "dummy": "a constant answer"}
FLOOR = "the floor"
LOOKS = {"yes": "ours", "no": "bad", "open": "open-ended"}
WORDS = {"PASS": "holds", "FAIL": "fails", "INCONCLUSIVE": "open"}
MOST = 40  # intervals that are drawn
BOUNDS = ("lower", "point", "upper")


def judgement(problem: Problem, verdict: Verdict) -> Section:
    """The section on the verdict."""
    metric = problem.success.metric
    checks = tuple((MARKS[check["decision"]], shortened(check["sentence"], LONGEST)) for check in verdict["checks"])
    blocks: tuple[Block, ...] = (
        *_standing(problem, verdict),
        *_against_champion(metric, verdict),
        *_against_constant(metric, verdict),
        Sentences(f"All {len(checks)} checks in words", checks, folded=True),
    )
    return Section("verdict", "Is it good enough?", _answer(verdict), blocks)


def _answer(verdict: Verdict) -> str:
    found = verdict["intervals"]
    if "champion" in found:
        return _sure("the champion", found["champion"])
    if "dummy" in found:
        return _sure("the best constant answer", found["dummy"])
    return "What it answers are no numbers that could be judged."


def _sure(other: str, found: Mapping[str, Any]) -> str:
    low, point, high = (measured(found[key]) for key in BOUNDS)
    if not math.isfinite(point):
        return f"It cannot be held against {other}: there are no rows that both may be judged on."
    size, word = places([low, point, high]), "Better" if point >= 0 else "Worse"
    beginning = f"{word} than {other} by {fixed(abs(point), size)} on the same {count(found['rows'])} rows"
    if not math.isfinite(low):
        return f"{beginning}, which are too few to bound the difference."
    bound = f"better by at least {fixed(low, size)}" if low > 0 else f"worse by at most {fixed(-low, size)}"
    return f"{beginning}; with 95 % certainty {bound}."


def _standing(problem: Problem, verdict: Verdict) -> list[Table]:
    """One line for everything that is known of the metric: model, champion, floor, constant answer; the best first."""
    name, metrics = problem.success.metric, dict(verdict["metrics"])
    better = METRICS[name].higher_is_better
    known = {SIDES[side]: values for side, values in metrics.items() if side in SIDES} | {FLOOR: problem.success.floors}
    known = {label: values for label, values in known.items() if math.isfinite(measured(values.get(name)))}
    if not metrics or not known:
        return []
    others = [other for other in METRICS if other != name and any(other in values for values in known.values())]
    order = sorted(known, key=lambda label: measured(known[label][name]), reverse=better)
    scale = scale_over([measured(values[name]) for values in known.values()], room=0.05)
    size = {metric: places((values.get(metric) for values in known.values()), 4) for metric in (name, *others)}
    rows = tuple(_stand(label, known[label], size, scale) for label in order)
    beside = (Cell(other, "number minor") for other in others)
    heads = (Cell(""), Cell(name, "number"), Cell("", "picture", head(scale)), *beside)
    way = "Higher is better" if better else "Lower is better"
    caption = f"{way}. The constant answer is the best one for the training rows; all on the rows that judged."
    return [Table(f"Where does {name} stand?", heads, rows, caption)]


def _stand(label: str, values: Mapping[str, Any], size: Mapping[str, int], scale: Scale) -> tuple[Cell, ...]:
    """A row of the metrics in `size`, the first of them drawn."""

    def shown(metric: str) -> str:
        if metric not in values:
            return ""
        return given(values[metric]) if label == FLOOR else fixed(values[metric], size[metric])

    first, *others = size
    strong = "strong" if label == SIDES["candidate"] else ""
    look = {SIDES["candidate"]: "ours", FLOOR: "limit"}.get(label, "theirs")
    picture = dot(scale, measured(values[first]), f"{label}: {first} {shown(first)}", look)
    return (
        Cell(label, strong), number_cell(shown(first), strong), Cell("", "picture", picture),
        *(number_cell(shown(other), "minor") for other in others),
    )  # fmt: skip


def _against_champion(metric: str, verdict: Verdict) -> list[Table]:
    names = set(verdict["intervals"]) - {"dummy"}
    checks = [check for check in verdict["checks"] if check["name"] in names]
    caption = (
        f"Difference of {metric} to the champion on the same rows, by paired bootstrap, with one-sided 95 % bounds. "
        "It holds where the whole interval lies right of the allowed loss. “Could see” is the smallest distance "
        "from it that so many rows show with a power of 80 %."
    )
    if len(checks) > MOST:
        grave = ("FAIL", "INCONCLUSIVE", "PASS")
        checks = sorted(checks, key=lambda check: (check["name"] != "champion", grave.index(check["decision"])))[:MOST]
        caption += f" The {MOST} gravest and largest are drawn; all are in words below."
    return [_forest("Is it worse than the champion anywhere?", checks, verdict, caption)] if checks else []


def _against_constant(metric: str, verdict: Verdict) -> list[Table]:
    names = set(verdict["intervals"]) & {"dummy"}
    checks = [check for check in verdict["checks"] if check["name"] in names]
    caption = (
        f"Difference of {metric} to the constant that is best in hindsight on these very rows. "
        "It holds where the whole interval lies right of 0."
    )
    return [_forest("Does it know more than one answer for all?", checks, verdict, caption)] if checks else []


def _forest(title: str, checks: Sequence[Mapping[str, Any]], verdict: Verdict, caption: str) -> Table:
    """Intervals on one scale, each with the loss that it is held against."""
    found = [verdict["intervals"][check["name"]] for check in checks]
    limits = [measured(check["threshold"]) for check in checks]
    values = [measured(one[key]) for one in found for key in BOUNDS]
    scale, size = scale_over([*values, *limits], with_zero=True, room=0.04), places(values)
    heads = (
        Cell("rows"), Cell("", "number minor"), Cell("", "picture tall", head(scale, None, "← worse", "better →")),
        Cell("difference", "number"), Cell("95 % bounds", "number minor"), Cell("could see", "number minor"), Cell(""),
    )  # fmt: skip
    rows = tuple(_judged(check, one, scale, size) for check, one in zip(checks, found, strict=True))
    lines = (("ours strong", "interval"), ("limit", "allowed loss"), ("reference", "no difference"))
    keys = tuple(Key(f"line {look}", meaning) for look, meaning in lines)
    return Table(title, heads, rows, caption, keys, look="forest")


def _judged(check: Mapping[str, Any], found: Mapping[str, Any], scale: Scale, size: int) -> tuple[Cell, ...]:
    label = check["name"].removeprefix("slice ") if check["name"].startswith("slice ") else "all"
    low, point, high = (measured(found[key]) for key in BOUNDS)
    look, limit = LOOKS[MARKS[check["decision"]]], measured(check["threshold"])
    picture = interval(scale, (low, point, high), shortened(check["sentence"], LONGEST), look, limit)
    return (
        name_cell(label, look="name strong" if label == "all" else "name"),
        number_cell(count(found["rows"]), "minor quiet"),
        Cell("", "picture tall", picture),
        number_cell(signed_fixed(point, size)),
        number_cell(f"{signed_fixed(low, size)} to {signed_fixed(high, size)}", "minor"),
        number_cell(fixed(found["detectable"], size), "minor"),
        Cell(WORDS[check["decision"]], "mark", mark=MARKS[check["decision"]]),
    )
