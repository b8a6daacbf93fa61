"""The directory of a model beside the one that MLflow itself writes."""

from __future__ import annotations

import json
import warnings

import mlflow.pyfunc
import pyarrow as pa
import pytest
import yaml
from mlflow.models import Model as MlflowModel
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from ml.model.encoder import Encoder
from ml.model.mlflow_format import COLUMN_TYPES, NO_TIME, wrap
from ml.model.model import Card

KINDS = {"amount": "number", "kind of: ä": "category", "yes": "boolean", "day": "date"}


@pytest.fixture
def rows():
    days = pa.array([0, 86_400_000_000], pa.timestamp("us"))
    return pa.table({"amount": [1.0, 2.5], "kind of: ä": ["a", None], "yes": [True, False], "day": days})


@pytest.fixture
def inner(tmp_path, rows):
    folder = tmp_path / "model"
    folder.mkdir()
    Encoder.fit(rows, KINDS).save(folder / "encoder.json")
    Card(
        problem="one", task="classification", answer="label", target="off", classes=("a", "b"), carried=(),
        identifier=None, time=None, group=None, trained_from=None, trained_until=None, rows=2, dummy=(0.5, 0.5),
    ).save(folder / "card.json")  # fmt: skip
    (folder / "booster.txt").write_text("trees")
    return folder


@pytest.fixture
def theirs(tmp_path, inner):
    folder = tmp_path / "theirs"
    inputs = [ColSpec(COLUMN_TYPES[kind], name) for name, kind in KINDS.items()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            str(folder), loader_module="ml.model.pyfunc", data_path=str(inner),
            code_paths=[str(inner)], mlflow_model=MlflowModel(utc_time_created=NO_TIME, model_uuid="0" * 32),
            signature=ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec("string", "off")])),
            pip_requirements=(inner / "requirements.txt").read_text().splitlines(),
        )  # fmt: skip
    return folder


def without_pip(conda: dict) -> dict:
    """Without the version of whatever pip is there."""
    versions = ["pip" if str(one).startswith("pip<=") else one for one in conda["dependencies"]]
    return conda | {"dependencies": versions}


def without_builders(virtual: dict) -> dict:
    """Without the versions of what builds packages, which a digest must not depend on."""
    return virtual | {"build_dependencies": [one.partition("==")[0] for one in virtual["build_dependencies"]]}


def test_the_files_say_what_those_of_mlflow_say(tmp_path, inner, rows, request):
    ours = tmp_path / "ours"
    wrap(inner, rows, ours)
    (inner / "requirements.txt").write_text((ours / "requirements.txt").read_text())
    theirs = request.getfixturevalue("theirs")
    (inner / "requirements.txt").unlink()
    for name, alike in (("python_env.yaml", without_builders), ("conda.yaml", without_pip)):
        found, expected = (alike(yaml.safe_load((folder / name).read_text())) for folder in (ours, theirs))
        assert found == expected, name
    assert (ours / "requirements.txt").read_text() == (theirs / "requirements.txt").read_text()
    found, expected = (yaml.safe_load((folder / "MLmodel").read_text()) for folder in (ours, theirs))
    assert list(found) == sorted({**expected, "saved_input_example_info": None})
    own = ("model_uuid", "model_size_bytes", "saved_input_example_info")
    assert {k: v for k, v in found.items() if k not in own} == {k: v for k, v in expected.items() if k not in own}
    assert found["model_size_bytes"] == sum(path.stat().st_size for path in inner.iterdir())


def test_mlflow_reads_the_directory_with_its_signature_and_its_example(tmp_path, inner, rows):
    wrap(inner, rows, tmp_path / "ours")
    read = MlflowModel.load(str(tmp_path / "ours"))
    assert read.signature.inputs.input_names() == list(KINDS)
    assert [column.type.name for column in read.signature.inputs] == ["double", "string", "boolean", "datetime"]
    assert read.load_input_example(str(tmp_path / "ours")).shape == (2, 4)
    example = json.loads((tmp_path / "ours" / "serving_input_example.json").read_text())
    assert example["dataframe_split"]["columns"] == list(KINDS)
