"""Runners inside prod's network: none while nothing runs, one job each, outbound only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_azure_native import app, resources

from infra.place import Place

START = Path(__file__).with_name("runners.sh")
# GitHub's own, by digest; `mlops:runnerImage` names another. When to renew it: policy/waivers.yaml, runner-own-registry.
IMAGE = "ghcr.io/actions/actions-runner:2.337.0@sha256:e5496277be5d09bc968b3d64911b74e219ac4a3f2edce956a3ecf9271bea1ef4"


@dataclass(frozen=True)
class RunnersConfig:
    """Where they stand, which identity lets them sign, and for which repository they work.

    Attributes:
        subnet_id: the runners' subnet.
        identity_id: the identity that may sign with the GitHub App's key in the vault; with its client id.
        client_id: the same identity's client id.
        signing_key: the URL of that key, which nobody can read out.
        repository: owner/name.
        label: what a workflow asks for in `runs-on`.
        app: the GitHub App's id and its installation's, `123/456`; both are public.
        image: the runner's image.
        hosted_for: GitHub's business id of the organisation, where its plan brings hosted runners into
            one's own network; empty for runners of one's own.
    """

    subnet_id: pulumi.Input[str]
    identity_id: pulumi.Input[str]
    client_id: pulumi.Input[str]
    signing_key: pulumi.Input[str]
    repository: str
    label: str
    app: str
    image: str
    hosted_for: str


class Runners(pulumi.ComponentResource):
    """Outputs: `job_name`, empty where GitHub hosts the runners in our subnet."""

    def __init__(self, place: Place, config: RunnersConfig, depends_on: Sequence[pulumi.Resource]) -> None:
        super().__init__("mlops:infra:Runners", "runners")
        self.place, self.config = place, config
        self.job_name: pulumi.Output[str] = pulumi.Output.from_input("")
        if config.hosted_for:
            self._hosted()
        else:
            self.job_name = self._job(list(depends_on)).name
        self.register_outputs({"jobName": self.job_name})

    def _hosted(self) -> None:
        """GitHub's hosted runners with a network card in our subnet (Team and Enterprise plans)."""
        resources.Resource(
            "hosted-runners",
            resource_name_=self.place.names.runners,
            resource_group_name=self.place.group,
            resource_provider_namespace="GitHub.Network",
            resource_type="networkSettings",
            parent_resource_path="",
            api_version="2024-04-02",
            location=self.place.location,
            properties={"subnetId": self.config.subnet_id, "businessId": self.config.hosted_for},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _job(self, depends_on: list[pulumi.Resource]) -> app.Job:
        """A container job that the workflow's first step starts through Azure's public control plane."""
        home = app.ManagedEnvironment(
            "runners-home",
            environment_name=self.place.names.runners,
            resource_group_name=self.place.group,
            location=self.place.location,
            vnet_configuration=app.VnetConfigurationArgs(infrastructure_subnet_id=self.config.subnet_id, internal=True),
            workload_profiles=[app.WorkloadProfileArgs(name="Consumption", workload_profile_type="Consumption")],
            public_network_access="Disabled",
            opts=pulumi.ResourceOptions(parent=self),
        )
        return app.Job(
            "runners",
            job_name=self.place.names.runners,
            resource_group_name=self.place.group,
            location=self.place.location,
            environment_id=home.id,
            identity=app.ManagedServiceIdentityArgs(
                type="UserAssigned", user_assigned_identities=[self.config.identity_id]
            ),
            workload_profile_name="Consumption",
            configuration=app.JobConfigurationArgs(
                trigger_type="Manual",
                manual_trigger_config=app.JobConfigurationManualTriggerConfigArgs(
                    parallelism=1, replica_completion_count=1
                ),
                replica_timeout=6 * 3600,
                replica_retry_limit=0,
            ),
            template=app.JobTemplateArgs(containers=[self._container()]),
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on),
        )

    def _container(self) -> app.ContainerArgs:
        given: dict[str, pulumi.Input[str]] = {
            "APP_ID": self.config.app.partition("/")[0],
            "INSTALLATION_ID": self.config.app.partition("/")[2],
            "REPOSITORY": self.config.repository,
            "LABEL": self.config.label,
            "CLIENT_ID": self.config.client_id,
            "SIGNING_KEY": self.config.signing_key,
        }
        return app.ContainerArgs(
            name="runner",
            image=self.config.image or IMAGE,
            command=["/bin/bash", "-c", START.read_text(encoding="utf-8")],
            env=[app.EnvironmentVarArgs(name=name, value=value) for name, value in given.items()],
            resources=app.ContainerResourcesArgs(cpu=2, memory="4Gi"),
        )
