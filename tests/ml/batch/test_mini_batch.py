"""The scoring script of batch deployments, called as Azure ML's driver calls it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from ml.batch import mini_batch


@pytest.fixture
def job(regression, tmp_path, monkeypatch):
    """The folder of the job's output."""
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(regression))
    monkeypatch.setenv("AZUREML_BI_OUTPUT_PATH", str(tmp_path / "out"))
    mini_batch.init()
    return tmp_path / "out"


def test_each_file_is_scored_as_locally_into_the_format_that_its_name_says(job, regression, asked, scored, tmp_path):
    pq.write_table(asked, tmp_path / "0.csv.parquet")
    csv.write_csv(asked, tmp_path / "1.csv")
    assert mini_batch.run([str(tmp_path / "0.csv.parquet"), str(tmp_path / "1.csv")]) == ["0.csv", "1.parquet"]
    assert (job / "0.csv").read_bytes() == scored(regression, asked, ".parquet", ".csv").read_bytes()
    assert pq.read_table(job / "1.parquet") == pq.read_table(scored(regression, asked, ".csv"))
    assert sorted(path.name for path in job.iterdir()) == ["0.csv", "1.parquet"]


def test_a_file_that_cannot_be_scored_fails_with_the_place_and_leaves_nothing(job, tmp_path):
    (tmp_path / "2.csv").write_text("flight,distance\n1,far\n")
    with pytest.raises(RuntimeError, match=r"2\.csv: .*there is no column `wind`"):
        mini_batch.run([str(tmp_path / "2.csv")])
    assert list(job.iterdir()) == []


def test_the_model_is_found_one_level_below_where_azure_puts_it(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").touch()
    assert mini_batch._model(tmp_path) == mini_batch._model(tmp_path / "model") == tmp_path / "model"


def test_the_driver_needs_nothing_but_the_standard_library():
    tree = ast.parse(Path(mini_batch.__file__).read_text())
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names
