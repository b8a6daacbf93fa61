"""How often is it right? The pictures of a classification."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from deploy.report.answers import Answers
from deploy.report.axes import Scale
from deploy.report.numerals import count, share, shortened
from deploy.report.page import Block, Cell, Section, Table, name_cell, number_cell
from deploy.report.periods import over_time
from deploy.report.probabilities import calibration, receiver_operating, scores
from deploy.report.rulers import dot, head
from ml.metrics import Floats

MOST_CLASSES = 12
FEW_CLASSES = 4
OTHERS = "(others)"
Counts = NDArray[np.int64]


def classification(answers: Answers, metrics: Mapping[str, float | None], target: str) -> Section:
    """The section of a classification's pictures.

    Args:
        answers: on the rows that judged.
        metrics: of the evaluation, for the AUC.
        target: the column's name.
    """
    counts, names = confusion(answers.target, answers.said, answers.classes)
    blocks: tuple[Block, ...] = (
        _confusion(counts, names, target),
        *_by_class(counts, names),
        calibration(answers),
        receiver_operating(answers, metrics.get("auc")),
        scores(answers),
        *over_time(answers),
    )
    return Section("errors", "How often is it right?", _answer(answers), blocks)


def _answer(answers: Answers) -> str:
    right = share(float(np.mean(answers.said == answers.target)))
    words = f"{right} of {count(len(answers))} answers are right"
    if not answers.dummy:
        return f"{words}."
    commonest = int(np.argmax(answers.dummy))
    always = share(float(np.mean(answers.target == commonest)))
    return f"{words}; always answering “{shortened(answers.classes[commonest], 40)}” would be right for {always}."


def confusion(target: Floats, said: Counts, classes: tuple[str, ...]) -> tuple[Counts, tuple[str, ...]]:
    """Rows by (actual, answered) class, with the classes' names; the rarest of many are pooled."""
    size = len(classes)
    counts = np.bincount(target.astype(np.int64) * size + said, minlength=size * size).reshape(size, size)
    if size <= MOST_CLASSES:
        return counts, classes
    kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[: MOST_CLASSES - 1])
    home = np.full(size, MOST_CLASSES - 1)
    home[kept] = np.arange(MOST_CLASSES - 1)
    pooled = np.zeros((MOST_CLASSES, MOST_CLASSES), dtype=np.int64)
    np.add.at(pooled, (home[:, None], home[None, :]), counts)
    return pooled, (*(classes[k] for k in kept), OTHERS)


def _confusion(counts: Counts, names: tuple[str, ...], target: str) -> Table:
    totals, many = counts.sum(axis=1), len(names) > FEW_CLASSES
    heads = (
        Cell(f"actual {target} ↓ answered →"),
        *(name_cell(name, 16, "answered") for name in names),
    )
    rows = tuple(
        (
            name_cell(name, 24, "strong"),
            *(_amount(int(counts[a, b]), int(totals[a]), a == b, not many) for b in range(len(names))),
        )
        for a, name in enumerate(names)
    )
    title, look = "What is taken for what?", "confusion many" if many else "confusion"
    caption = _second_class(counts, names) if len(names) == 2 else _commonest_mistake(counts, names)
    return Table(title, heads, rows, caption, wide=many, look=look)


def _second_class(counts: Counts, names: tuple[str, ...]) -> str:
    """Recall and precision of the second of two classes."""
    (_, alarms), (missed, found) = counts.tolist()
    told = (
        [f"Of the rows that are “{shortened(names[1], 40)}”, {share(found / (missed + found))} are found."]
        if missed + found
        else []
    )
    told += [f"Where it answers so, it is right for {share(found / (alarms + found))}."] if alarms + found else []
    return " ".join(told)


def _commonest_mistake(counts: Counts, names: tuple[str, ...]) -> str:
    wrong = counts - np.diag(np.diag(counts))
    if not wrong.any():
        return "No mistake among these rows."
    actual, answered = np.unravel_index(wrong.argmax(), wrong.shape)
    times = count(wrong[actual, answered])
    this, that = (shortened(names[place], 40) for place in (actual, answered))
    return f"The commonest mistake: “{this}” taken for “{that}”, {times} times."


def _amount(amount: int, total: int, right: bool, with_share: bool) -> Cell:
    """A cell of the matrix, the darker the larger its share of the row."""
    part = amount / total if total else 0.0
    note = f"{share(part)} of the row" if with_share and total else ""
    return Cell(count(amount), "right" if right else "wrong", note=note, shade=round(part, 3))


def _by_class(counts: Counts, names: tuple[str, ...]) -> tuple[Table, ...]:
    """Recall and precision of each class, the worst found first; of two the matrix says as much."""
    if len(names) < 3:
        return ()
    right, actual, answered = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    found = right / np.maximum(actual, 1)
    scale = Scale(min(0.5, float(found[actual > 0].min(initial=0.5))), 1.0)
    ticks = [(value, share(value)) for value, _ in scale.ticks(2)]
    heads = (
        Cell("class"), Cell("rows", "number minor"), Cell("found", "number"), Cell("", "picture", head(scale, ticks)),
        Cell("right when answered", "number"),
    )  # fmt: skip
    rows = tuple(
        (
            name_cell(names[k]),
            number_cell(count(actual[k]), "minor"),
            number_cell(share(found[k]) if actual[k] else "no row"),
            Cell("", "picture", dot(scale, float(found[k]), f"{names[k]}: {share(found[k])} found")),
            number_cell(share(right[k] / answered[k]) if answered[k] else "never answered"),
        )
        for k in np.argsort(found, kind="stable").tolist()
    )
    caption = "Found: the share of the class's rows that are answered so (recall). Right when answered: precision."
    return (Table("Which class is hard?", heads, rows, caption),)
