"""What az, gh and the tools answer for a subscription where everything is right; a test changes one answer."""

from __future__ import annotations

import json
from typing import Any

from deploy.doctor.seam import Result

SUBJECTS = {
    word: ["repo:contoso/models:environment:dev", "repo:contoso@11/models@22:environment:dev"]
    for word in ("infrastructure-dev", "ml-dev")
}
FACTS: dict[str, Any] = {
    "version": 1,
    "stack": "dev",
    "location": "westeurope",
    "repository": "contoso/models",
    "names": {"group": "rg-mlops-dev", "workspace": "mlw-mlops-dev-a1b2c"},
    "globalNames": {"storage": "stmlopsdeva1b2c", "vault": "kv-mlops-dev-a1b2c", "images": "crmlopsdeva1b2c"},
    "sizes": ["Standard_D4s_v5"],
    "quotas": {"standardDSv5Family": 12},
    "providers": ["Microsoft.Storage", "Microsoft.MachineLearningServices"],
    "roles": {"AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d"},
    "tools": {"az": "2.60", "pulumi": "3.200", "git": "2.30", "gh": "2.40", "kubelogin": "0.1"},
    "environments": ["shared", "dev", "watch", "prod", "rollback"],
    "services": ["Microsoft.MachineLearningServices/workspaces"],
    "approved": ["shared", "prod", "rollback"],
    "runner": {"label": "mlops-prod", "hosted": False, "job": "run-mlops-prod-a1b2c", "app": "123/456"},
    "subjects": SUBJECTS,
    "budgetStart": "2026-11-01",
}
ENVIRONMENTS = {"shared": True, "dev": False, "watch": False, "prod": True, "rollback": True}


def environment(name: str, **changed: Any) -> dict[str, Any]:
    """An environment as GitHub tells of it."""
    rules: list[dict[str, Any]] = [{"type": "branch_policy"}]
    if ENVIRONMENTS[name]:
        rules.append({"type": "required_reviewers", "prevent_self_review": name != "rollback"})
    branches = {"protected_branches": False, "custom_branch_policies": True}
    return {
        "name": name,
        "protection_rules": rules,
        "can_admins_bypass": False,
        "deployment_branch_policy": branches,
    } | changed


def variables(*names: str) -> dict[str, Any]:
    """Variables as GitHub lists them."""
    return {"total_count": len(names), "variables": [{"name": name, "value": "0000-1111"} for name in names]}


