"""How wrong is it? The pictures of a regression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deploy.report.answers import Answers
from deploy.report.axes import Axis, Frame, Scale, chart, percents, scale_over
from deploy.report.marks import bars, curve, density, dots, shade_limits, upright, words
from deploy.report.numerals import count, fixed, given, number, places, share
from deploy.report.page import Figure, Key, Section
from deploy.report.periods import over_time
from deploy.report.svg import Markup
from ml.metrics import Floats

MOST_DOTS = 600
CELLS = 44
SHARES = np.linspace(0.0, 1.0, 201)
HALF_AND_MOST = np.array([0.5, 0.9])
FINE = 400  # steps of the median's line
FEWEST_ROWS = 20  # for a median
EDGE = 0.005  # of the rows on either side that the pictures leave out
HIGH = 300.0


def regression(answers: Answers, target: str) -> Section:
    """The section of a regression's pictures.

    Args:
        answers: on the rows that judged.
        target: the column's name.
    """
    errors = np.sort(np.abs(answers.target - answers.outputs))
    half, most = quantiles(errors, HALF_AND_MOST)
    answer = (
        f"Half of the {count(len(answers))} answers are within {number(half)} of the truth, "
        f"nine of ten within {number(most)}."
    )
    figures = (_against_actual(answers, target), _off_by(answers, errors), _residuals(answers), *over_time(answers))
    return Section("errors", "How wrong is it?", answer, figures)


def quantiles(rising: Floats, shares: Floats) -> Floats:
    """Quantiles of sorted values, linear between neighbours; a million values are sorted once, not for each."""
    return np.interp(shares * (len(rising) - 1), np.arange(len(rising)), rising)


def _edges(answers: Answers) -> Floats:
    """The shares of the rows between which the pictures lie: all where they are few."""
    edge = EDGE if len(answers) > MOST_DOTS else 0.0
    return np.array([edge, 1.0 - edge])


def _against_actual(answers: Answers, target: str) -> Figure:
    """Every answer against what came true: dots where they are few, otherwise a density with its median."""
    said, true = answers.outputs, answers.target
    ends = np.quantile(np.stack([said, true]), _edges(answers), axis=1).ravel()
    scale = scale_over(ends.tolist(), room=0.02)
    frame = Frame(scale, scale, HIGH)
    inside = (said >= scale.low) & (said <= scale.high) & (true >= scale.low) & (true <= scale.high)
    outside = int(np.count_nonzero(~inside))
    if len(answers) <= MOST_DOTS:
        cloud, keys = [dots(frame, said[inside], true[inside], "ours faint", 3)], [Key("dot ours faint", "a row")]
    else:
        cloud, keys = _cloud(frame, said, true)
    diagonal = curve(frame, [scale.low, scale.high], [scale.low, scale.high], "reference")
    title = "Does it answer what came true?"
    caption = f"{share(outside / len(answers))} of the rows ({outside:,}) lie beyond the axes." if outside else ""
    told = f"Predicted against actual {target} of {len(answers):,} rows. {caption}"
    picture = chart(title, told, frame, Axis("predicted →"), Axis(f"actual {target} ↑"), *cloud, diagonal)
    return Figure(title, picture, caption, (Key("line reference", "actual = predicted"), *keys))


def _cloud(frame: Frame, said: Floats, true: Floats) -> tuple[list[Markup], list[Key]]:
    scale = frame.x
    counts = cells(said, true, scale, CELLS, CELLS)
    limits = shade_limits(counts)
    marks = [density(frame, counts, limits), curve(frame, *_medians(said, true, scale), "median")]
    shades = [Key(f"shade-{k}", f"{least:,}") for k, least in enumerate(limits, start=1)]
    return marks, [Key("line median", "median actual at each prediction"), Key("", "rows in a cell, from"), *shades]


def cells(across: Floats, up: Floats, scale: Scale, columns: int, rows: int) -> NDArray[np.int64]:
    """How many points lie in each cell (columns, rows from the bottom); those beyond the scale are left out."""
    x, y = ((values - scale.low) / (scale.high - scale.low) for values in (across, up))
    inside = (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
    column = np.minimum((x[inside] * columns).astype(np.int64), columns - 1)
    row = np.minimum((y[inside] * rows).astype(np.int64), rows - 1)
    return np.bincount(column * rows + row, minlength=columns * rows).reshape(columns, rows)


def _medians(said: Floats, true: Floats, scale: Scale) -> tuple[list[float], list[float]]:
    """The median of what came true in each column with enough rows, those beyond the axes included."""
    counts = cells(said, np.clip(true, scale.low, scale.high), scale, CELLS, FINE)
    columns = np.flatnonzero(counts.sum(axis=1) >= FEWEST_ROWS).tolist()
    middles = [int(np.searchsorted(np.cumsum(counts[k]), counts[k].sum() / 2)) for k in columns]
    spread = scale.high - scale.low
    return (
        [scale.low + spread * (column + 0.5) / CELLS for column in columns],
        [scale.low + spread * (middle + 0.5) / FINE for middle in middles],
    )


def _off_by(answers: Answers, errors: Floats) -> Figure:
    """The share of the answers that are off by at most so much, beside a model that learnt nothing."""
    ours, keys, caption = quantiles(errors, SHARES), [Key("line ours", "this model")], ""
    curves, far = {"ours": ours}, float(np.interp(0.95, SHARES, ours))
    if answers.dummy:
        theirs = np.sort(np.abs(answers.target - answers.dummy[0]))
        always = f"always answering {given(float(f'{answers.dummy[0]:.4g}'))}"
        keys.append(Key("line theirs", always))
        near, beyond = quantiles(theirs, HALF_AND_MOST)
        within = f"within {number(near)} for half of the rows, within {number(beyond)} for nine of ten"
        caption = f"{always.capitalize()} is {within}."
        curves, far = {"theirs": quantiles(theirs, SHARES), **curves}, max(far, float(beyond))
    frame = Frame(Scale(0.0, far or 1.0), Scale(0.0, 1.0), HIGH)
    typical = quantiles(errors, HALF_AND_MOST)
    named = list(zip(typical.tolist(), HALF_AND_MOST.tolist(), strict=True))
    marks = [
        *(_risen(frame, values, look) for look, values in curves.items()),
        dots(frame, typical, HALF_AND_MOST, "ours", 4.5),
        *(words(frame, x, y, f"{share(y)} within {number(x)}", "strong", 10, 17) for x, y in named),
    ]
    title = "How many answers are off by how much?"
    told = ", ".join(f"{share(y)} are off by at most {number(x)}" for x, y in named)
    x, y = Axis("off by at most →"), Axis("share of the answers ↑", percents(frame.y))
    return Figure(title, chart(title, f"{told}. {caption}", frame, x, y, *marks), caption, tuple(keys))


def _risen(frame: Frame, values: Floats, look: str) -> Markup:
    """The share of the errors up to each value, until the axis ends."""
    far = frame.x.high
    inside = values <= far
    xs, ys = np.append(values[inside], far), np.append(SHARES[inside], np.interp(far, values, SHARES))
    return curve(frame, xs, ys, look)


def _residuals(answers: Answers) -> Figure:
    residuals = np.sort(answers.target - answers.outputs)
    (low, high), middle = quantiles(residuals, _edges(answers)).tolist(), float(np.median(residuals))
    low, high = min(low, 0.0), max(high, 0.0)
    edges = np.linspace(low, high if high > low else low + 1.0, 1 + min(60, 6 + int(np.sqrt(len(residuals)))))
    counts = np.histogram(residuals, edges)[0] / len(residuals)
    frame = Frame(Scale(float(edges[0]), float(edges[-1])), Scale(0.0, float(counts.max()) * 1.08), 220)
    mean = float(residuals.mean())
    size = places([mean, middle])
    caption = f"Actual minus predicted is {fixed(mean, size)} on average, its median {fixed(middle, size)}."
    title = "Does it lean to one side?"
    told = f"Histogram of the residuals. {caption}"
    marks = (bars(frame, edges, counts, "ours"), upright(frame, 0.0, "reference"), upright(frame, mean, "median"))
    x, y = Axis("actual − predicted →"), Axis("share of the rows ↑", percents(frame.y))
    keys = (Key("line reference", "no error"), Key("line median", "mean residual"))
    return Figure(title, chart(title, told, frame, x, y, *marks), caption, keys)
