from __future__ import annotations

import subprocess
import sys


def test_a_lean_process_works_on_tables_without_pandas_and_can_still_import_it() -> None:
    script = (
        "import sys\n"
        "from ml.lean import without_pandas\n"
        "without_pandas()\n"
        "import numpy as np, pyarrow as pa\n"
        "rows = pa.table({'a': np.arange(3)}).filter(pa.array(np.array([True, False, True])))\n"
        "assert rows['a'].to_numpy().tolist() == [0, 2]\n"
        "assert 'pandas' not in sys.modules\n"
        "import pandas\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_scikit_learn_is_imported_without_pandas_and_can_still_import_it() -> None:
    script = (
        "import sys\n"
        "from ml.lean import pandas_hidden\n"
        "with pandas_hidden():\n"
        "    import skops.io\n"
        "assert 'sklearn' in sys.modules and 'pandas' not in sys.modules\n"
        "import pandas\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
