"""Pandas stays out of processes that do not ask for it, and can still be imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

ON_TABLES = """\
from ml.lean import without_pandas
without_pandas()
import numpy as np, pyarrow as pa
rows = pa.table({'a': np.arange(3)}).filter(pa.array(np.array([True, False, True])))
assert rows['a'].to_numpy().tolist() == [0, 2]
"""
WITH_SCIKIT_LEARN = """\
from ml.lean import pandas_hidden
with pandas_hidden():
    import skops.io
assert 'sklearn' in sys.modules
"""


@pytest.mark.parametrize("work", [ON_TABLES, WITH_SCIKIT_LEARN])
def test_a_process_works_without_pandas_and_can_still_import_it(work: str) -> None:
    script = f"import sys\n{work}assert 'pandas' not in sys.modules\nimport pandas\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
