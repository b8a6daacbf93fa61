"""Wraps a model's files into a standard MLflow model directory, the same bytes for the same model."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ml
from ml.model.encoder import Encoder
from ml.model.model import SERVING_EXAMPLE, Card

if TYPE_CHECKING:
    import pyarrow as pa

# What a model needs to answer anywhere: its own code, and nothing else of this repository.
CODE = ("__init__.py", "fault.py", "model")
EXAMPLE = "input_example.json"
COLUMN_TYPES = {"number": "double", "category": "string", "boolean": "boolean", "date": "datetime"}
# A fixed time, because the bytes of a model are its identity; the run record says when it was trained.
NO_TIME = "1970-01-01 00:00:00.000000"


def wrap(inner: Path, example: pa.Table, folder: Path) -> None:
    """Makes `folder` an MLflow model directory around the files in `inner`.

    Args:
        inner: encoder.json, card.json and the estimator's file.
        example: a few rows with the features in their order.
        folder: must not exist.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow.pyfunc
    from mlflow.models import Model as MlflowModel

    encoder, card = Encoder.load(inner / "encoder.json"), Card.load(inner / "card.json")
    with tempfile.TemporaryDirectory() as code, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "An input example was not provided")  # it is added below
        mlflow.pyfunc.save_model(
            str(folder),
            loader_module="ml.model.pyfunc",
            data_path=str(_named_model(inner, Path(code))),
            code_paths=[str(_own_code(Path(code)))],
            mlflow_model=MlflowModel(utc_time_created=NO_TIME, model_uuid=_digest(inner)[:32]),
            signature=_signature(encoder, card),
            pip_requirements=_requirements(inner),
        )
    _write_example(example, folder)


def _named_model(inner: Path, at: Path) -> Path:
    return Path(shutil.copytree(inner, at / "model"))


def _own_code(at: Path) -> Path:
    source, target = Path(ml.__file__).parent, at / "ml"
    target.mkdir()
    for name in CODE:
        if (source / name).is_dir():
            shutil.copytree(
                source / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "mlflow_format.py")
            )
        else:
            shutil.copy(source / name, target / name)
    return target


LABEL_TYPES = {str: "string", int: "long", bool: "boolean"}


def _signature(encoder: Encoder, card: Card) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    inputs = [ColSpec(COLUMN_TYPES[f.kind], f.name) for f in encoder.features]
    amount = card.task == "regression" or card.answer == "probability"
    output = "double" if amount else LABEL_TYPES[type(card.labels[0])]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec(output, card.target)]))


def _requirements(inner: Path) -> list[str]:
    from importlib.metadata import version

    kind = ("lightgbm",) if (inner / "booster.txt").exists() else ("scikit-learn", "skops")
    return [f"{name}=={version(name)}" for name in (*kind, "numpy", "pandas", "pyarrow")]


def _digest(folder: Path) -> str:
    parts = (hashlib.sha256(path.read_bytes()).digest() for path in sorted(folder.iterdir()))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _write_example(example: pa.Table, folder: Path) -> None:
    """Adds the input example in MLflow's split form, which the scoring server's OpenAPI shows too.

    `save_model(input_example=…)` would load the model and predict, at the price of seconds.
    """
    from mlflow.models import Model as MlflowModel

    rows = [list(row.values()) for row in example.to_pylist()]
    split = {"columns": example.column_names, "data": rows}
    for name, content in ((EXAMPLE, split), (SERVING_EXAMPLE, {"dataframe_split": split})):
        text = json.dumps(content, default=_iso, ensure_ascii=False)
        (folder / name).write_text(text, encoding="utf-8")
    description = MlflowModel.load(str(folder))
    description.saved_input_example_info = {
        "artifact_path": EXAMPLE,
        "type": "dataframe",
        "pandas_orient": "split",
        "serving_input_path": SERVING_EXAMPLE,
    }
    description.save(str(folder / "MLmodel"))


def _iso(value: Any) -> str:
    return str(value.isoformat())
