"""The hyper-parameters that a sweep tries: drawn once for all from the problem's search space."""

from __future__ import annotations

import math
import random

from ml.problem import Learner, Problem, Range

Parameters = dict[str, bool | int | float | str]
DIGITS = 6  # so that a number is short in the record, and the same whatever library takes the logarithm


def trial(problem: Problem, number: int) -> Parameters:
    """The learner's parameters in a trial; the first trial has the problem's own.

    The draw depends on the seed and the number alone: a sweep with more trials begins with the same ones,
    and every platform tries the same.
    """
    model = problem.model
    if number == 0 or model.sweep is None:
        return dict(model.parameters)
    chance = random.Random(f"{model.seed}:{number}")  # noqa: S311 - no secret
    space = sorted(model.sweep.parameters.items())
    return {**model.parameters, **{name: _draw(values, chance.random()) for name, values in space}}


def with_parameters(problem: Problem, parameters: Parameters) -> Problem:
    """The problem with other parameters of its learner."""
    learner: Learner = problem.model.model_copy(update={"parameters": parameters})
    return problem.model_copy(update={"model": learner})


def _draw(values: list[bool | int | float | str] | Range, chance: float) -> bool | int | float | str:
    """The value at `chance` (0 ≤ chance < 1) of the way through a parameter's space."""
    if isinstance(values, list):
        return values[int(chance * len(values))]
    if values.scale == "log":
        drawn = math.exp(math.log(values.least) + chance * (math.log(values.most) - math.log(values.least)))
    else:
        drawn = values.least + chance * (values.most - values.least)
    return round(drawn) if values.whole else float(f"{drawn:.{DIGITS}g}")
