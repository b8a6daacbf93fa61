"""What a merge concerns."""

import pytest

from deploy.gitops.changes import concerned

PROBLEMS = ("breast-cancer", "flight-delay")


def of(*files, pins=()):
    found = concerned(files, PROBLEMS, pins)
    return found.infrastructure, found.shared, found.problems, found.pins


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("README.md", (False, False, (), ())),
        ("docs/gate.md", (False, False, (), ())),
        ("tests/ml/test_split.py", (False, False, (), ())),
        ("deploy/report/page.py", (False, False, (), ())),
        ("deploy/pins/dev.yaml", (False, False, (), ())),
        ("infra/stacks/foundation.py", (True, True, (), ())),
        ("Pulumi.yaml", (True, True, (), ())),
        ("Pulumi.shared.yaml", (True, True, (), ())),
        ("Pulumi.prod.yaml", (True, False, (), ())),
        ("ml/problems/breast-cancer.yaml", (False, False, ("breast-cancer",), ())),
        ("ml/problems/gone.yaml", (False, False, (), ())),
        ("ml/steps/train.py", (False, False, PROBLEMS, ())),
        ("ml/sources/flights.py", (False, False, PROBLEMS, ())),
        ("deploy/gate/judge.py", (False, False, PROBLEMS, ())),
        ("environments/training/requirements.txt", (False, False, PROBLEMS, ())),
        ("environments/infrastructure/requirements.txt", (True, True, (), ())),
        ("my/infra/x.py", (False, False, (), ())),
    ],
)
def test_a_file_concerns(file, wanted):
    assert of(file) == wanted


def test_an_infrastructure_only_merge_trains_and_releases_nothing():
    assert of("infra/program.py", "docs/infrastructure.md", "tests/infra/test_names.py") == (True, True, (), ())


def test_a_promotion_trains_nothing():
    changed = of("deploy/pins/dev.yaml", "deploy/pins/prod.yaml", pins={"breast-cancer"})
    assert changed == (False, False, (), ("breast-cancer",))


def test_both_at_once_are_both():
    files = ("Pulumi.prod.yaml", "deploy/pins/prod.yaml", "ml/problems/flight-delay.yaml")
    assert of(*files, pins={"flight-delay"}) == (True, False, ("flight-delay",), ("flight-delay",))


def test_what_is_not_delivered_is_not_trained():
    assert concerned(["ml/steps/train.py"], ["flight-delay"], ()).problems == ("flight-delay",)
