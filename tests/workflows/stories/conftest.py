"""The workflows executed: `make test-workflows` runs these, says how many ran, and fails where none could."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from github_here import Story

WANTED = os.environ.get("MLOPS_WORKFLOWS") == "run"


def pytest_collection_modifyitems(items):
    """Skips them visibly where they are not asked for; asked for, they fail where `act` is not."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.workflows)
            if not WANTED:
                item.add_marker(pytest.mark.skip(reason="executes the workflows: make test-workflows"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The steps that a story has carried out, for the next to reuse."""
    return tmp_path_factory.mktemp("steps")


@pytest.fixture(scope="module")
def github(tmp_path_factory, trained):
    """A repository on GitHub, whose chapters follow one another."""
    story = Story(tmp_path_factory.mktemp("story"), trained)
    yield story
    story.close()
    shutil.rmtree(story.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def in_prod(github):
    """A model is in prod."""
    github.learns("{C: 0.5}", "Learn with C = 0.5")
    assert github.run().green
    github.merge("promote/breast-cancer")
    assert github.run().green
    return github
