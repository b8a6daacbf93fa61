"""What each resource writes into Log Analytics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import monitor

from infra.place import Place

# AKS writes a great deal: only what an audit or an incident needs (D1).
AKS_LOGS = ("kube-audit-admin", "guard", "cluster-autoscaler")


@dataclass(frozen=True)
class DiagnosticsConfig:
    """The log workspace, and the resources' ids by a word for each; `aks` is the cluster's word."""

    workspace_id: pulumi.Input[str]
    resources: Mapping[str, pulumi.Input[str]]


class Diagnostics(pulumi.ComponentResource):
    """One diagnostic setting for each resource."""

    def __init__(self, place: Place, config: DiagnosticsConfig) -> None:
        super().__init__("mlops:infra:Diagnostics", "diagnostics")
        for word, resource in config.resources.items():
            monitor.DiagnosticSetting(
                f"diagnostics-{word}",
                name=f"to-{place.names.logs}",
                resource_uri=resource,
                workspace_id=config.workspace_id,
                logs=_logs(word),
                metrics=[
                    monitor.DiagnosticsMetricSettingsArgs(
                        category="Transaction" if word in ("blob", "file") else "AllMetrics", enabled=True
                    )
                ],
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        self.register_outputs({})


def _logs(word: str) -> list[monitor.DiagnosticsLogSettingsArgs]:
    if word == "aks":
        return [monitor.DiagnosticsLogSettingsArgs(category=name, enabled=True) for name in AKS_LOGS]
    return [monitor.DiagnosticsLogSettingsArgs(category_group="allLogs", enabled=True)]
