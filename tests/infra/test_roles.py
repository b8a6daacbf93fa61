"""The role matrix equals the table in the documentation, and every deployer reaches what it writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from stand_in import guid

from infra.components.storage import RAW
from infra.deployers import (
    ADMINISTRATOR,
    APPROVED,
    BRINGS,
    Deployer,
    deployer_grants,
    deployers,
    entrances,
    handed_out,
    subjects,
)
from infra.names import names
from infra.reach import infrastructure_grants, may_write
from infra.roles import ROLES

ROOT = Path(__file__).parents[2]
WRITER = ROOT / "deploy" / "platforms" / "azure" / "labels.py"
BY_GUID = {identity: role for role, identity in ROLES.items()}


def documented():
    rows = set()
    for line in (ROOT / "docs/infrastructure-roles.md").read_text().splitlines():
        if re.match(r"\| (shared|dev|prod) ", line):
            stack, principal, role, scope = (cell.strip() for cell in line.strip("|").split("|"))
            rows.add((stack, principal, role, scope))
    return rows


def word_of_scope(scope):
    tail = scope.split("/resourceGroups/")[1]
    return "/".join(re.sub(r"-?vymvg", "", part) for part in tail.split("/") if part != "providers")


def sent(stack, captured):
    people = {guid(names("mlops", stack, "vymvg").identity(p) + "p"): p for p in IDENTITIES}
    people |= {guid(names("mlops", "shared", "vymvg").identity(d.word) + "p"): d.word for d in deployers()}
    people |= {
        "aaaaaaaa-0000-0000-0000-00000000000f": "team",
        guid(f"aks-mlops-{stack}-vymvg" + "csi"): "secrets",
    }
    people |= {guid(f"{purpose}-{stack}p"): f"{purpose}-{stack}" for purpose in ("ml", "infrastructure")}
    for resource in captured.of("RoleAssignment"):
        role = BY_GUID[resource.inputs["roleDefinitionId"].rsplit("/", 1)[-1]]
        yield (stack, people[resource.inputs["principalId"]], role, word_of_scope(resource.inputs["scope"]))


IDENTITIES = ("workspace", "cluster", "endpoint", "aks", "kubelet", "kubernetes", "runners")


@pytest.mark.parametrize("stack", ["shared", "dev", "prod"])
def test_the_assignments_that_are_sent_are_the_documented_ones(stacks, stack):
    assert set(sent(stack, stacks[stack])) == {row for row in documented() if row[0] == stack}


def test_no_assignment_takes_the_sdks_default_of_a_user(stacks):
    for captured in stacks.values():
        kinds = {r.inputs["principalType"] for r in captured.of("RoleAssignment") if not r.name.startswith("team-")}
        assert kinds == {"ServicePrincipal"}
        assert all(r.delete_before_replace for r in captured.of("RoleAssignment"))


def test_an_assignments_name_stays_and_is_its_own(stacks):
    ids = [r.inputs["roleAssignmentName"] for c in stacks.values() for r in c.of("RoleAssignment")]
    assert len(set(ids)) == len(ids)


def test_every_role_of_the_table_is_handed_out():
    given = {grant.role for one in deployers() for grant in deployer_grants(one)}
    assert set(ROLES) == given | set(handed_out())


def test_nobody_gets_owner_or_user_access_administrator():
    assert not {"Owner", "User Access Administrator"} & set(ROLES)


def test_an_administrator_may_hand_out_only_what_the_program_hands_out(stacks):
    for resource in stacks["shared"].of("RoleAssignment"):
        role = BY_GUID[resource.inputs["roleDefinitionId"].rsplit("/", 1)[-1]]
        if role == ADMINISTRATOR:
            allowed = set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", resource.inputs["condition"]))
            assert allowed == {ROLES[name] for name in handed_out()}
            assert ROLES[ADMINISTRATOR] not in allowed
            assert resource.inputs["conditionVersion"] == "2.0"


def test_who_brings_labelled_rows_to_dev_changes_nothing_else_there(shared):
    bounded = {
        (row[1], row[2], row[3]): resource.inputs["condition"]
        for resource, row in zip(shared.of("RoleAssignment"), sent("shared", shared), strict=True)
        if "condition" in resource.inputs
    }
    assert {role for _, role, _ in bounded} == {ADMINISTRATOR, BRINGS.role}
    condition = bounded["watch-prod", "Storage Blob Data Contributor", "rg-mlops-dev"]
    assert condition.count("(") == condition.count(")")
    assert f":name] StringEquals '{RAW}' AND " in condition
    written = re.search(r'JOINED = "\w+", "(\w+)"', WRITER.read_text())  # its imports are not in this environment
    assert written
    assert f":path] StringLike '{written[1]}/*'" in condition
    assert re.findall(r"!\(ActionMatches{'[\w./]+/blobs/([a-z/]+)'}\)", condition) == [
        "write",
        "add/action",
        "delete",
        "move/action",
    ]


def test_what_dev_and_prod_hand_out_is_within_the_condition(dev, prod):
    for captured in (dev, prod):
        for resource in captured.of("RoleAssignment"):
            assert BY_GUID[resource.inputs["roleDefinitionId"].rsplit("/", 1)[-1]] in handed_out()


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_deployers_roles_reach_every_scope_that_its_stack_writes(stacks, stack):
    grants = infrastructure_grants(stack)
    for resource in stacks[stack].resources:
        if not resource.custom or resource.type.startswith("pulumi:"):
            continue
        where = resource.inputs.get("scope") if isinstance(resource.inputs.get("scope"), str) else None
        group = where.split("/resourceGroups/")[1].split("/")[0] if where else None
        group = group or resource.inputs.get("resourceGroupName", f"rg-mlops-{stack}")
        assert may_write(grants, resource.type, f"group-{group.removeprefix('rg-mlops-')}"), resource.name


def test_shared_is_applied_with_roles_on_the_subscription_as_it_makes_groups(shared):
    grants = infrastructure_grants("shared")
    assert all(may_write(grants, r.type, "subscription") for r in shared.of("ResourceGroup"))
    assert all(may_write(grants, r.type, "subscription") for r in shared.of("RoleAssignment"))


def test_a_role_that_does_not_reach_is_noticed():
    grants = infrastructure_grants("dev")
    assert not may_write(grants, "azure-native:storage:StorageAccount", "group-prod")
    assert not may_write(grants[:1], "azure-native:authorization:RoleAssignment", "group-shared")


def test_both_forms_of_subject_are_trusted_and_prod_never_by_a_branch():
    """3.6."""
    prod = subjects(Deployer("infrastructure", "prod"), "contoso/models", "11/22")
    assert prod == ("repo:contoso/models:environment:prod", "repo:contoso@11/models@22:environment:prod")
    assert subjects(Deployer("preview", "dev"), "contoso/models") == ("repo:contoso/models:pull_request",)
    assert subjects(Deployer("watch", "prod"), "contoso/models") == ("repo:contoso/models:environment:watch",)
    assert subjects(Deployer("ml", "prod"), "contoso/models") == (
        "repo:contoso/models:environment:prod",
        "repo:contoso/models:environment:rollback",
    )
    for deployer in deployers():
        for subject in subjects(deployer, "contoso/models", "11/22"):
            assert "ref:" not in subject
            assert "*" not in subject
            assert subject.endswith(":pull_request") == (deployer.purpose == "preview")


def test_who_enters_without_an_approval_reads_or_starts_the_runner():
    """`watch` follows main by itself, and writes where dev does alone; a pull request does not even start the runner."""
    writing = {"Contributor", ADMINISTRATOR, "AzureML Data Scientist", "Storage Blob Data Contributor"}
    for deployer in deployers():
        ways = {way.removeprefix("environment:") for way in entrances(deployer)}
        if deployer.stack != "dev" and not ways & set(APPROVED):
            rows = deployer_grants(deployer)
            roles = {row.role for row in rows}
            assert not {row.role for row in rows if row.scope != "group-dev"} & writing
            to_dev = [row.role for row in rows if row.scope == "group-dev"]
            assert to_dev == (["Storage Blob Data Contributor"] if deployer.word == "watch-prod" else [])
            assert ("Container Apps Jobs Operator" in roles) == (deployer.word == "watch-prod")


def test_a_preview_can_write_nothing_in_azure():
    for stack in ("shared", "dev", "prod"):
        rows = deployer_grants(Deployer("preview", stack))
        assert not [row for row in rows if row.role in ("Contributor", ADMINISTRATOR) or "Admin" in row.role]


def test_the_subjects_sent_are_the_computed_ones_with_githubs_issuer(shared):
    found = {r.inputs["subject"] for r in shared.of("FederatedIdentityCredential")}
    wanted = {s for d in deployers() for s in subjects(d, "contoso/models", "11/22")}
    assert found == wanted
    for resource in shared.of("FederatedIdentityCredential"):
        assert resource.inputs["issuer"] == "https://token.actions.githubusercontent.com"
        assert resource.inputs["audiences"] == ["api://AzureADTokenExchange"]
