"""Two models on the same rows in the same order."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deploy.gate.scored import Objects, Scored
from ml.fault import invalid


def paired(candidate: Scored, champion: Scored, after: dt.datetime | None = None) -> tuple[Scored, Scored]:
    """Both models on the same rows, in the candidate's order.

    Args:
        candidate: the model just trained.
        champion: the one to beat, scored on the same rows.
        after: where the rows are ordered by time, the champion's last training row, without a zone
            like the rows' own times: only rows strictly later are kept, so that the champion is not
            judged on what it was taught. (Without a time column the split is a hash of the row and keeps
            them apart for ever.)

    Raises:
        Fault: the rows are not the same, or their targets are not.
    """
    candidate, champion = _same_classes(candidate, champion)
    champion = champion.take(_places(candidate.keys, champion.keys))
    if champion.measures.classes:  # NaN is a class that came after the champion: always wrong, and still a row
        known = ~np.isnan(champion.target)
        champion = replace(champion, target=np.where(known, champion.target, candidate.target))
    if not np.array_equal(candidate.target, champion.target, equal_nan=True):
        wrong = int(np.argmax(candidate.target != champion.target))
        raise invalid(
            f"candidate and champion were scored against different targets, first at {candidate.keys[wrong]}",
            remedy="score both on the same rows.parquet",
        )
    if after is None:
        return candidate, champion
    if candidate.time is None:
        raise invalid("rows without a time column cannot be later than the champion's training", remedy="after=None")
    rows = np.flatnonzero(candidate.time > np.datetime64(after))
    return candidate.take(rows), champion.take(rows)


def _places(wanted: Objects, given: Objects) -> NDArray[np.intp]:
    """Where in `given` each of the wanted keys is; the n-th of equal keys is the n-th there."""
    if np.array_equal(wanted, given):
        return np.arange(len(given))
    by_wanted, by_given = np.argsort(wanted, kind="stable"), np.argsort(given, kind="stable")
    if not np.array_equal(wanted[by_wanted], given[by_given]):
        apart = len(set(wanted) ^ set(given))
        raise invalid(
            f"candidate and champion were scored on different rows: {len(wanted)} and {len(given)} of them, "
            f"{apart} keys are in one only",
            remedy="score both on the same rows.parquet",
        )
    places = np.empty(len(given), dtype=np.intp)
    places[by_wanted] = by_given
    return places


def _same_classes(*models: Scored) -> list[Scored]:
    """The models with outputs and targets in one order of the classes.

    A class that only one model knows has probability 0 in the other: it can never answer it.
    """
    names = sorted({name for model in models for name in model.measures.classes})
    return [m if m.measures.classes == tuple(names) else _renumbered(m, names) for m in models]


def _renumbered(model: Scored, names: list[str]) -> Scored:
    place = np.array([names.index(name) for name in model.measures.classes], dtype=np.intp)
    outputs = np.zeros((len(model), len(names)))
    outputs[:, place] = model.outputs
    target = np.full(len(model), np.nan)  # a number that is no class stays none, and the gate refuses it
    known = np.isin(model.target, np.arange(len(place)))
    target[known] = place[model.target[known].astype(np.intp)]
    return replace(model, target=target, outputs=outputs, measures=replace(model.measures, classes=tuple(names)))
