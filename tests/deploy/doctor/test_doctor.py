"""Every check finds what is right and what is wrong, against recorded answers, each with a remedy."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import re
import sys
from pathlib import Path

import pytest

from deploy.doctor import command, local, repository
from deploy.doctor.finding import Finding
from deploy.platforms.local.home import Home
from deploy.platforms.local.platform import LocalPlatform
from ml.fault import Fault

_SPEC = importlib.util.spec_from_file_location("doctor_recorded", Path(__file__).with_name("recorded.py"))
recorded = importlib.util.module_from_spec(_SPEC)
sys.modules["doctor_recorded"] = recorded
_SPEC.loader.exec_module(recorded)
NOW = dt.datetime(2026, 11, 21, 12, 0, 30, tzinfo=dt.UTC)


@pytest.fixture
def facts(monkeypatch):
    own = dict(recorded.FACTS)
    monkeypatch.setattr(command.infra_facts, "facts", lambda stack: own)
    return own


def look(world, now=NOW):
    code, found, text = command.run(argparse.Namespace(platform="azure", stack="dev"), world, now)
    findings = [Finding(**row) for row in found["findings"]]
    wrong = [finding for finding in findings if finding.level != "ok"]
    assert code == (1 if any(one.level == "fault" for one in findings) else 0)
    assert all(finding.remedy for finding in wrong)
    assert len(text.splitlines()) == len(findings)
    return wrong


def test_a_subscription_where_everything_is_right_has_no_finding(facts):
    assert look(recorded.World()) == []


def environments(**changed):
    """All of them, some changed."""
    return {"environments": [recorded.environment(name, **changed.get(name, {})) for name in recorded.ENVIRONMENTS]}


def protection(**changed):
    return recorded.ANSWERS["gh api repos/contoso/models/branches/main/protection"] | changed


FAILURES = [
    ("a tool that is not there", lambda w: w.refuse("kubelogin", "not found", 127), "`kubelogin` is not on the PATH"),
    ("a tool that is too old", lambda w: w.put("az version", '{"azure-cli": "2.40.0"}'), "`az` is 2.40.0, older than 2.60"),
    ("a clock that is off", lambda w: w.put("curl", "Date: Sat, 21 Nov 2026 12:09:00 GMT\r\n"), "the clock is 510 s off"),
    ("no server's time", lambda w: w.put("curl", ""), "no server told the time"),
    ("no login", lambda w: w.refuse("az account show", "Please run 'az login'"), "nobody is logged in to Azure"),
    ("a subscription that is off", lambda w: w.put("az account show", recorded.ANSWERS["az account show"] | {"state": "Disabled"}), "the subscription Models is Disabled"),
    ("a provider that is not registered", lambda w: w.put("az provider list", [{"namespace": "Microsoft.Storage", "registrationState": "Registered"}]), "Microsoft.MachineLearningServices is unknown"),
    ("a region without the service", lambda w: w.put("az provider list", [recorded.ANSWERS["az provider list"][0], recorded.ANSWERS["az provider list"][1] | {"resourceTypes": [{"resourceType": "workspaces", "locations": ["East US"]}]}]), "westeurope has no Microsoft.MachineLearningServices/workspaces"),
    ("a role that is not there", lambda w: w.put("az role definition list", []), "there is no role 7f951dda"),
    ("a role that is called otherwise", lambda w: w.put("az role definition list", [{"name": "7f951dda-4ed3-4680-a7ca-43fe172d538d", "roleName": "AcrImageSigner"}]), "is `AcrImageSigner`, not `AcrPull`"),
    ("a size that is not offered", lambda w: w.put("az vm list-skus", [{"name": "Standard_D4s_v5", "restrictions": [{"type": "Location"}]}]), "westeurope does not offer Standard_D4s_v5"),
    ("too few cores", lambda w: w.put("az vm list-usage", [{"name": {"value": "standardDSv5Family"}, "limit": "10", "currentValue": "4"}]), "has 6 cores left in westeurope, 12 are wanted"),
    ("a family that is not there", lambda w: w.put("az vm list-usage", []), "westeurope has no standardDSv5Family"),
    ("a name that is taken", lambda w: w.put("az storage account check-name", {"nameAvailable": False, "message": "already taken"}), "the storage name stmlopsdeva1b2c is taken: already taken"),
    ("a vault that is not gone", lambda w: w.put("az keyvault list-deleted", [{"name": "kv-mlops-dev-a1b2c"}]), "the vault kv-mlops-dev-a1b2c is deleted but not gone"),
    ("a workspace that is not gone", lambda w: w.put("az rest", {"value": [{"name": "mlw-mlops-dev-a1b2c"}]}), "the workspace mlw-mlops-dev-a1b2c is deleted but not gone"),
    ("a repository that was renamed", lambda w: w.put("gh api repos/contoso/models", {"id": 22, "full_name": "contoso/better", "owner": {"id": 11}}), "contoso/models is contoso/better now"),
    ("ids that are not trusted", lambda w: w.put("gh api repos/contoso/models", {"id": 23, "full_name": "contoso/models", "owner": {"id": 11}}), "only the older form of subject is trusted"),
    ("GitHub not logged in", lambda w: w.refuse("gh", "not logged in", 4), "GitHub does not tell of contoso/models"),
    ("a subject that is not trusted", lambda w: w.put("az identity federated-credential list", [{"subject": "repo:contoso/models:environment:dev"}]), "infrastructure-dev does not trust repo:contoso@11/models@22:environment:dev"),
    ("an identity that is not made", lambda w: w.refuse("az identity", "(ResourceNotFound)"), "the identity infrastructure-dev is not made yet"),
    ("an environment that is missing", lambda w: w.put("gh api repos/contoso/models/environments", {"environments": [{"name": "prod", "protection_rules": [{"type": "required_reviewers"}]}]}), "GitHub has no environment `shared`"),
    ("prod that nobody approves", lambda w: w.put("gh api repos/contoso/models/environments", {"environments": [{"name": n, "protection_rules": []} for n in ("shared", "dev", "watch", "prod", "rollback")]}), "nobody approves prod"),
    ("an environment that any branch enters", lambda w: w.put("gh api repos/contoso/models/environments", environments(dev={"deployment_branch_policy": None})), "any branch may enter dev"),
    ("an administrator that passes by", lambda w: w.put("gh api repos/contoso/models/environments", environments(prod={"can_admins_bypass": True})), "an administrator passes prod by"),
    ("prod approved by who asks", lambda w: w.put("gh api repos/contoso/models/environments", environments(prod={"protection_rules": [{"type": "required_reviewers", "prevent_self_review": False}]})), "who asks for prod may approve it"),
    ("a variable that is missing", lambda w: w.put("gh api repos/contoso/models/actions/variables?", recorded.variables("AZURE_TENANT_ID")), "no variable AZURE_CLIENT_ID_WATCH_PROD"),
    ("an environment without its identity", lambda w: w.put("gh api repos/contoso/models/environments/rollback/variables", recorded.variables()), "no variable AZURE_CLIENT_ID_ML of rollback"),
    ("variables that are not told", lambda w: w.refuse("gh api repos/contoso/models/environments/prod/variables", "403"), "GitHub does not tell of repos/contoso/models/environments/prod/variables"),
    ("main that is open", lambda w: w.refuse("gh api repos/contoso/models/branches/main/protection", "gh: Branch not protected (HTTP 404)"), "main is not protected"),
    ("main without review", lambda w: w.put("gh api repos/contoso/models/branches/main/protection", protection(required_pull_request_reviews=None)), "that nobody has reviewed"),
    ("main without checks", lambda w: w.put("gh api repos/contoso/models/branches/main/protection", protection(required_status_checks=None)), "whose tests did not pass"),
    ("main that administrators pass by", lambda w: w.put("gh api repos/contoso/models/branches/main/protection", protection(enforce_admins={"enabled": False})), "passes the protection of main by"),
    ("main that can be forced", lambda w: w.put("gh api repos/contoso/models/branches/main/protection", protection(allow_force_pushes={"enabled": True})), "can be written anew"),
    ("an answer of another form", lambda w: w.put("az role definition list", [{"id": 1}]), "the answer is of a form that is not known: KeyError 'name'"),
    ("a login of another form", lambda w: w.put("az account show", {}), "not known: KeyError 'state'"),
    ("an answer that is no JSON", lambda w: w.put("gh api repos/contoso/models/environments", "<html>"), "not known: JSONDecodeError"),
    ("a question that is refused", lambda w: w.refuse("az vm list-usage"), "Azure does not answer: (AuthorizationFailed) no"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sentence"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES])
def test_what_is_wrong_is_found_with_its_remedy(facts, change, sentence):
    wrong = look(change(recorded.World()))
    assert any(sentence in finding.message for finding in wrong), wrong


PUBLIC = {"label": "ubuntu-latest"}
HOSTED = {"label": "mlops-prod-hosted", "hosted": True}
APPLESS = {"app": ""}
STARTED = "az containerapp job execution list"
VARIABLE, ONLINE = ("gh api repos/contoso/models/actions/" + word for word in ("variables/PROD_RUNNER", "runners"))
RUNNERS = [
    ("one that ran last", {}, lambda w: w, "ok", "succeeded, started 2026-11-20"),
    ("one that is online", APPLESS, lambda w: w.put(ONLINE, {"runners": [{"status": "online", "labels": [{"name": "mlops-prod"}]}]}), "ok", "mlops-prod is online"),
    ("one that is offline", APPLESS, lambda w: w.put(ONLINE, {"runners": [{"status": "offline", "labels": [{"name": "mlops-prod"}]}]}), "fault", "`mlops:runnerApp` is not set"),
    ("a last start that failed", {}, lambda w: w.put(STARTED, [{"properties": {"status": "Failed", "startTime": "2026"}}]), "fault", "the last start of run-mlops-prod-a1b2c failed"),
    ("one that never ran", {}, lambda w: w.put(STARTED, []), "warning", "has never run"),
    ("a job that is not made", {}, lambda w: w.refuse(STARTED, "(ResourceNotFound)"), "warning", "is not made yet"),
    ("a variable of another label", {}, lambda w: w.put(VARIABLE, {"value": "ubuntu-latest"}), "fault", "PROD_RUNNER is `ubuntu-latest`, not `mlops-prod`"),
    ("no variable", {}, lambda w: w.refuse(VARIABLE, "gh: Not Found (HTTP 404)"), "fault", "PROD_RUNNER is ``"),
    ("GitHub that does not tell", {}, lambda w: w.refuse("gh api repos/contoso/models/actions", "gh auth login", 4), "ok", "succeeded"),
    ("a public prod", PUBLIC, lambda w: w.put(VARIABLE, {"value": "ubuntu-latest"}), "ok", "GitHub's own"),
    ("a hosted one", HOSTED, lambda w: w.put(VARIABLE, {"value": "mlops-prod-hosted"}).put("gh api orgs/contoso/actions/hosted-runners", {"runners": [{"name": "mlops-prod-hosted", "status": "Ready"}]}), "ok", "is ready"),
    ("a hosted one that is stuck", HOSTED, lambda w: w.put(VARIABLE, {"value": "mlops-prod-hosted"}).put("gh api orgs/contoso/actions/hosted-runners", {"runners": [{"name": "mlops-prod-hosted", "status": "Stuck"}]}), "fault", "is Stuck"),
    ("a hosted one that is missing", HOSTED, lambda w: w.put(VARIABLE, {"value": "mlops-prod-hosted"}), "fault", "contoso has no hosted runner"),
    ("an organisation that does not tell", HOSTED, lambda w: w.put(VARIABLE, {"value": "mlops-prod-hosted"}).refuse("gh api orgs", "403"), "warning", "does not tell of contoso's hosted runners"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "runner", "level", "sentence"), [(r[2], r[1], r[3], r[4]) for r in RUNNERS], ids=[r[0] for r in RUNNERS])  # fmt: skip
def test_the_runner_of_prod_answers_or_its_absence_has_a_remedy(facts, change, runner, level, sentence):
    facts["stack"], facts["runner"] = "prod", facts["runner"] | runner
    _, found, _ = command.run(argparse.Namespace(platform="azure", stack="prod"), change(recorded.World()), NOW)
    (finding,) = [row for row in found["findings"] if row["check"] == "runner"]
    assert finding["level"] == level
    assert sentence in finding["message"]
    assert bool(finding["remedy"]) == (level != "ok")


def test_the_variables_that_are_looked_for_are_those_that_the_workflows_log_in_with():
    workflows = Path(__file__).parents[3] / ".github" / "workflows"
    read = {name for file in workflows.glob("*.yml") for name in re.findall(r"vars\.(\w+)", file.read_text())}
    own = {"MLOPS_PLATFORM", "MLOPS_PROBLEMS", "PROD_RUNNER_JOB", "PROD_GROUP"}  # a person's, or not always there
    looked_for = {*repository.OF_ALL, *(name for names in repository.OF_ENVIRONMENT.values() for name in names)}
    assert looked_for == read - own


def test_without_a_login_nothing_else_is_asked_of_azure(facts):
    world = recorded.World().refuse("az account show")
    look(world)
    assert not [
        line for line in world.asked if line.startswith("az ") and "account show" not in line and "version" not in line
    ]


def test_a_name_that_is_already_ours_is_no_finding(facts):
    world = recorded.World().put("az group exists", "true").put("az resource list", [{"name": "stmlopsdeva1b2c"}])
    assert look(world.put("az storage account check-name", {"nameAvailable": False, "reason": "AlreadyExists"})) == []


def test_a_budget_that_starts_in_the_past_is_a_finding_only_while_there_is_none(facts):
    later = dt.datetime(2028, 1, 5, 12, 0, 30, tzinfo=dt.UTC)
    world = recorded.World().put("curl", "Date: Wed, 05 Jan 2028 12:00:00 GMT\r\n")
    (finding,) = look(world, later)
    assert finding.message == "a new budget cannot start on 2026-11-01"
    assert finding.remedy == "pulumi config set budgetStart 2028-01-01 --stack dev"
    assert look(world.put("az consumption budget list", [{"name": "budget-mlops-dev"}]), later) == []


def test_a_wrong_configuration_is_the_one_finding(monkeypatch):
    def wrong(stack):
        raise Fault("Pulumi.dev.yaml: unknown key `buget`; did you mean `budget`?", remedy="docs/infrastructure.md")

    monkeypatch.setattr(command.infra_facts, "facts", wrong)
    (finding,) = look(recorded.World())
    assert "did you mean `budget`" in finding.message


def test_this_machine_has_what_the_local_loop_needs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, found, _ = command.run(argparse.Namespace(platform="local", stack="dev"))
    assert code == 0
    assert {row["check"] for row in found["findings"]} == {"python", "packages", "openmp", "folder", "disk"}


def test_each_thing_that_the_local_loop_lacks_is_found(tmp_path):
    assert local.check_python((3, 10))[0].message == "Python is 3.10, older than 3.11"
    assert local.check_packages(("no_such_package", "no.such.one"))[0].remedy == "make run installs them"
    assert local.check_openmp("libno.so.1", "linux")[0].message == "libno.so.1 is missing"
    assert local.check_openmp("libno.so.1", "darwin")[0].level == "ok"
    assert local.check_disk(tmp_path, 10)[0].level == "warning"
    (tmp_path / "file").write_text("")
    assert local.check_writable(tmp_path / "file")[0].level == "fault"


def test_stacks_that_are_up_are_looked_at_where_somebody_is_logged_in(facts, tmp_path):
    def checks(world):
        arguments, up = (
            argparse.Namespace(platform="azure", stack="dev"),
            lambda stack: LocalPlatform(stack, Home(tmp_path)),
        )
        return [row["check"] for row in command.run(arguments, world, NOW, up)[1]["findings"]]

    assert checks(recorded.World())[-2:] == ["outputs", "outputs"]
    assert "outputs" not in checks(recorded.World().refuse("az account show"))
