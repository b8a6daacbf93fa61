"""One way of scoring, in a process of its own: prints the seconds from file to file, imports and loading apart."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path


def booster(folder: Path) -> Callable[[], object]:
    """The limit: LightGBM alone, on a matrix that is there already, on all cores; nothing is read or written."""
    import lightgbm
    import numpy as np

    model, matrix = lightgbm.Booster(model_file=folder / "model" / "booster.txt"), np.load(folder / "matrix.npy")
    return lambda: model.predict(matrix)


def ours(folder: Path, suffix: str) -> Callable[[], object]:
    """What `python -m ml.batch` does."""
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    from ml.batch.scoring import score

    data, out = folder / f"rows.{suffix}", folder / f"ours.{suffix}"
    return lambda: score(folder / "model", data, out, lambda rows: None)


def pandas(folder: Path) -> Callable[[], object]:
    """The whole file as a data frame, scored by the scikit-learn pipeline."""
    import joblib
    import pandas as pd

    model = joblib.load(folder / "pipeline.joblib")

    def score() -> None:
        frame = pd.read_parquet(folder / "rows.parquet")
        frame["prediction"] = model.predict(frame)
        frame.to_parquet(folder / "pandas.parquet", index=False)

    return score


def pyfunc(folder: Path) -> Callable[[], object]:
    """The same by MLflow."""
    import mlflow.pyfunc
    import pandas as pd

    model = mlflow.pyfunc.load_model(str(folder / "mlflow"))

    def score() -> None:
        frame = pd.read_parquet(folder / "rows.parquet")
        frame["prediction"] = model.predict(frame)
        frame.to_parquet(folder / "pyfunc.parquet", index=False)

    return score


WAYS: dict[str, Callable[[Path], Callable[[], object]]] = {
    "booster": booster,
    "ours": lambda folder: ours(folder, "parquet"),
    "ours-csv": lambda folder: ours(folder, "csv"),
    "pandas": pandas,
    "pyfunc": pyfunc,
}


def main(way: str, folder: Path) -> None:
    """Prints the seconds on the clock and on the processors."""
    score = WAYS[way](folder)
    began, busy = time.perf_counter(), time.process_time()
    score()
    print(json.dumps({"clock": time.perf_counter() - began, "processors": time.process_time() - busy}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
