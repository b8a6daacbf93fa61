import gc
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says nothing on a busy machine; the whole suite has its own limit.
settings.register_profile("here", deadline=None, max_examples=50)
settings.load_profile("here")

# Where a container forbids bytecode each process of the suite would compile three thousand modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The SDK's and scikit-learn's hundred thousands of objects stay: looking through them again and again was a tenth of
# the suite's processor time.
gc.set_threshold(100_000, 50, 100)

REPOSITORY = Path(__file__).parents[1]

# Pulumi has an environment of its own: `make test-infra` runs these.
collect_ignore = [] if find_spec("pulumi") else ["infra"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A place of its own for everything that the local platform keeps; what runs is stopped at the end."""
    folder = tmp_path / "home"
    monkeypatch.setenv("MLOPS_HOME", str(folder))
    yield folder
    if folder.exists():
        subprocess.run([sys.executable, "-m", "deploy", "down"], check=False, capture_output=True)
