"""Pandas stays out of a process that makes no data frame."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """\
import sys
from ml.lean import without_pandas
without_pandas()
import numpy as np, pyarrow as pa
rows = pa.table({'a': np.arange(3)}).filter(pa.array(np.array([True, False, True])))
assert rows['a'].to_numpy().tolist() == [0, 2]
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
pipeline = make_pipeline(SimpleImputer(), StandardScaler())
assert pipeline.fit_transform([[1.0], [3.0]]).tolist() == [[-1.0], [1.0]]
from mlflow import MlflowClient
client = MlflowClient(tracking_uri=f'sqlite:///{sys.argv[1]}', registry_uri=f'sqlite:///{sys.argv[1]}')
assert client.search_experiments(max_results=1)
assert 'pandas' not in sys.modules
"""


def test_a_process_works_on_tables_learns_and_tracks_without_pandas(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "mlflow.db")],
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_who_asks_for_pandas_all_the_same_is_told_how_to_have_it() -> None:
    script = "from ml.lean import without_pandas\nwithout_pandas()\nimport pandas"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "to use it, take `without_pandas()` out of its `main`" in done.stderr
