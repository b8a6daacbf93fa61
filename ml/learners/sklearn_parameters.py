"""The names of scikit-learn's parameters, read from its source: importing it takes seconds."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ml.fault import Fault
from ml.learners.parameters import Asked, unknown
from ml.problem import Problem

# Of a problem's estimator and task, the file and the class.
CLASSES = {
    ("linear", "regression"): ("linear_model/_ridge.py", "Ridge"),
    ("linear", "classification"): ("linear_model/_logistic.py", "LogisticRegression"),
    ("random_forest", "regression"): ("ensemble/_forest.py", "RandomForestRegressor"),
    ("random_forest", "classification"): ("ensemble/_forest.py", "RandomForestClassifier"),
    ("gradient_boosting", "regression"): ("ensemble/_gb.py", "GradientBoostingRegressor"),
    ("gradient_boosting", "classification"): ("ensemble/_gb.py", "GradientBoostingClassifier"),
}


def flaws(problem: Problem, parameters: Sequence[Asked]) -> Iterator[tuple[tuple[str, ...], str]]:
    """By place, the names that the problem's estimator does not have."""
    file, name = CLASSES[str(problem.model.estimator), problem.task]
    for one in parameters:
        if one.name not in names(file, name):
            yield one.place, unknown(one.name, names(file, name), f"scikit-learn's {name}")


@cache
def names(file: str, name: str) -> list[str]:
    """The parameters of a class: those of its `__init__`, as every estimator of scikit-learn has them.

    Raises:
        Fault: scikit-learn is not installed.
    """
    spec = find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        raise Fault("scikit-learn is not installed", remedy="install environments/training/requirements.txt")
    source = (Path(spec.submodule_search_locations[0]) / file).read_text(encoding="utf-8")
    found = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == name)
    init = next(node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    return [argument.arg for argument in (*init.args.args[1:], *init.args.kwonlyargs)]
