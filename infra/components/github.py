"""GitHub's side: who approves, what a workflow knows, what main asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_github as github

from infra.deployers import APPROVED, ENVIRONMENTS


@dataclass(frozen=True)
class GithubConfig:
    """The repository, who approves, and the ids that workflows log in with (no secret among them).

    Attributes:
        repository: owner/name.
        reviewers: GitHub users' numbers; `team:7` is a team's.
        variables: repository variables by name.
        environment_variables: variables by environment.
        checks: the checks that main requires.
    """

    repository: str
    reviewers: Sequence[str]
    variables: Mapping[str, pulumi.Input[str]]
    environment_variables: Mapping[str, Mapping[str, pulumi.Input[str]]]
    checks: Sequence[str]


class Github(pulumi.ComponentResource):
    """Environments, variables, permissions of workflows, protection of main."""

    def __init__(self, config: GithubConfig) -> None:
        super().__init__("mlops:infra:Github", "github")
        owner, self.name = config.repository.split("/")
        self.config = config
        provider = github.Provider("github", owner=owner, opts=pulumi.ResourceOptions(parent=self))
        self.child = pulumi.ResourceOptions(parent=self, provider=provider)
        for environment in ENVIRONMENTS:
            self._environment(environment)
        for name, value in config.variables.items():
            github.ActionsVariable(name, repository=self.name, variable_name=name, value=value, opts=self.child)
        github.WorkflowRepositoryPermissions(
            "workflows",
            repository=self.name,
            default_workflow_permissions="read",
            can_approve_pull_request_reviews=True,  # the same switch lets a workflow open the promotion's pull request
            opts=self.child,
        )
        self._main()
        self.register_outputs({})

    def _environment(self, environment: str) -> None:
        users = [int(one) for one in self.config.reviewers if not one.startswith("team:")]
        teams = [int(one.removeprefix("team:")) for one in self.config.reviewers if one.startswith("team:")]
        reviewers = [github.RepositoryEnvironmentReviewerArgs(users=users, teams=teams)]
        guarded = environment in APPROVED
        made = github.RepositoryEnvironment(
            f"environment-{environment}",
            environment=environment,
            repository=self.name,
            reviewers=reviewers if guarded else None,
            # Waiting for a second person while requests fail costs more than going back with one.
            prevent_self_review=guarded and environment != "rollback",
            can_admins_bypass=False,
            deployment_branch_policy=github.RepositoryEnvironmentDeploymentBranchPolicyArgs(
                protected_branches=False, custom_branch_policies=True
            ),
            opts=self.child,
        )
        github.RepositoryEnvironmentDeploymentPolicy(
            f"branches-{environment}",
            environment=made.environment,
            repository=self.name,
            branch_pattern="main",
            opts=self.child,
        )
        for name, value in self.config.environment_variables.get(environment, {}).items():
            github.ActionsEnvironmentVariable(
                f"{environment}-{name}",
                environment=made.environment,
                repository=self.name,
                variable_name=name,
                value=value,
                opts=self.child,
            )

    def _main(self) -> None:
        checks = github.BranchProtectionRequiredStatusCheckArgs(strict=True, contexts=list(self.config.checks))
        reviews = github.BranchProtectionRequiredPullRequestReviewArgs(
            dismiss_stale_reviews=True, require_last_push_approval=True, required_approving_review_count=1
        )
        github.BranchProtection(
            "main",
            repository_id=self.name,
            pattern="main",
            enforce_admins=True,
            allows_deletions=False,
            allows_force_pushes=False,
            require_conversation_resolution=True,
            required_linear_history=True,
            required_status_checks=[checks],
            required_pull_request_reviews=[reviews],
            opts=self.child,
        )
