"""Small models of every kind over every kind of column, and rows to score."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from ml.batch.scoring import score
from ml.fault import Fault
from ml.model.encoder import Encoder
from ml.model.model import Card

KINDS = {
    "distance": "number",
    "wind": "number",  # missing in places
    "carrier": "category",
    "Abflug, Zürich": "category",  # missing in places
    "holiday": "boolean",  # missing in places
    "departure": "date",  # missing in places
}
MODELS = ("regression", "binary", "binary-probability", "three", "sklearn")


def rows(count: int, seed: int, carriers: int) -> pa.Table:
    """Typed rows with an id and the target; the carriers are numbered."""
    rng = np.random.default_rng(seed)
    gaps = rng.random((count, 4)) < 0.1
    moments = [dt.datetime(2013, 1, 1) + dt.timedelta(seconds=int(s)) for s in rng.integers(0, 30_000_000, count)]
    distance, carrier = rng.normal(1000, 300, count), rng.integers(0, carriers, count)
    return pa.table(
        {
            "flight": pa.array([f"{number:05}" for number in range(count)]),
            "distance": pa.array(distance),
            "wind": pa.array(rng.gamma(2.0, 5.0, count), mask=gaps[:, 0]),
            "carrier": pa.array([f"C{code}" for code in carrier]),
            "Abflug, Zürich": pa.array([f'"Tür" {code}' for code in rng.integers(0, 4, count)], mask=gaps[:, 1]),
            "holiday": pa.array(rng.random(count) < 0.3, mask=gaps[:, 2]),
            "departure": pa.array(moments, pa.timestamp("us"), mask=gaps[:, 3]),
            "late": pa.array(distance / 100 + carrier),
        }
    )


@pytest.fixture(scope="session")
def taught() -> pa.Table:
    return rows(600, seed=7, carriers=9)


@pytest.fixture(scope="session")
def asked() -> pa.Table:
    """Rows with carriers that training did not see."""
    return rows(500, seed=8, carriers=12)


def card(task: str, classes: tuple[str, ...], answer: str) -> Card:
    return Card(
        problem="small", task=task, answer=answer, target="late", classes=classes, carried=("flight",),
        identifier="flight", time=None, group=None, trained_from=None, trained_until=None, rows=600, dummy=(0.0,),
    )  # fmt: skip


def learn(matrix: np.ndarray, target: np.ndarray, encoder: Encoder, **parameters: Any) -> lightgbm.Booster:
    data = lightgbm.Dataset(matrix, target, categorical_feature=list(encoder.categorical))
    wanted = {"num_iterations": 20, "num_leaves": 15, "verbosity": -1, "num_threads": 1, **parameters}
    return lightgbm.train(wanted, data)


@pytest.fixture(scope="session")
def models(taught: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The models' folders by name."""
    import skops.io
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    at, encoder = tmp_path_factory.mktemp("models"), Encoder.fit(taught, KINDS)
    matrix, target = encoder.encode(taught), taught.column("late").to_numpy()
    two, three = target > np.median(target), np.digitize(target, np.quantile(target, [0.3, 0.7]))
    learnt = {
        "regression": (card("regression", (), "label"), learn(matrix, target, encoder)),
        "binary": (card("classification", ("no", "ja"), "label"), learn(matrix, two, encoder, objective="binary")),
        "binary-probability": (
            card("classification", ("no", "ja"), "probability"),
            learn(matrix, two, encoder, objective="binary"),
        ),
        "three": (
            card("classification", ("früh", "on, time", "late"), "label"),
            learn(matrix, three, encoder, objective="multiclass", num_class=3),
        ),
        "sklearn": (
            card("classification", ("no", "ja"), "label"),
            make_pipeline(SimpleImputer(), LogisticRegression(max_iter=2000)).fit(matrix, two),
        ),
    }
    for name, (its_card, model) in learnt.items():
        (at / name).mkdir()
        encoder.save(at / name / "encoder.json")
        its_card.save(at / name / "card.json")
        if isinstance(model, lightgbm.Booster):
            model.save_model(at / name / "booster.txt")
        else:
            skops.io.dump(model, at / name / "estimator.skops")
    return {folder.name: folder for folder in at.iterdir()}


@pytest.fixture(scope="session")
def regression(models: dict[str, Path]) -> Path:
    return models["regression"]


def write(table: pa.Table, path: Path) -> Path:
    """A file of the rows in the format of its name."""
    {".parquet": pq.write_table, ".csv": csv.write_csv}[path.suffix](table, path)
    return path


@pytest.fixture
def scored(tmp_path: Path) -> Callable[..., Path]:
    """Scores rows from a file of one format into one of another; the file with the predictions."""

    def run(model: Path, table: pa.Table, read: str = ".parquet", written: str = ".parquet") -> Path:
        out = tmp_path / f"scored{written}"
        assert score(model, write(table, tmp_path / f"rows{read}"), out, lambda rows: None) == table.num_rows
        return out

    return run


@pytest.fixture
def refused(regression: Path, tmp_path: Path) -> Callable[..., Fault]:
    """The fault of scoring a file, after which nothing else is there than before."""

    def refuse(data: Path, out: str = "out.parquet") -> Fault:
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
        with pytest.raises(Fault) as caught:
            score(regression, data, tmp_path / out, lambda rows: None)
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
        return caught.value

    return refuse
