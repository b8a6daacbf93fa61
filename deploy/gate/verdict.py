"""What the gate says: one decision, the checks that led to it, the numbers behind them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from deploy.gate.bootstrap import Interval

Decision = Literal["PASS", "FAIL", "INCONCLUSIVE"]


@dataclass(frozen=True)
class Check:
    """One question and its answer.

    Attributes:
        name: such as `floor mae` or `slice carrier=AA`.
        value, threshold: what was compared; None where the question is not about one number.
        sentence: the answer for people, with its numbers.
    """

    name: str
    decision: Decision
    value: float | None
    threshold: float | None
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The gate's answer.

    Attributes:
        reasons: the sentences that people need: of what did not pass, or else of what decided.
        metrics: by side (candidate, champion, dummy) and name, on the rows that were compared; the
            dummy's are as `evaluate` measured them.
        intervals: by the name of the check that used it.
        seed: of every random draw.
    """

    decision: Decision
    reasons: tuple[str, ...]
    metrics: Mapping[str, Mapping[str, float | None]]
    intervals: Mapping[str, Interval]
    checks: tuple[Check, ...]
    seed: int

    def to_json(self) -> dict[str, Any]:
        """The verdict in JSON's own types (see `plain`)."""
        values: dict[str, Any] = plain(asdict(self))
        return values


def overall(checks: Iterable[Check]) -> Decision:
    """One FAIL fails; else one INCONCLUSIVE is inconclusive, and so is no check at all."""
    decisions = {check.decision for check in checks}
    if "FAIL" in decisions:
        return "FAIL"
    return "PASS" if decisions == {"PASS"} else "INCONCLUSIVE"


def plain(value: Any) -> Any:
    """The value in JSON's own types. JSON has no NaN and no infinity: they become their names, as text.

    The names are those of the JSON mapping of Protocol Buffers: "NaN", "Infinity", "-Infinity".
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
