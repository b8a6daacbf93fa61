"""The tracking database: whole, or not there."""

import signal
import subprocess
import sys

from deploy.platforms.local.home import REPOSITORY, Home
from deploy.platforms.local.tracking import Tracking
from tests.deploy.conftest import until

OPEN = "import sys, pathlib; from deploy.platforms.local.home import Home; \
from deploy.platforms.local.tracking import Tracking; Tracking(Home(pathlib.Path(sys.argv[1]))).client"


def test_a_database_whose_making_was_killed_is_made_by_the_next_run(tmp_path):
    home = Home(tmp_path / "home")
    process = subprocess.Popen([sys.executable, "-c", OPEN, str(home.root)], cwd=REPOSITORY)
    until(lambda: any(path.stat().st_size for path in home.root.glob("mlflow.db*")), 60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert Tracking(home).client.search_experiments(max_results=1)
