"""Whether the learner takes the parameters that a problem file names, told before any step runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ml.fault import invalid
from ml.problem import Learner, Problem, Range
from ml.strict_yaml import line_in

Value = bool | int | float | str


@dataclass(frozen=True)
class Asked:
    """A parameter of the problem file with one of its values.

    Attributes:
        place: the keys that lead to it.
    """

    place: tuple[str, ...]
    name: str
    value: Value


def require_parameters(problem: Problem, file: Path) -> None:
    """Refuses names that the learner does not know, and values that LightGBM does not take.

    A value that scikit-learn does not take is found when it learns: asking it takes seconds of imports.

    Raises:
        Fault: with each such name or value, its line, and the name that was probably meant.
    """
    if problem.model.kind == "lightgbm":
        from ml.learners.lightgbm_parameters import flaws
    else:
        from ml.learners.sklearn_parameters import flaws
    found = dict(flaws(problem, list(asked(problem.model))))
    if not found:
        return
    ordered = sorted((line_in(file, place), ".".join(place), flaw) for place, flaw in found.items())
    told = [f"{file}:{line}: `{key}`: {flaw}" for line, key, flaw in ordered]
    raise invalid("\n".join(told), remedy="correct `model` in the problem file")


def asked(model: Learner) -> Iterator[Asked]:
    """The parameters as they stand, and the values that a sweep draws from: of a range its ends."""
    for name, value in model.parameters.items():
        yield Asked(("model", "parameters", name), name, value)
    for name, values in model.sweep.parameters.items() if model.sweep else ():
        for value in _ends(values) if isinstance(values, Range) else values:
            yield Asked(("model", "sweep", "parameters", name), name, value)


def _ends(values: Range) -> tuple[Value, ...]:
    return (round(values.least), round(values.most)) if values.whole else (values.least, values.most)


def unknown(name: str, known: list[str], learner: str) -> str:
    """The sentence on a name that the learner does not know."""
    near = get_close_matches(name, known, n=1)
    return f"{learner} has no such parameter" + (f"; did you mean `{near[0]}`?" if near else "")
