"""Wraps a model's files into a standard MLflow model directory, the same bytes for the same model."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from importlib.metadata import version
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
MLFLOW = "mlflow-skinny"  # the part of MLflow that every environment has, of the same version as the whole
COLUMN_TYPES = {"number": "double", "category": "string", "boolean": "boolean", "date": "datetime"}
# A fixed time, because the bytes of a model are its identity; the run record says when it was trained.
NO_TIME = "1970-01-01 00:00:00.000000"


def wrap(inner: Path, example: pa.Table, folder: Path) -> None:
    """Makes `folder` an MLflow model directory around the files in `inner`.

    Written here and not by MLflow, whose import costs more than most trainings, and which puts the version of
    whatever pip is there among the bytes. A test holds the files to those of `mlflow.pyfunc.save_model`.

    Args:
        inner: encoder.json, card.json and the estimator's file.
        example: a few rows with the features in their order.
        folder: must not exist.
    """
    folder.mkdir(parents=True)
    shutil.copytree(inner, folder / "data" / "model")
    _own_code(folder / "code")
    _write_environment(inner, folder)
    _write_example(example, folder)
    _write_yaml(folder / "MLmodel", _description(inner))


def _description(inner: Path) -> dict[str, Any]:
    """What `MLmodel` says, in the order in which MLflow has it."""
    return {
        "flavors": {
            "python_function": {
                "code": "code",
                "data": "data/model",
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                "loader_module": "ml.model.pyfunc",
                "python_version": platform.python_version(),
                "streamable": False,
            }
        },
        "is_signature_from_type_hint": False,
        "mlflow_version": version(MLFLOW),
        "model_id": None,
        "model_size_bytes": sum(path.stat().st_size for path in inner.iterdir()),
        "model_uuid": _digest(inner)[:32],
        "prompts": None,
        "saved_input_example_info": {
            "artifact_path": EXAMPLE,
            "pandas_orient": "split",
            "serving_input_path": SERVING_EXAMPLE,
            "type": "dataframe",
        },
        "signature": _signature(Encoder.load(inner / "encoder.json"), Card.load(inner / "card.json")),
        "type_hint_from_example": False,
        "utc_time_created": NO_TIME,
    }


def _write_yaml(path: Path, document: dict[str, Any]) -> None:
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)


def _own_code(at: Path) -> None:
    source, target = Path(ml.__file__).parent, at / "ml"
    target.mkdir(parents=True)
    for name in CODE:
        if (source / name).is_dir():
            shutil.copytree(
                source / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "mlflow_format.py")
            )
        else:
            shutil.copy(source / name, target / name)


LABEL_TYPES = {str: "string", int: "long", bool: "boolean"}


def _signature(encoder: Encoder, card: Card) -> dict[str, str | None]:
    amount = card.task == "regression" or card.answer == "probability"
    output = "double" if amount else LABEL_TYPES[type(card.labels[0])]
    inputs = [_column(COLUMN_TYPES[feature.kind], feature.name) for feature in encoder.features]
    return {"inputs": json.dumps(inputs), "outputs": json.dumps([_column(output, card.target)]), "params": None}


def _column(kind: str, name: str) -> dict[str, Any]:
    return {"type": kind, "name": name, "required": True}


def _write_environment(inner: Path, folder: Path) -> None:
    """The packages a model is loaded with, once for each of MLflow's ways to make an environment."""
    kind = ("lightgbm",) if (inner / "booster.txt").exists() else ("scikit-learn", "skops")
    names = (*kind, "numpy", "pandas", "pyarrow")
    packages = [f"mlflow=={version(MLFLOW)}", *(f"{name}=={version(name)}" for name in names)]
    (folder / "requirements.txt").write_text("\n".join(packages), encoding="utf-8")
    python = platform.python_version()
    dependencies = [f"python={python}", "pip", {"pip": packages}]
    conda = {"channels": ["conda-forge"], "dependencies": dependencies, "name": "mlflow-env"}
    _write_yaml(folder / "conda.yaml", conda)
    build = ["pip", "setuptools", "wheel"]
    virtual = {"python": python, "build_dependencies": build, "dependencies": ["-r requirements.txt"]}
    _write_yaml(folder / "python_env.yaml", virtual)


def _digest(folder: Path) -> str:
    parts = (hashlib.sha256(path.read_bytes()).digest() for path in sorted(folder.iterdir()))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _write_example(example: pa.Table, folder: Path) -> None:
    """Adds the input example in MLflow's split form, which the scoring server's OpenAPI shows too."""
    rows = [list(row.values()) for row in example.to_pylist()]
    split = {"columns": example.column_names, "data": rows}
    for name, content in ((EXAMPLE, split), (SERVING_EXAMPLE, {"dataframe_split": split})):
        text = json.dumps(content, default=_iso, ensure_ascii=False)
        (folder / name).write_text(text, encoding="utf-8")


def _iso(value: Any) -> str:
    return str(value.isoformat())
