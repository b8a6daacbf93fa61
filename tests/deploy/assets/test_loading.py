"""Every Azure ML asset of the repository, read by the SDK's own loaders as it stands."""

import re
from pathlib import Path

import pytest
from azure.ai.ml import (
    load_batch_endpoint,
    load_component,
    load_compute,
    load_data,
    load_datastore,
    load_environment,
    load_job,
    load_online_deployment,
    load_online_endpoint,
)
from azure.ai.ml.entities import MonitorSchedule
from azure.ai.ml.entities._load_functions import (
    load_model_batch_deployment,
    load_pipeline_component_batch_deployment,
    load_schedule,
)

from infra.profiles import DEV, GPU_POOL, MEMORY_POOL
from ml.strict_yaml import load_document

REPOSITORY = Path(__file__).parents[3]
FOLDERS = ("deploy/assets", "ml/pipelines", "environments")
ASSETS = sorted(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.yml"))
LOADERS = {
    "amlCompute": load_compute,
    "azureBlob": load_datastore,
    "batchEndpoint": load_batch_endpoint,
    "commandComponent": load_component,
    "data": load_data,
    "environment": load_environment,
    "kubernetesOnlineDeployment": load_online_deployment,
    "kubernetesOnlineEndpoint": load_online_endpoint,
    "managedOnlineDeployment": load_online_deployment,
    "managedOnlineEndpoint": load_online_endpoint,
    "modelBatchDeployment": load_model_batch_deployment,
    "monitorSchedule": load_schedule,
    "pipelineComponent": load_component,
    "pipelineComponentBatchDeployment": load_pipeline_component_batch_deployment,
    "pipelineJob": load_job,
    "schedule": load_schedule,
    "sparkComponent": load_component,
}


def kind(path: Path) -> str:
    schema = re.search(r"^\$schema: \S+/(\w+)\.schema\.json$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert schema, "an asset names its schema, so that editors complete it"
    return schema[1]


@pytest.mark.parametrize("path", ASSETS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_the_sdk_loads_it(path):
    loaded = LOADERS[kind(path)](path)
    written = load_document(path)
    if "name" in written:
        assert loaded.name == written["name"]


def test_a_word_that_azure_does_not_know_is_refused(tmp_path):
    text = (REPOSITORY / "deploy/assets/endpoints/managed.yml").read_text()
    (tmp_path / "managed.yml").write_text(text.replace("auth_mode", "auth_mood"))
    with pytest.raises(Exception, match="auth_mood"):
        load_online_endpoint(tmp_path / "managed.yml")


def test_every_kind_of_asset_that_the_platform_needs_is_there():
    assert {kind(path) for path in ASSETS} == set(LOADERS)


@pytest.mark.parametrize(
    ("name", "pool"), [("cpu-small", DEV.cluster), ("gpu", GPU_POOL), ("memory-optimised", MEMORY_POOL)]
)
def test_the_sizes_are_those_that_the_infrastructure_makes(name, pool):
    compute = load_compute(REPOSITORY / f"deploy/assets/compute/{name}.yml")
    assert (compute.size, compute.min_instances, compute.max_instances) == (pool.size, pool.least, pool.most)


@pytest.mark.parametrize("name", ["training", "new-data", "monitoring"])
def test_a_schedule_runs_a_pipeline_of_this_repository(name):
    schedule = load_schedule(REPOSITORY / f"deploy/assets/schedules/{name}.yml")
    assert schedule.create_job.type == "pipeline"
    assert list(schedule.create_job.jobs)


def test_the_model_monitor_reads_what_the_server_collects_by_components_that_are_registered():
    monitor = load_schedule(REPOSITORY / "deploy/assets/schedules/model-monitor.yml")
    assert isinstance(monitor, MonitorSchedule)
    components = {path.stem for path in (REPOSITORY / "ml/pipelines/components").glob("*.yml")}
    for signal in monitor.create_monitor.monitoring_signals.values():
        named = signal.production_data.pre_processing_component.removeprefix("azureml:").split("@")[0]
        assert named in components
        assert signal.reference_data.pre_processing_component == signal.production_data.pre_processing_component


def test_the_scoring_script_of_a_deployment_is_a_file():
    for path in ASSETS:
        code = load_document(path).get("code_configuration")
        if code:
            assert (path.parent / code["code"] / code["scoring_script"]).resolve().is_file()
