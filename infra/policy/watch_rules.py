"""Rules of what watches and who may: logs, alerts, budgets, roles, tags, GitHub."""

from __future__ import annotations

import re

from infra.policy.rule import Props, Rule, at, be
from infra.roles import ROLES

TAGS = frozenset({"env", "owner", "cost_center", "repo", "managed_by", "data_class"})
ADMINISTRATOR = ROLES["Role Based Access Control Administrator"]
TAGGED = ("StorageAccount", "keyvault:Vault", "machinelearningservices:Workspace", "ManagedCluster", "operationalinsights:Workspace",
          "applicationinsights:Component", "containerregistry:Registry", "resources:ResourceGroup", "machinelearningservices:Registry",
          "UserAssignedIdentity", "VirtualNetwork", "PublicIPAddress", "machinelearningservices:Compute")  # fmt: skip


def _known_role(props: Props) -> bool:
    return str(at(props, "roleDefinitionId")).rsplit("/", 1)[-1] in ROLES.values()


def _bounded(props: Props) -> bool:
    administrator = str(at(props, "roleDefinitionId")).endswith(ADMINISTRATOR)
    return not administrator or "GuidEquals" in str(at(props, "condition"))


def _not_the_subscription(props: Props) -> bool:
    """A role reaches a group at most; an id that is not known yet is one of ours."""
    scope = str(at(props, "scope"))
    return not scope.startswith("/subscriptions/") or "/resourceGroups/" in scope


def _guarded(props: Props) -> bool:
    """Going back may be approved by who asks for it; anything else by another."""
    own = at(props, "environment") == "rollback" or at(props, "preventSelfReview") is True
    return at(props, "canAdminsBypass") is False and (not at(props, "reviewers") or own)


def _protected(props: Props) -> bool:
    """Main: nobody bypasses, nothing is rewritten, and the review is of what is merged."""
    reviews = (at(props, "requiredPullRequestReviews") or [{}])[0]
    checks = (at(props, "requiredStatusChecks") or [{}])[0]
    on = ("enforceAdmins", "requireConversationResolution", "requiredLinearHistory")
    kept = all(at(props, one) is True for one in on)
    kept &= all(at(props, one) is False for one in ("allowsForcePushes", "allowsDeletions"))
    fresh = at(reviews, "dismissStaleReviews") is True and at(reviews, "requireLastPushApproval") is True
    return kept and fresh and at(checks, "strict") is True and bool(at(checks, "contexts"))


def _warnings(props: Props) -> bool:
    kinds = {(w.get("thresholdType"), w.get("threshold")) for w in (at(props, "notifications") or {}).values()}
    return {("Actual", 50), ("Actual", 80), ("Actual", 100), ("Forecasted", 100)} <= kinds


