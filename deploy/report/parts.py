"""Is it as good for every part? The deciding metric by slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deploy.gate.scored import Levels
from deploy.report.answers import Answers
from deploy.report.axes import Scale, scale_over
from deploy.report.numerals import count, counted, fixed, places, shortened
from deploy.report.page import Cell, Key, Section, Table, name_cell, number_cell
from deploy.report.rulers import dot, head

MOST, MOST_COLUMNS = 14, 8


@dataclass(frozen=True)
class Part:
    """Some rows with what the metric is on them."""

    name: str
    rows: int
    value: float


def parts(answers: Answers, smallest: int) -> Section | None:
    """The section; None without slices.

    Args:
        answers: on the rows that judged.
        smallest: levels with fewer rows are pooled.
    """
    losses, metric = answers.losses, answers.metric
    whole = Part("all", len(losses), float(metric.from_mean(losses.mean())))
    columns = {name: _parts(answers, levels, smallest) for name, levels in list(answers.slices.items())[:MOST_COLUMNS]}
    every = [(name, part) for name, found in columns.items() for part in found]
    if not every:
        return None
    values = [whole.value, *(part.value for _, part in every)]
    scale, size = scale_over(values, room=0.06), places(values, 4)
    tables = tuple(_table(name, found, whole, scale, size, metric.name) for name, found in columns.items())
    column, worst = (min if metric.higher_is_better else max)(every, key=lambda item: item[1].value)
    name = f"{column} {shortened(worst.name, 40)}"
    answer = (
        f"{metric.name} is {fixed(whole.value, size)} over all rows, and worst for {name}: {fixed(worst.value, size)}."
    )
    return Section("slices", "Is it as good for every part?", answer, tables)


def _parts(answers: Answers, levels: Levels, smallest: int) -> list[Part]:
    """The levels that have enough rows, the largest first, and all others together."""
    rows = np.bincount(levels.codes, minlength=len(levels.names))
    losses = np.bincount(levels.codes, answers.losses, len(levels.names))
    falling = [k for k in np.argsort(-rows, kind="stable").tolist() if rows[k]]
    large = [k for k in falling if rows[k] >= smallest][:MOST]
    rest = falling[len(large) :]
    named = [(levels.names[k], [k]) for k in large] + ([(counted(len(rest), "other"), rest)] if rest else [])
    mean = answers.metric.from_mean
    return [Part(name, int(rows[ks].sum()), float(mean(losses[ks].sum() / rows[ks].sum()))) for name, ks in named]


def _table(column: str, found: list[Part], whole: Part, scale: Scale, size: int, metric: str) -> Table:
    heads = (Cell("level"), Cell("rows", "number"), Cell(metric, "number"), Cell("", "picture", head(scale)))
    rows = tuple(
        (
            name_cell(part.name),
            number_cell(count(part.rows)),
            number_cell(fixed(part.value, size)),
            Cell("", "picture", dot(scale, part.value, f"{shortened(part.name, 40)}: {metric}", reference=whole.value)),
        )
        for part in found
    )
    keys = (Key("dot ours", metric), Key("line reference", f"all rows: {fixed(whole.value, size)}"))
    return Table(f"By {column}", heads, rows, keys=keys, wide=False)
