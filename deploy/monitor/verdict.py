"""What monitoring decides, and why."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from deploy.monitor.bars import bars
from deploy.monitor.drift import ColumnDrift, Thresholds
from deploy.monitor.lines import allowance
from deploy.monitor.performance import Performance
from deploy.monitor.periods import Period

Decision = Literal["ok", "drift", "degraded", "inconclusive"]
Cause = Literal["data", "concept"]

WORDS = {
    "psi": "another distribution",
    "missing": "another share of missing values",
    "unseen": "levels that training never saw",
    "out_of_range": "values outside the range of training",
}


@dataclass(frozen=True)
class Volume:
    """How much was asked.

    Attributes:
        rows: of the window.
        distinct: those that count: a row that was asked again counts once.
        since, until: the first and the last of them, ISO 8601; None where no time is known.
        labelled: distinct rows whose label has come; None where no labels were given.
        unmatched: labels that belong to no row.
        unknown: labels that are no class of the model; `unknown_names` are some of them.
    """

    rows: int
    distinct: int
    since: str | None
    until: str | None
    labelled: int | None = None
    unmatched: int = 0
    unknown: int = 0
    unknown_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The verdict on a window of requests.

    Attributes:
        decision: ok; drift (the rows or the predictions moved); degraded (the answers became worse);
            inconclusive (too few rows or labels to tell, never a pass).
        cause: of a degradation: data where the rows moved as well, concept where they did not: the
            same rows now mean something else.
        reasons: sentences, the gravest first.
    """

    decision: Decision
    cause: Cause | None
    reasons: tuple[str, ...]
    volume: Volume
    columns: tuple[ColumnDrift, ...]
    performance: Performance | None
    periods: tuple[Period, ...]

    def to_json(self) -> dict[str, Any]:
        """What `mlops monitor --json` prints; a number that is not finite is null."""
        return {
            "decision": self.decision,
            "cause": self.cause,
            "reasons": list(self.reasons),
            "volume": asdict(self.volume),
            "columns": [_column(column) for column in self.columns],
            "performance": _finite(asdict(self.performance)) if self.performance else None,
            "periods": [asdict(period) for period in self.periods],
        }


def decide(
    volume: Volume,
    columns: tuple[ColumnDrift, ...],
    performance: Performance | None,
    periods: tuple[Period, ...],
    thresholds: Thresholds,
) -> Verdict:
    """The verdict.

    Args:
        volume: how much was asked.
        columns: the drift of each column.
        performance: None where no labels were given, or fewer than `thresholds.fewest_rows`.
        periods: for whoever draws them.
        thresholds: the same as for `columns`.
    """
    fewest = thresholds.fewest_rows
    moved = tuple(_moved(column) for column in columns if column.drifted)
    unclear = tuple(_unclear(volume, performance, fewest))
    if volume.distinct < fewest:
        several = "" if volume.distinct == volume.rows else f", {volume.distinct} distinct"
        few = f"{volume.rows} rows were asked{several}; {fewest} are needed"
        return Verdict("inconclusive", None, (few,), volume, columns, performance, periods)
    if worse := tuple(_worse(volume, performance, thresholds)):
        cause: Cause = "data" if moved else "concept"
        reasons = (*worse, _CAUSES[cause], *moved)
        return Verdict("degraded", cause, reasons, volume, columns, performance, periods)
    decision: Decision = "drift" if moved else "inconclusive" if unclear else "ok"
    reasons = (*moved, *unclear) or ("no column moved",)
    return Verdict(decision, None, reasons, volume, columns, performance, periods)


_CAUSES = {
    "data": "the rows moved too: what is asked now is unlike what the model learnt on",
    "concept": "the rows did not move: the same rows now mean something else",
}


def _moved(column: ColumnDrift) -> str:
    check = column.headline
    what = f"{column.role} `{column.name}`: {WORDS[check.statistic]}"
    return f"{what} ({check.statistic} {check.value:.3g}, threshold {check.threshold:.3g})"


def _worse(volume: Volume, performance: Performance | None, thresholds: Thresholds) -> Iterator[str]:
    labelled = volume.labelled or 0
    if performance is not None:
        yield from _lost(performance)
    if labelled >= thresholds.fewest_rows and volume.unknown > thresholds.unseen * labelled:
        yield f"{volume.unknown} of {labelled} labels are no class that the model knows"


def _lost(performance: Performance) -> Iterator[str]:
    loss = performance.loss
    if loss is not None and loss.state == "degraded":
        was = f"worse by {loss.worse_by:.3g} than the {loss.recorded:.4g} of the evaluation"
        yield f"{performance.metric} is {performance.now:.4g}, {was}; {allowance(asdict(loss))}"
    for floor in performance.floors:
        if floor.state == "degraded":
            yield f"{floor.metric} is {floor.now:.4g}; its floor is {floor.floor:.4g}"


def _unclear(volume: Volume, performance: Performance | None, fewest: int) -> Iterator[str]:
    if volume.labelled is not None and performance is None:
        yield f"{volume.labelled - volume.unknown} rows have a label; {fewest} are needed"
    if performance is None:
        return
    why = "which chance may explain: more labels will tell"
    loss = performance.loss
    if loss is not None and loss.state == "unclear":
        yield f"{performance.metric} is {performance.now:.4g}, worse by {loss.worse_by:.3g}, {why}"
    for floor in performance.floors:
        if floor.state == "unclear":
            yield f"{floor.metric} is {floor.now:.4g}, beyond its floor {floor.floor:.4g}, {why}"


def _column(column: ColumnDrift) -> dict[str, Any]:
    check = column.headline
    return {
        "name": column.name,
        "role": column.role,
        "statistic": check.statistic,
        "value": check.value,
        "threshold": check.threshold,
        "drifted": column.drifted,
        "distance": column.distance,
        "checks": [asdict(check) | {"failed": check.failed} for check in column.checks],
        "bars": [asdict(bar) for bar in bars(column.reference, column.current)],
    }


def _finite(value: Any) -> Any:
    """The same with null for every number that JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
