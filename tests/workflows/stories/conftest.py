"""The workflows executed: `make test-workflows` runs these, says how many ran, and fails where none did."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from github_here import Story, act_command

WANTED = os.environ.get("MLOPS_WORKFLOWS") == "run"
REASON = "executes the workflows: make test-workflows" if act_command() is None or not WANTED else ""


def pytest_collection_modifyitems(items):
    """Skips them visibly where they are not asked for."""
    own = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in own:
        item.add_marker(pytest.mark.workflows)
        if REASON:
            item.add_marker(pytest.mark.skip(reason=REASON))


@pytest.fixture(scope="module")
def github(tmp_path_factory):
    """A repository on GitHub, whose chapters follow one another."""
    story = Story(tmp_path_factory.mktemp("story"))
    yield story
    story.close()
    shutil.rmtree(story.folder, ignore_errors=True)