WATCH = (
    Rule(
        "insights-on-logs",
        ("applicationinsights:Component",),
        "Application Insights writes to Log Analytics",
        lambda p: "workspaceResourceId" in p,
        ("Azure.AppInsights.Workspace",),
    ),
    Rule(
        "logs-kept",
        ("operationalinsights:Workspace",),
        "prod's logs are kept 90 days",
        lambda p: at(p, "retentionInDays") >= 90,
        ("M1",),
        ("prod",),
    ),
    Rule(
        "logs-capped",
        ("operationalinsights:Workspace",),
        "dev's logs have a daily cap",
        lambda p: 0 < (at(p, "workspaceCapping.dailyQuotaGb") or 0) <= 2,
        ("B2",),
        ("dev",),
    ),
    Rule(
        "alert-resolves",
        ("monitor:MetricAlert",),
        "an alert ends by itself",
        be("autoMitigate", True),
        ("Azure.Alert.MetricAutoMitigate",),
    ),
    Rule(
        "alert-on",
        ("monitor:MetricAlert", "monitor:ScheduledQueryRule", "monitor:ActivityLogAlert"),
        "an alert is on and tells somebody",
        lambda p: at(p, "enabled") is True and bool(at(p, "actions")),
        ("Azure.Monitor.ServiceHealth",),
    ),
    Rule(
        "diagnostics-somewhere",
        ("monitor:DiagnosticSetting",),
        "logs go to Log Analytics",
        lambda p: "workspaceId" in p and any(entry.get("enabled") for entry in at(p, "logs") or []),
        ("D1",),
    ),
    Rule(
        "runner-pinned",
        ("app:Job",),
        "a runner's image is named by its digest",
        lambda p: all("@sha256:" in str(one.get("image")) for one in at(p, "template.containers") or [{}]),
        ("C2",),
    ),
    Rule(
        "runner-identity",
        ("app:Job",),
        "a runner works as an identity of its own and stores no secret",
        lambda p: at(p, "identity.type") == "UserAssigned" and not at(p, "configuration.secrets"),
        ("C2",),
    ),
    Rule(
        "runner-own-registry",
        ("app:Job",),
        "a runner's image comes from our own registry",
        lambda p: all(".azurecr.io/" in str(one.get("image")) for one in at(p, "template.containers") or [{}]),
        ("C2",),
    ),
    Rule(
        "budget-warns",
        ("consumption:Budget",),
        "a budget warns at 50, 80, 100 % and by forecast",
        _warnings,
        ("B1",),
    ),
)
ACCESS = (
    Rule(
        "role-known",
        ("authorization:RoleAssignment",),
        "a role is one of infra/roles.py",
        _known_role,
        ("3",),
    ),
    Rule(
        "role-bounded",
        ("authorization:RoleAssignment",),
        "an administrator may hand out listed roles only",
        _bounded,
        ("3.6",),
    ),
    Rule(
        "role-narrow",
        ("authorization:RoleAssignment",),
        "no role on the whole subscription",
        _not_the_subscription,
        ("3.7",),
    ),
    Rule(
        "role-principal-type",
        ("authorization:RoleAssignment",),
        "the principal's type is said",
        be("principalType", "ServicePrincipal", "Group"),
        ("3.7",),
    ),
    Rule(
        "subject-narrow",
        ("managedidentity:FederatedIdentityCredential",),
        "a token is trusted for an environment or a pull request, never a branch",
        lambda p: bool(re.search(r":(environment:[a-z]+|pull_request)$", str(at(p, "subject")))),
        ("3.6",),
    ),
    Rule(
        "issuer-github",
        ("managedidentity:FederatedIdentityCredential",),
        "GitHub issues the token",
        be("issuer", "https://token.actions.githubusercontent.com"),
        ("3.6",),
    ),
    Rule(
        "tags",
        TAGGED,
        f"every resource says {', '.join(sorted(TAGS))}",
        lambda p: set(at(p, "tags") or {}) >= TAGS,
        ("Azure.Resource.UseTags", "P12"),
    ),
    Rule(
        "environment-guarded",
        ("repositoryEnvironment:RepositoryEnvironment",),
        "an environment is not bypassed, and nobody approves his own way forward",
        _guarded,
        ("3.6",),
    ),
    Rule(
        "environment-from-listed-branches",
        ("repositoryEnvironment:RepositoryEnvironment",),
        "an environment is entered from listed branches only",
        lambda p: (
            at(p, "deploymentBranchPolicy.customBranchPolicies") is True
            and at(p, "deploymentBranchPolicy.protectedBranches") is False
        ),
        ("3.6",),
    ),
    Rule(
        "environment-from-main",
        ("repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy",),
        "the listed branch is main",
        be("branchPattern", "main"),
        ("3.6",),
    ),
    Rule(
        "workflows-read",
        ("workflowRepositoryPermissions:WorkflowRepositoryPermissions",),
        "a workflow's own token reads only",
        be("defaultWorkflowPermissions", "read"),
        ("3.6",),
    ),
    Rule(
        "main-protected",
        ("branchProtection:BranchProtection",),
        "main takes no force push, keeps its history, and wants a fresh review of the last push and the checks",
        _protected,
        ("3.6",),
    ),
)