# The shapes are those of the az and gh commands' JSON; only the keys that the checks read are kept.
ANSWERS: dict[str, Any] = {
    "az version": {"azure-cli": "2.77.0", "azure-cli-core": "2.77.0"},
    "pulumi version": "v3.260.0\n",
    "git --version": "git version 2.47.1\n",
    "gh --version": "gh version 2.83.0 (2026-10-01)\nhttps://github.com/cli/cli/releases/tag/v2.83.0\n",
    "kubelogin --version": "kubelogin version \ngit hash: v0.2.10/abc\nGo version: go1.24\n",
    "curl": "HTTP/2 404\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nContent-Length: 0\r\n",
    "az account show": {
        "id": "00000000-1111-2222-3333-444444444444", "name": "Models", "state": "Enabled",
        "tenantId": "9999", "user": {"name": "dana@contoso.com", "type": "user"},
    },
    "az provider list": [
        {"namespace": "Microsoft.Storage", "registrationState": "Registered"},
        {
            "namespace": "Microsoft.MachineLearningServices",
            "registrationState": "Registered",
            "resourceTypes": [{"resourceType": "workspaces", "locations": ["East US", "West Europe"]}],
        },
    ],
    "az role definition list": [{"name": "7f951dda-4ed3-4680-a7ca-43fe172d538d", "roleName": "AcrPull"}],
    "az vm list-skus": [{"name": "Standard_D4s_v5", "restrictions": []}],
    "az vm list-usage": [
        {"name": {"value": "standardDSv5Family", "localizedValue": "Standard DSv5 Family vCPUs"}, "limit": "100", "currentValue": "4"}
    ],
    "az group exists": "false",
    "az resource list": [],
    "az storage account check-name": {"nameAvailable": True},
    "az acr check-name": {"nameAvailable": True},
    "az keyvault check-name": {"nameAvailable": True},
    "az keyvault list-deleted": [],
    "az rest": {"value": []},
    "gh api repos/contoso/models/environments": {"environments": [environment(name) for name in ENVIRONMENTS]},
    "gh api repos/contoso/models/actions/variables?": variables(
        "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID", "PROD_RUNNER", "AZURE_CLIENT_ID_PREVIEW_SHARED",
        "AZURE_CLIENT_ID_PREVIEW_DEV", "AZURE_CLIENT_ID_PREVIEW_PROD", "AZURE_CLIENT_ID_WATCH_SHARED",
        "AZURE_CLIENT_ID_WATCH_DEV", "AZURE_CLIENT_ID_WATCH_PROD",
    ),
    "gh api repos/contoso/models/environments/shared/variables": variables("AZURE_CLIENT_ID_INFRASTRUCTURE"),
    "gh api repos/contoso/models/environments/dev/variables": variables("AZURE_CLIENT_ID_INFRASTRUCTURE", "AZURE_CLIENT_ID_ML"),
    "gh api repos/contoso/models/environments/prod/variables": variables("AZURE_CLIENT_ID_INFRASTRUCTURE", "AZURE_CLIENT_ID_ML"),
    "gh api repos/contoso/models/environments/rollback/variables": variables("AZURE_CLIENT_ID_ML"),
    "gh api repos/contoso/models/branches/main/protection": {
        "required_status_checks": {"strict": True, "contexts": ["tests", "infrastructure", "verify"]},
        "required_pull_request_reviews": {"required_approving_review_count": 1},
        "enforce_admins": {"enabled": True},
        "allow_force_pushes": {"enabled": False},
    },
    "gh api repos/contoso/models/actions/variables/PROD_RUNNER": {"name": "PROD_RUNNER", "value": "mlops-prod"},
    "gh api repos/contoso/models/actions/runners": {"total_count": 0, "runners": []},
    "gh api orgs/contoso/actions/hosted-runners": {"total_count": 0, "runners": []},
    "az containerapp job execution list": [
        {"name": "run-1", "properties": {"status": "Failed", "startTime": "2026-11-19T09:00:00+00:00"}},
        {"name": "run-2", "properties": {"status": "Succeeded", "startTime": "2026-11-20T09:00:00+00:00"}},
    ],
    "gh api repos/contoso/models": {"id": 22, "full_name": "contoso/models", "owner": {"id": 11, "login": "contoso"}},
    "az identity federated-credential list": [{"subject": s} for s in SUBJECTS["ml-dev"]],
    "az consumption budget list": [],
}  # fmt: skip


class World:
    """A seam that answers from the recording; `changed` puts another answer, or a refusal, in the place of one."""

    def __init__(self, **changed: Any) -> None:
        self.answers = dict(ANSWERS)
        self.refusals: dict[str, Result] = {}
        self.asked: list[str] = []

    def put(self, command: str, answer: Any) -> World:
        """Another answer to a command."""
        self.answers[command] = answer
        return self

    def refuse(self, command: str, error: str = "(AuthorizationFailed) no", code: int = 1) -> World:
        """A command that ends badly."""
        self.refusals[command] = Result(code, "", error)
        return self

    def __call__(self, *command: str) -> Result:
        line = " ".join(command)
        self.asked.append(line)
        for words, result in self.refusals.items():
            if line.startswith(words):
                return result
        best = max((words for words in self.answers if line.startswith(words)), key=len)
        answer = self.answers[best]
        return Result(0, answer if isinstance(answer, str) else json.dumps(answer))
