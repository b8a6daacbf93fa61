"""What does it look at? The share of each feature."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.report.axes import Scale
from deploy.report.numerals import counted, measured, share, shortened
from deploy.report.page import Cell, Section, Table, name_cell, number_cell
from deploy.report.rulers import bar

MOST = 12


def importance(shares: Mapping[str, float], metric: str) -> Section | None:
    """The section; None where nothing was measured, or no feature matters.

    Args:
        shares: by feature, as the evaluation measured them.
        metric: whose loss they share.
    """
    falling = sorted(((name, measured(value)) for name, value in shares.items()), key=lambda item: -item[1])
    if not falling or not falling[0][1] > 0.0:
        return None
    scale = Scale(0.0, falling[0][1])
    shown, rest = falling[:MOST], falling[MOST:]
    rows = [_row(name, value, scale) for name, value in shown]
    if rest:
        rows.append(_row(f"{counted(len(rest), 'other column')}", sum(value for _, value in rest), scale))
    heads = (Cell("column"), Cell("share", "number"), Cell("", "picture"))
    caption = (
        f"Permutation importance: how much {metric} suffers when a column is shuffled among the rows that judged, "
        "as a share of the sum over all columns. Columns that say the same share it between them."
    )
    return Section("importance", "What does it look at?", _answer(shown), (Table("", heads, tuple(rows), caption),))


def _row(name: str, value: float, scale: Scale) -> tuple[Cell, ...]:
    words = f"{shortened(name, 40)}: {share(value)}"
    return (name_cell(name, 40), number_cell(share(value)), Cell(words, "picture", bar(scale, value, words)))


def _answer(shown: list[tuple[str, float]]) -> str:
    name, value = shortened(shown[0][0], 40), shown[0][1]
    if value >= 0.5 or len(shown) == 1:
        return f"Mostly at {name}, which has {share(value)} of the importance."
    names = ", ".join(shortened(name, 40) for name, _ in shown[1:3])
    return f"First at {name} ({share(value)}), then at {names}."
