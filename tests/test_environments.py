import re
from pathlib import Path

import pytest
from azure.ai.ml import load_environment

ENVIRONMENTS = Path(__file__).parents[1] / "environments"


@pytest.mark.parametrize(
    ("name", "file"), [("serving", "Dockerfile"), ("training", "Dockerfile"), ("batch", "batch/Dockerfile")]
)
def test_the_sdk_reads_the_environment_and_finds_its_build_context(name, file):
    environment = load_environment(ENVIRONMENTS / name / "environment.yml")
    assert environment.name == name
    assert environment.build.dockerfile_path == file
    assert (ENVIRONMENTS / name / environment.build.path / file).is_file()


@pytest.mark.parametrize("name", ["serving", "training", "batch"])
def test_the_image_holds_the_openmp_runtime_and_nothing_that_is_not_locked(name):
    dockerfile = (ENVIRONMENTS / name / "Dockerfile").read_text()
    assert "libgomp1" in dockerfile
    assert "--require-hashes" in dockerfile


def test_every_component_names_an_environment_that_there_is():
    texts = [path.read_text() for path in (ENVIRONMENTS.parent / "ml" / "pipelines" / "components").glob("*.yml")]
    named = {name for text in texts for name in re.findall(r"^environment: azureml:(\w+)@", text, re.MULTILINE)}
    assert named
    assert all((ENVIRONMENTS / name / "environment.yml").is_file() for name in named)
