"""A verdict as lines on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SHOWN_COLUMNS = 12
Found = Mapping[str, Any]


def lines_of(found: Found, called: str) -> list[str]:
    """The lines.

    Args:
        found: a verdict in JSON's own types.
        called: the problem as a command names it.
    """
    lines = [_headline(found), *(f"  {reason}" for reason in found["reasons"])]
    for column in found["columns"][:SHOWN_COLUMNS]:
        mark = "drifted" if column["drifted"] else ""
        values = f"{column['value']:8.3f}  of {column['threshold']:.3f}"
        lines.append(f"  {column['name']:<24} {column['statistic']:<12} {values}  {mark}".rstrip())
    lines += [f"  {line}" for line in (*_labels(found["volume"]), *_performance(found["performance"]))]
    if found["decision"] in ("drift", "degraded"):
        lines.append(f"next: mlops train {called} --from-monitor, then mlops gate {called}")
    return lines


def _headline(found: Found) -> str:
    volume = found["volume"]
    rows = f"{volume['rows']:,} rows"
    if volume["distinct"] < volume["rows"]:
        rows += f", {volume['distinct']:,} distinct"
    window = f", {volume['since'][:10]} to {volume['until'][:10]}" if volume["since"] else ""
    return f"{found['decision']}  ({rows}{window})"


def _labels(volume: Found) -> Iterator[str]:
    if volume["labelled"] is None:
        return
    yield f"labels: {volume['labelled']:,} joined, {volume['unmatched']:,} of rows that were not asked"
    if volume["unknown"]:
        names = ", ".join(f"`{name}`" for name in volume["unknown_names"])
        yield f"labels: {volume['unknown']:,} left out, as they are no class of the model, such as {names}"


def _performance(performance: Found | None) -> Iterator[str]:
    if performance is None:
        return
    metric, loss = performance["metric"], performance["loss"]
    now, low, high = (_number(performance[key]) for key in ("now", "low", "high"))
    yield f"{metric}: {now} (90 %: {low} to {high}) on {performance['rows']:,} rows, {performance['state']}"
    if loss is not None:
        before, worse = _number(loss["recorded"]), _number(loss["worse_by"])
        yield f"{metric}: {before} in the evaluation, now worse by {worse}; {allowance(loss)}"
    for floor in performance["floors"]:
        yield f"{floor['metric']}: {_number(floor['now'])}, its floor {_number(floor['floor'])}, {floor['state']}"


def allowance(loss: Found) -> str:
    """How much worse a metric may be, and where that comes from."""
    share = f"{loss['lost_skill']:.0%} of its advantage over a model that learnt nothing ({_number(loss['dummy'])})"
    return f"{_number(loss['allowed'])} is allowed: {share}"


def _number(value: float | None) -> str:
    """Four digits; JSON has no number for what is not finite."""
    return "no number" if value is None else f"{value:.4g}"
