"""Who is woken, by what: endpoint latency and failures, failed runs, AKS, the service's own health."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import monitor

from infra.place import Place


@dataclass(frozen=True)
class AlertsConfig:
    """The address that is written to, the log workspace, what is watched, and the latency that is too long."""

    email: str
    workspace_id: pulumi.Input[str]
    vault_id: pulumi.Input[str]
    storage_id: pulumi.Input[str]
    subscription: pulumi.Input[str]
    latency_ms: int
    aks: bool


@dataclass(frozen=True)
class Question:
    """A query over the logs: it warns where it answers with a row in two of three windows of five minutes."""

    name: str
    severity: int
    query: str


def questions(latency_ms: int, aks: bool) -> tuple[Question, ...]:
    """The queries. Endpoints write AmlOnlineEndpointTrafficLog; the router on AKS writes to its own log (D4)."""
    traffic = "AmlOnlineEndpointTrafficLog | summarize "
    asked = [
        Question(
            "endpoint-latency",
            2,
            f"{traffic}p95 = percentile(TotalDurationMs, 95) by EndpointName | where p95 > {latency_ms}",
        ),
        Question(
            "endpoint-5xx",
            1,
            f"{traffic}share = countif(ResponseCode >= 500) * 100.0 / count() by EndpointName | where share > 1",
        ),
        Question("failed-runs", 3, 'AmlRunStatusChangedEvent | where Status == "Failed"'),
    ]
    if not aks:
        return tuple(asked)
    router = 'ContainerLogV2 | where PodNamespace == "azureml" and PodName startswith "azureml-fe" | extend line = parse_json(tostring(LogMessage)) | summarize '
    asked += [
        Question(
            "aks-endpoint-latency",
            2,
            f"{router}p95 = percentile(todouble(line.totalDurationMs), 95) | where p95 > {latency_ms}",
        ),
        Question(
            "aks-endpoint-5xx",
            1,
            f"{router}share = countif(toint(line.responseCode) >= 500) * 100.0 / count() | where share > 1",
        ),
        Question("aks-node-not-ready", 1, 'KubeNodeInventory | where Status !contains "Ready"'),
        Question(
            "aks-restarts",
            2,
            'KubePodInventory | where Namespace == "azureml" | summarize most = max(PodRestartCount) by Name | where most > 5',
        ),
    ]
    return tuple(asked)


class Alerts(pulumi.ComponentResource):
    """Outputs: `action_group_id`."""

    def __init__(self, place: Place, config: AlertsConfig) -> None:
        super().__init__("mlops:infra:Alerts", "alerts")
        child = pulumi.ResourceOptions(parent=self)
        group = monitor.ActionGroup(
            "people",
            action_group_name=place.names.action_group,
            resource_group_name=place.group,
            location="Global",
            enabled=True,
            group_short_name=f"mlops-{place.stack}"[:12],
            email_receivers=[
                monitor.MicrosoftCommonEmailReceiverArgs(
                    name="alert", email_address=config.email, use_common_alert_schema=True
                )
            ],
            opts=child,
        )
        for question in questions(config.latency_ms, config.aks):
            _ask(place, config, question, group.id, child)
        _availability(place, "vault", config.vault_id, "Microsoft.KeyVault/vaults", group.id, child)
        _availability(place, "storage", config.storage_id, "Microsoft.Storage/storageAccounts", group.id, child)
        _service_health(place, config, group.id, child)
        self.action_group_id = group.id
        self.register_outputs({"actionGroupId": group.id})


def _ask(
    place: Place,
    config: AlertsConfig,
    question: Question,
    group: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> None:
    criterion = monitor.ConditionArgs(
        query=question.query,
        time_aggregation="Count",
        operator="GreaterThan",
        threshold=0,
        failing_periods=monitor.ConditionFailingPeriodsArgs(
            number_of_evaluation_periods=3, min_failing_periods_to_alert=2
        ),
    )
    monitor.ScheduledQueryRule(
        question.name,
        rule_name=f"{question.name}-{place.stack}",
        resource_group_name=place.group,
        location=place.location,
        kind="LogAlert",
        enabled=True,
        auto_mitigate=True,
        severity=question.severity,
        evaluation_frequency="PT5M",
        window_size="PT5M",
        scopes=[config.workspace_id],
        skip_query_validation=True,  # the tables come with the first endpoint and the first run
        criteria=monitor.ScheduledQueryRuleCriteriaArgs(all_of=[criterion]),
        actions=monitor.ActionsArgs(action_groups=[group]),
        opts=opts,
    )


def _availability(
    place: Place,
    word: str,
    resource: pulumi.Input[str],
    namespace: str,
    group: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> None:
    criterion = monitor.MetricCriteriaArgs(
        criterion_type="StaticThresholdCriterion",
        name="availability",
        metric_name="Availability",
        metric_namespace=namespace,
        operator="LessThan",
        threshold=99,
        time_aggregation="Average",
        skip_metric_validation=True,
    )
    monitor.MetricAlert(
        f"{word}-availability",
        rule_name=f"{word}-availability-{place.stack}",
        resource_group_name=place.group,
        location="Global",
        enabled=True,
        auto_mitigate=True,
        severity=1,
        evaluation_frequency="PT5M",
        window_size="PT15M",
        scopes=[resource],
        criteria=monitor.MetricAlertSingleResourceMultipleMetricCriteriaArgs(
            odata_type="Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria", all_of=[criterion]
        ),
        actions=[monitor.MetricAlertActionArgs(action_group_id=group)],
        opts=opts,
    )


def _service_health(
    place: Place, config: AlertsConfig, group: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> None:
    """The rule stands in the group; it reads the subscription, where Azure tells of itself."""
    leaf = monitor.AlertRuleAnyOfOrLeafConditionArgs(field="category", equals="ServiceHealth")
    monitor.ActivityLogAlert(
        "service-health",
        activity_log_alert_name=f"service-health-{place.stack}",
        resource_group_name=place.group,
        location="Global",
        enabled=True,
        scopes=[pulumi.Output.concat("/subscriptions/", config.subscription)],
        condition=monitor.AlertRuleAllOfConditionArgs(all_of=[leaf]),
        actions=monitor.ActionListArgs(action_groups=[monitor.ActionGroupArgs(action_group_id=group)]),
        opts=opts,
    )
