"""Environments in the workspace: each version is named by what it is built from."""

from __future__ import annotations

from deploy.platforms.azure.faults import NotThere
from deploy.platforms.azure.sdk import Sdk
from deploy.platforms.local.home import REPOSITORY
from ml import digest
from ml.strict_yaml import load_document

FOLDER = REPOSITORY / "environments"
DIGITS = 12


def environment(sdk: Sdk, name: str) -> str:
    """How a job or a deployment names an environment of `environments/`, which is registered where it is not yet.

    Raises:
        Fault: Azure refuses it.
    """
    from azure.ai.ml import load_environment

    version = version_of(name)
    try:
        sdk.call(f"read the environment {name}:{version}", lambda client: client.environments.get(name, version))
    except NotThere:
        loaded = load_environment(FOLDER / name / "environment.yml")
        loaded.version = version
        doing = f"register the environment {name}:{version}"
        sdk.call(doing, lambda client: client.environments.create_or_update(loaded))
    return f"azureml:{name}:{version}"


def version_of(name: str) -> str:
    """The digest of the folder that the environment is built from."""
    build = load_document(FOLDER / name / "environment.yml")["build"]
    return digest.of_path((FOLDER / name / build["path"]).resolve())[:DIGITS]
