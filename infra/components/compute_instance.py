"""A person's compute instance, which stops by itself."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from infra.place import Place


@dataclass(frozen=True)
class ComputeInstanceConfig:
    """Whose it is (an Entra object id), how large, and after how long idle it stops (ISO 8601)."""

    workspace: pulumi.Input[str]
    user: str
    tenant_id: pulumi.Input[str]
    size: str
    idle: str


class ComputeInstance(pulumi.ComponentResource):
    """Outputs: `instance_name`."""

    def __init__(self, place: Place, config: ComputeInstanceConfig) -> None:
        key = f"instance-{config.user[:8]}"
        super().__init__("mlops:infra:ComputeInstance", key)
        instance = ml.Compute(
            key,
            compute_name=place.names.instance(config.user),
            workspace_name=config.workspace,
            resource_group_name=place.group,
            location=place.location,
            properties=ml.ComputeInstanceArgs(
                compute_type="ComputeInstance",
                disable_local_auth=True,
                properties=ml.ComputeInstancePropertiesArgs(
                    vm_size=config.size,
                    application_sharing_policy="Personal",
                    compute_instance_authorization_type="personal",
                    enable_node_public_ip=False,
                    ssh_settings=ml.ComputeInstanceSshSettingsArgs(ssh_public_access="Disabled"),
                    idle_time_before_shutdown=config.idle,
                    personal_compute_instance_settings=ml.PersonalComputeInstanceSettingsArgs(
                        assigned_user=ml.AssignedUserArgs(object_id=config.user, tenant_id=config.tenant_id)
                    ),
                    schedules=ml.ComputeSchedulesArgs(compute_start_stop=[_evening()]),
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                delete_before_replace=True,
                # The service takes the idle time at creation only (C5).
                ignore_changes=["properties.properties.idleTimeBeforeShutdown"],
            ),
        )
        self.instance_name = instance.name
        self.register_outputs({"instanceName": instance.name})


def _evening() -> ml.ComputeStartStopScheduleArgs:
    """Stops at seven in the evening (UTC), whatever still runs."""
    cron = ml.CronArgs(expression="0 19 * * *", time_zone="UTC")
    return ml.ComputeStartStopScheduleArgs(action="Stop", status="Enabled", trigger_type="Cron", cron=cron)
