"""The tracking database: whole, or not there."""

import contextlib
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest

from deploy.platforms.local.home import REPOSITORY, Home
from deploy.platforms.local.tracking import Tracking
from ml.fault import Fault
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


BREAKS = {
    "no tables": None,
    "no version": "DELETE FROM alembic_version",
    "a table too few": "DROP TABLE latest_metrics; DELETE FROM alembic_version",
    "migrations that ended early": "UPDATE alembic_version SET version_num = 'bd07f7e963c5'",
}


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A whole one that is empty."""
    home = Home(tmp_path_factory.mktemp("whole"))
    Tracking(home).client  # noqa: B018 - opening makes it
    return home.tracking


def broken(home, database, statements):
    home.root.mkdir()
    if statements is None:
        home.tracking.touch()
        return
    shutil.copy(database, home.tracking)
    with contextlib.closing(sqlite3.connect(home.tracking)) as connection:
        connection.executescript(statements)


@pytest.mark.parametrize("how", BREAKS)
def test_a_database_that_an_earlier_version_left_half_made_is_made_anew(tmp_path, database, how):
    home = Home(tmp_path / "home")
    broken(home, database, BREAKS[how])
    client = Tracking(home).client
    run = client.create_run(client.create_experiment("one"))
    assert Tracking(home).client.get_run(run.info.run_id).info.status == "RUNNING"


def test_one_that_holds_runs_stays_and_the_remedy_is_told(tmp_path, database):
    home = Home(tmp_path / "home")
    a_run = "INSERT INTO runs (run_uuid) VALUES ('a');"
    broken(home, database, f"{a_run} {BREAKS['no version']}")
    before = home.tracking.read_bytes()
    with pytest.raises(Fault, match=r"mlflow\.db: MLflow cannot use it: .* → mlflow db upgrade sqlite:///"):
        Tracking(home).client  # noqa: B018
    assert home.tracking.read_bytes() == before
