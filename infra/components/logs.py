"""Log Analytics with Application Insights on top of it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import applicationinsights, operationalinsights

from infra.place import Place


@dataclass(frozen=True)
class LogsConfig:
    """How long logs are kept (days) and how much a day may bring (GB; None is no cap)."""

    retention_days: int
    cap_gb: float | None


class Logs(pulumi.ComponentResource):
    """Outputs: `workspace_id`, `insights_id`."""

    def __init__(self, place: Place, config: LogsConfig) -> None:
        super().__init__("mlops:infra:Logs", "logs")
        capping = operationalinsights.WorkspaceCappingArgs(daily_quota_gb=config.cap_gb) if config.cap_gb else None
        workspace = operationalinsights.Workspace(
            "logs",
            workspace_name=place.names.logs,
            resource_group_name=place.group,
            location=place.location,
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=config.retention_days,
            workspace_capping=capping,
            opts=place.keep(self),
        )
        insights = applicationinsights.Component(
            "insights",
            resource_name_=place.names.insights,
            resource_group_name=place.group,
            location=place.location,
            application_type="web",
            kind="web",
            workspace_resource_id=workspace.id,
            retention_in_days=config.retention_days,
            # The service hands out a key with which anyone may send: it is encrypted in the state.
            opts=pulumi.ResourceOptions(
                parent=self, additional_secret_outputs=["instrumentation_key", "connection_string"]
            ),
        )
        self.workspace_id, self.insights_id = workspace.id, insights.id
        self.register_outputs({"workspaceId": workspace.id, "insightsId": insights.id})
