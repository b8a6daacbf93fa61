from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_breast_cancer

from ml.problem import PROBLEMS, load_problem
from ml.sources import breast_cancer


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return pq.read_table(breast_cancer.make(tmp_path_factory.mktemp("breast_cancer")))


def test_the_rows_are_those_of_scikit_learn(rows: pa.Table) -> None:
    known = load_breast_cancer()
    matrix = np.column_stack([rows[str(name)].to_numpy() for name in known.feature_names])
    np.testing.assert_array_equal(matrix, known.data)
    assert rows["diagnosis"].to_pylist() == [str(known.target_names[number]) for number in known.target]


def test_the_published_counts_hold(rows: pa.Table) -> None:
    assert rows.num_rows == 569
    assert rows["diagnosis"].to_pylist().count("malignant") == 212


def test_the_columns_of_the_problem_are_there_and_the_id_names_a_row(rows: pa.Table) -> None:
    columns = load_problem(PROBLEMS / "breast-cancer.yaml").columns
    assert {columns.target, columns.id, *columns.features} <= set(rows.column_names)
    assert len(set(rows[columns.id].to_pylist())) == rows.num_rows


def test_the_bytes_are_the_same_each_time(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert breast_cancer.make(tmp_path / "a").read_bytes() == breast_cancer.make(tmp_path / "b").read_bytes()
