"""The smoke test: a new deployment must answer what its model answered offline."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.fault import Fault
from ml.model.model import SMOKE, inner

RELATIVE = 1e-9


@dataclass(frozen=True)
class Expected:
    """A request and the answers that the model gave to it offline."""

    body: bytes
    answers: tuple[Any, ...]


def load_expected(model: Path) -> Expected:
    """What the training step kept inside the model (`smoke.json`), so that it travels with the bytes.

    Raises:
        Fault: it is not there, or asks nothing.
    """
    path = inner(model) / SMOKE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        expected = Expected(json.dumps({"input_data": kept["input_data"]}).encode(), tuple(kept["answers"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise Fault("there is no smoke test in the model", str(path), "train it again") from None
    if not expected.answers:
        raise Fault("the smoke test asks nothing", str(path), "train it again")
    return expected


def check_answer(expected: Expected, status: int, body: bytes) -> str | None:
    """Why the answer is not the model's, or None where it is.

    An answer from other bytes (the old model's, say) differs in its numbers.
    """
    if status != 200:
        return f"it answered {status}"
    try:
        answers = json.loads(body)
    except ValueError:
        return "it answered something that is not JSON"
    if not isinstance(answers, list) or len(answers) != len(expected.answers):
        return f"it answered not a list of {len(expected.answers)} predictions"
    wrong = sum(not _same(a, b) for a, b in zip(answers, expected.answers, strict=True))
    return f"{wrong} of {len(answers)} predictions are not the model's" if wrong else None


def _same(answer: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        alike = isinstance(answer, list) and len(answer) == len(expected)
        return alike and all(_same(a, b) for a, b in zip(answer, expected, strict=True))
    if _is_number(expected):
        return _is_number(answer) and math.isclose(answer, expected, rel_tol=RELATIVE, abs_tol=RELATIVE)
    return type(answer) is type(expected) and bool(answer == expected)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
