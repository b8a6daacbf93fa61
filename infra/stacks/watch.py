"""What watches a stack: alerts, diagnostic settings, the budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from infra.components.aks import Aks
from infra.components.alerts import Alerts, AlertsConfig
from infra.components.budget import Budget, BudgetConfig
from infra.components.diagnostics import Diagnostics, DiagnosticsConfig
from infra.place import Place
from infra.profiles import Profile
from infra.settings import StackSettings
from infra.stacks.foundation import Foundation


def watch(
    place: Place,
    profile: Profile,
    settings: StackSettings,
    base: Foundation,
    shared: Mapping[str, Any],
    workspace_id: pulumi.Output[str],
    aks: Aks | None,
) -> dict[str, Any]:
    """Makes the watchers and returns their outputs."""
    alerts = Alerts(
        place,
        AlertsConfig(
            email=settings.alert,
            workspace_id=base.logs.workspace_id,
            vault_id=base.vault.vault_id,
            storage_id=base.storage.account_id,
            subscription=shared["subscriptionId"],
            latency_ms=profile.latency_ms,
            aks=aks is not None,
        ),
    )
    watched: dict[str, pulumi.Input[str]] = {
        "workspace": workspace_id,
        "vault": base.vault.vault_id,
        "images": base.images.registry_id,
        "blob": base.storage.blob_id,
        "file": base.storage.file_id,
    }
    if aks:
        watched["aks"] = aks.cluster_id
    Diagnostics(place, DiagnosticsConfig(base.logs.workspace_id, watched))
    Budget(
        place,
        BudgetConfig(
            settings.budget,
            settings.budget_start,
            shared["groupIds"][place.stack],
            [settings.alert],
            [alerts.action_group_id],
        ),
    )
    return {"actionGroupId": alerts.action_group_id}
