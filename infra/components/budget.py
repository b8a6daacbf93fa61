"""The budget of a resource group with its four warnings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import consumption

from infra.place import Place


@dataclass(frozen=True)
class BudgetConfig:
    """The monthly amount in the billing currency, its first month, and who is told."""

    amount: int
    start: dt.date
    group_id: pulumi.Input[str]
    emails: Sequence[str]
    action_groups: Sequence[pulumi.Input[str]]


class Budget(pulumi.ComponentResource):
    """Outputs: `budget_id`. It warns; it does not stop spending (B1)."""

    def __init__(self, place: Place, config: BudgetConfig) -> None:
        super().__init__("mlops:infra:Budget", "budget")
        warnings = {f"actual{share}": _warning(config, share, "Actual") for share in (50, 80, 100)}
        warnings["forecast100"] = _warning(config, 100, "Forecasted")
        budget = consumption.Budget(
            "budget",
            budget_name=place.names.budget,
            scope=config.group_id,
            amount=config.amount,
            category="Cost",
            time_grain="Monthly",
            time_period=consumption.BudgetTimePeriodArgs(start_date=f"{config.start.isoformat()}T00:00:00Z"),
            notifications=warnings,
            # A budget's start cannot be moved, and the service fills in an end (B1).
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["timePeriod"]),
        )
        self.budget_id = budget.id
        self.register_outputs({"budgetId": budget.id})


def _warning(config: BudgetConfig, share: int, kind: str) -> consumption.NotificationArgs:
    return consumption.NotificationArgs(
        enabled=True,
        operator="GreaterThanOrEqualTo",
        threshold=share,
        threshold_type=kind,
        contact_emails=list(config.emails),
        contact_groups=list(config.action_groups),
    )
