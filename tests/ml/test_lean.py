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


def test_scikit_learn_learns_and_answers_without_pandas_and_takes_its_frames_once_it_is_imported() -> None:
    script = (
        "import sys\n"
        "from ml.lean import sklearn_without_pandas\n"
        "sklearn_without_pandas()\n"
        "sklearn_without_pandas()\n"
        "from sklearn.impute import SimpleImputer\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "from sklearn.pipeline import make_pipeline\n"
        "pipeline = make_pipeline(SimpleImputer(), StandardScaler())\n"
        "assert pipeline.fit_transform([[1.0], [3.0]]).tolist() == [[-1.0], [1.0]]\n"
        "assert 'pandas' not in sys.modules\n"
        "import pandas\n"
        "frame = pipeline.set_output(transform='pandas').fit_transform(pandas.DataFrame({'a': [1.0, 3.0]}))\n"
        "assert frame['a'].tolist() == [-1.0, 1.0]\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
