"""Can the probabilities be trusted? Calibration, ROC curve, distribution of the scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deploy.report.answers import Answers
from deploy.report.axes import Axis, Frame, Scale, chart, percents
from deploy.report.marks import bars, curve, dots, level, upright, uprights
from deploy.report.numerals import number, share, shortened
from deploy.report.page import Figure, Key
from deploy.report.svg import Markup
from ml.metrics import Floats

BINS, SCORES = 10, 40
ONE = Scale(0.0, 1.0)
MOST_CURVES = 12
POINTS = 160
NORMAL_95 = 1.96
HIGH = 260.0
SURE = 0.9
LEAST_SIDE = 0.15
Truths = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Claims:
    """Probabilities beside what came true.

    Of two classes the second's probability; of more the probability of the class that was answered.

    Attributes:
        probability: (rows,).
        true: (rows,), whether what it speaks of came true.
        name: what it is the probability of.
        yes, no: what it is where it came true, or did not.
    """

    probability: Floats
    true: Truths
    name: str
    yes: str
    no: str

    @classmethod
    def of(cls, answers: Answers) -> Claims:
        """Those of some answers."""
        if len(answers.classes) == 2:
            no, yes = (f"“{shortened(name, 24)}”" for name in answers.classes)
            return cls(answers.outputs[:, 1], answers.target == 1, f"probability of {yes}", yes, no)
        return cls(answers.sure, answers.said == answers.target, "probability of the answer", "right", "wrong")


def calibration(answers: Answers) -> Figure:
    """Probability against the share that came true, in ten bins with Wilson's intervals."""
    claims = Claims.of(answers)
    place = np.minimum((claims.probability * BINS).astype(np.int64), BINS - 1)
    rows = np.bincount(place, minlength=BINS)
    known = np.flatnonzero(rows)
    said = np.bincount(place, claims.probability, BINS)[known] / rows[known]
    seen = np.bincount(place, claims.true, BINS)[known] / rows[known]
    apart = float(np.sum(rows[known] * np.abs(said - seen)) / rows.sum())
    caption = f"On average, weighted by rows, the two are {number(100 * apart, 2)} percentage points apart."
    frame = Frame(ONE, ONE, HIGH)
    marks = (
        curve(frame, [0, 1], [0, 1], "reference"),
        uprights(frame, said, *wilson(seen, rows[known]), "ours"),
        dots(frame, said, seen, "ours", 4),
    )
    title = "Does 80 % mean eight of ten?"
    x, y = Axis(f"{claims.name} →", percents(ONE)), Axis(f"share that was {claims.yes} ↑", percents(ONE))
    keys = (Key("dot ours", "a tenth of the scale, with its 95 % interval"), Key("line reference", "as promised"))
    return Figure(title, chart(title, f"Calibration. {caption}", frame, x, y, *marks), caption, keys)


def wilson(seen: Floats, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The 95 % interval of each share (Wilson, JASA 22, 1927)."""
    z2 = NORMAL_95**2
    middle = (seen + z2 / (2 * rows)) / (1 + z2 / rows)
    half = NORMAL_95 / (1 + z2 / rows) * np.sqrt(seen * (1 - seen) / rows + z2 / (4 * rows**2))
    return np.clip(middle - half, 0.0, 1.0), np.clip(middle + half, 0.0, 1.0)


def receiver_operating(answers: Answers, area: float | None) -> Figure:
    """The ROC curve; of more than two classes one for each against the rest.

    Args:
        answers: on the rows that judged.
        area: the AUC that the evaluation measured.
    """
    frame = Frame(ONE, ONE, HIGH)
    chance, by_chance = curve(frame, [0, 1], [0, 1], "reference"), Key("line reference", "by chance")
    title = "Does it tell them apart?"
    caption = "" if area is None else f"Area under the curve: {number(area, 4)}"
    if len(answers.classes) == 2:
        line = curve(frame, *roc(answers.outputs[:, 1], answers.target == 1), "ours")
        marks = [line, *_as_it_answers(frame, answers)]
        keys = [Key("line ours", "this model"), Key("dot ours", "as it answers"), by_chance]
    else:
        shown = _largest(answers)
        marks = [curve(frame, *roc(answers.outputs[:, k], answers.target == k), "ours thin") for k in shown]
        keys = [Key("line ours thin", "a class against the rest"), by_chance]
        caption += ", the mean over the classes" if caption else ""
    caption += "." if caption else ""
    x, y = Axis("false alarms →", percents(ONE)), Axis("found ↑", percents(ONE))
    return Figure(title, chart(title, f"ROC curve. {caption}", frame, x, y, chance, *marks), caption, tuple(keys))


def _as_it_answers(frame: Frame, answers: Answers) -> list[Markup]:
    said, true = answers.said == 1, answers.target == 1
    if true.all() or not true.any():
        return []
    return [dots(frame, [float(said[~true].mean())], [float(said[true].mean())], "ours", 4.5)]


def _largest(answers: Answers) -> list[int]:
    """The classes with the most rows."""
    rows = np.bincount(answers.target.astype(np.int64), minlength=len(answers.classes))
    order: list[int] = np.argsort(-rows, kind="stable")[:MOST_CURVES].tolist()
    return order


def roc(score: Floats, positive: Truths) -> tuple[Floats, Floats]:
    """Shares of the negatives and of the positives with at least a score, for falling scores.

    Each point is exact; of many rows only so many scores are taken as the eye can tell apart.
    """
    yes, no = np.sort(score[positive]), np.sort(score[~positive])
    if not len(yes) or not len(no):
        return np.array([0.0, 1.0]), np.array([0.0, 1.0])
    picked = [values[np.unique(np.linspace(0, len(values) - 1, POINTS).astype(np.int64))] for values in (yes, no)]
    limits = np.unique(np.concatenate(picked))[::-1]
    found, alarms = (1.0 - np.searchsorted(values, limits) / len(values) for values in (yes, no))
    return np.concatenate([[0.0], alarms]), np.concatenate([[0.0], found])


def scores(answers: Answers) -> Figure:
    """How the probabilities are spread, upwards for what came true and downwards for what did not."""
    claims = Claims.of(answers)
    edges = np.linspace(0.0, 1.0, SCORES + 1)
    up, down = (
        np.histogram(claims.probability[chosen], edges)[0] / len(answers) for chosen in (claims.true, ~claims.true)
    )
    most = float(max(up.max(), down.max()))
    least = most * LEAST_SIDE  # of either side, so that one without rows is still seen
    frame = Frame(ONE, Scale(-1.05 * max(float(down.max()), least), 1.05 * max(float(up.max()), least)), HIGH)
    marks = [bars(frame, edges, up, "ours"), bars(frame, edges, -down, "theirs"), level(frame, 0.0, "axis")]
    if len(answers.classes) == 2:
        marks.append(upright(frame, 0.5, "reference"))
    sure = share(float(np.mean(answers.sure >= SURE)))
    caption = f"{sure} of the answers have a probability of at least {share(SURE)}."
    title = "How sure is it?"
    ticks = [(value, share(abs(value))) for value, _ in frame.y.ticks(4)]
    x, y = Axis(f"{claims.name} →", percents(ONE)), Axis("share of the rows ↑", ticks)
    keys = (Key("area ours", f"upwards: {claims.yes}"), Key("area theirs", f"downwards: {claims.no}"))
    return Figure(title, chart(title, f"Histogram of the {claims.name}. {caption}", frame, x, y, *marks), caption, keys)
