from __future__ import annotations

import pytest

from ml.fault import Fault
from ml.problem import PROBLEMS, load_problem
from ml.sources import files_of, module_of


def test_every_source_that_a_problem_names_is_there() -> None:
    sources = [load_problem(path).data.source for path in PROBLEMS.glob("*.yaml")]
    assert {module_of(source) for source in sources if source} == {"ml.sources.flights", "ml.sources.breast_cancer"}


def test_an_unknown_source_is_answered_with_the_likely_one() -> None:
    with pytest.raises(Fault) as caught:
        module_of("flight")
    assert caught.value.remedy == "did you mean `flights`?"


def test_a_package_that_is_not_installed_is_told_with_the_line_that_installs_it() -> None:
    with pytest.raises(Fault) as caught:
        files_of("no_such_package", "no-such-package==1.0")
    assert caught.value.remedy == "pip install no-such-package==1.0"
