"""What each deployment did lately: requests, failures, latency, predictions."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Any

from deploy.release.analysis import Live

KEPT = 20_000
PREDICTIONS_A_REQUEST = 20
LARGEST = sys.float_info.max
OVERDUE, OVERDUE_SECONDS = 504, 5.0


@dataclass(frozen=True)
class Seen:
    """One request: answered, or waited for too long."""

    at: float
    status: int
    milliseconds: float
    predictions: tuple[float | str | None, ...] = ()


Answered = Callable[[int, bytes], None]


class Observations:
    """The last requests of each deployment, bounded, and those that wait for their answer."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[Seen]] = {}
        self._waiting: dict[str, set[float]] = {}

    @contextlib.contextmanager
    def asked(self, deployment: str) -> Iterator[Answered]:
        """One request to the deployment; what is yielded takes the answer's status and body."""
        began = time.monotonic()
        waiting = self._waiting.setdefault(deployment, set())
        waiting.add(began)

        def answered(status: int, body: bytes) -> None:
            now = time.monotonic()
            predictions = _predictions(body) if status == 200 else ()
            kept = self._seen.setdefault(deployment, deque(maxlen=KEPT))
            kept.append(Seen(now, status, (now - began) * 1000.0, predictions))

        try:
            yield answered
        finally:
            waiting.discard(began)

    def since(self, moment: float) -> dict[str, Live]:
        """By deployment, what was seen from `moment` (seconds of the monotonic clock) on."""
        names = {*self._seen, *self._waiting}
        return {name: summary([*self._answered(name, moment), *self._overdue(name, moment)]) for name in names}

    def forget(self, deployment: str) -> None:
        """The deployment is gone."""
        self._seen.pop(deployment, None)
        self._waiting.pop(deployment, None)

    def _answered(self, name: str, moment: float) -> list[Seen]:
        return [seen for seen in self._seen.get(name, ()) if seen.at >= moment]

    def _overdue(self, name: str, moment: float) -> list[Seen]:
        """Who waits so long has no answer: one that hangs must not look like one that is not asked."""
        now = time.monotonic()
        ages = (now - began for began in self._waiting.get(name, ()) if began >= moment)
        return [Seen(now, OVERDUE, age * 1000.0) for age in ages if age > OVERDUE_SECONDS]


def summary(seen: list[Seen]) -> Live:
    """The numbers that a release is judged on."""
    predictions = [p for s in seen for p in s.predictions]
    numbers = [p for p in predictions if isinstance(p, float)]
    labels = Counter(p for p in predictions if isinstance(p, str))
    return Live(
        requests=len(seen),
        failures=sum(s.status >= 500 for s in seen),
        refused=sum(400 <= s.status < 500 for s in seen),
        latency_p95_ms=_p95([s.milliseconds for s in seen]),
        predictions=len(predictions),
        mean=fmean(numbers) if numbers else math.nan,
        std=pstdev(numbers) if numbers else math.nan,
        shares={label: count / labels.total() for label, count in labels.items()},
        distinct=len({*numbers, *labels}) > 1,
        unsound=len(predictions) - len(numbers) - labels.total(),
    )


def _p95(values: list[float]) -> float:
    """The smallest value that 95 % do not exceed."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1] if values else math.nan


def _predictions(body: bytes) -> tuple[float | str | None, ...]:
    """The first predictions of an answer; None for each that is no finite number and no label."""
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return (None,)
    answers = answer.get("predictions", [None]) if isinstance(answer, dict) else answer
    if not isinstance(answers, list):
        return (None,)
    return tuple(_one(value) for value in answers[:PREDICTIONS_A_REQUEST])


def _one(value: Any) -> float | str | None:
    if isinstance(value, list):  # the probabilities of several classes: the likeliest is the label
        return str(value.index(max(value))) if value and all(map(_is_finite, value)) else None
    if isinstance(value, str | bool) or (isinstance(value, int) and _is_finite(value)):
        # A class may be a whole number, or true and false; an amount is a float.
        return str(value)
    return float(value) if _is_finite(value) else None


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
