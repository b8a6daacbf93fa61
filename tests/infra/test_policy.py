"""Every rule holds over what the stacks send, and every rule fails once."""

from __future__ import annotations

import copy
import datetime as dt

import pytest
import yaml
from capture import capture
from rule_breaks import BREAKS

from infra.policy.all_rules import RULES
from infra.policy.replaces import PROTECTED, refused
from infra.policy.rule import judge
from infra.policy.waivers import FILE, Waiver, expired, load, standing

TODAY = dt.date.today()
# Every identifier of checkov and PSRule that the project's notes on Azure name.
CHECKOV = """3 4 7 35 36 41 42 44 59 109 110 111 114 116 137 138 139 141 142 144 150 167 168 170 171 172 189 190 206
226 227 232 233 243 244"""
CHECKOV2 = "29 32 33 38 40 41 47 49 50"
PSRULE = """AZR-000403 AZR-000404 AZR-000405 AZR-000406 AZR-000407 Azure.ACR.AdminUser Azure.ACR.MinSku
Azure.AKS.LocalAccounts Azure.AKS.AutoUpgrade Azure.AKS.MaintenanceWindow Azure.AKS.UptimeSLA
Azure.Alert.MetricAutoMitigate Azure.AppInsights.Workspace Azure.KeyVault.RBAC Azure.ML.ComputeIdleShutdown
Azure.ML.ComputeVnet Azure.ML.PublicAccess Azure.Monitor.ServiceHealth Azure.Resource.UseTags
Azure.Storage.BlobPublicAccess Azure.Storage.Firewall"""
NAMED = (
    {f"CKV_AZURE_{n}" for n in CHECKOV.split()} | {f"CKV2_AZURE_{n}" for n in CHECKOV2.split()} | set(PSRULE.split())
)


def violations(captured, stack, state="private"):
    found = []
    for resource in captured.resources:
        if resource.custom:
            broken = judge(RULES, resource.type, resource.inputs, stack)
            found += [(resource.name, one.rule) for one in standing(broken, load(), stack, state, TODAY)]
    return found


@pytest.mark.parametrize("stack", ["shared", "dev", "prod"])
def test_what_a_stack_sends_keeps_every_rule_that_is_not_waived(stacks, stack):
    assert violations(stacks[stack], stack) == []


def test_public_prod_is_one_word_and_its_waivers_are_recorded():
    captured = capture("prod", network="public")
    assert captured.one("workspace").inputs["publicNetworkAccess"] == "Enabled"
    assert not [r for r in captured.resources if "privatedns" in r.type]
    assert violations(captured, "prod", "public") == []
    assert {"workspace-private", "storage-private"} <= {rule for _, rule in violations(captured, "prod")}


def test_the_first_up_of_prod_opens_to_the_callers_address_alone():
    captured = capture("prod", callerAddress="203.0.113.9")
    storage, vault = captured.one("storage").inputs, captured.one("vault").inputs["properties"]
    assert storage["networkRuleSet"]["ipRules"] == [{"iPAddressOrRange": "203.0.113.9", "action": "Allow"}] or (
        storage["networkRuleSet"]["ipRules"] == [{"iPAddressOrRange": "203.0.113.9"}]
    )
    assert storage["networkRuleSet"]["defaultAction"] == "Deny"
    assert vault["networkAcls"]["defaultAction"] == "Deny"
    ranges = captured.one("aks").inputs["apiServerAccessProfile"]["authorizedIPRanges"]
    assert "203.0.113.9/32" in ranges
    assert captured.one("workspace").inputs["publicNetworkAccess"] == "Disabled"
    assert violations(captured, "prod", "opening") == []
    assert ("storage", "storage-private") in violations(captured, "prod")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_fails_once(stacks, rule):
    """A resource as it is sent keeps the rule; with the one change of `rule_breaks` it does not."""
    stack, name, change = BREAKS[rule.name]
    resource = stacks[stack].one(name) if name else None
    props = copy.deepcopy(resource.inputs) if resource else {}
    type_ = resource.type if resource else rule.kinds[0]
    change(props)
    assert judge((rule,), type_, props, stack), rule.name


def test_every_identifier_of_the_reference_is_held_by_a_rule_or_has_its_reason():
    held = {code for rule in RULES for code in rule.codes}
    unheld = yaml.safe_load((FILE.parent / "unheld.yaml").read_text())
    assert NAMED - held - set(unheld) == set()
    assert not set(unheld) & held
    assert all(len(reason) > 20 for reason in unheld.values())


def test_maintenance_windows_stand_beside_automatic_upgrades(dev, prod):
    """Azure.AKS.MaintenanceWindow."""
    for captured in (dev, prod):
        names = {r.inputs["configName"] for r in captured.of("MaintenanceConfiguration")}
        assert names == {"aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"}


def test_rules_have_names_of_their_own():
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_every_waiver_names_a_rule_a_reason_and_an_end_that_has_not_passed():
    names = {rule.name for rule in RULES}
    for waiver in load():
        assert waiver.rule in names
        assert len(waiver.reason) > 15 or waiver.reason == "`network: public`"
    assert expired(load(), TODAY) == []


def test_a_waiver_is_used():
    """One that covers nothing is gone."""
    for waiver in load():
        changes = {"public": {"network": "public"}, "opening": {"callerAddress": "203.0.113.9"}}
        more = changes.get(waiver.when, {})
        state = waiver.when if waiver.when != "always" else "private"
        others = [one for one in load() if one != waiver]
        captured = capture(waiver.stack, **more)
        found = [
            v.rule
            for r in captured.resources
            for v in standing(judge(RULES, r.type, r.inputs, waiver.stack), others, waiver.stack, state, TODAY)
        ]
        assert waiver.rule in found, waiver


def test_an_expired_waiver_fails_and_no_longer_covers():
    old = Waiver("storage-firewall", "dev", "a reason that was good once", dt.date(2026, 1, 31))
    assert expired([old], dt.date(2026, 2, 1)) == [
        "the waiver of storage-firewall in dev ended on 2026-01-31: hold the rule, or renew it with its reason"
    ]
    broken = judge(RULES, "azure-native:storage:StorageAccount", {}, "dev")
    assert len(standing(broken, [old], "dev", "private", dt.date(2026, 2, 1))) == len(broken)
    assert len(standing(broken, [old], "dev", "private", dt.date(2026, 1, 31))) == len(broken) - 1


def step(op, type_, old=None, new=None):
    urn = f"urn:pulumi:prod::mlops::mlops:infra:X$azure-native:{type_}::one"
    return {"steps": [{"op": op, "urn": urn, "oldState": {"inputs": old or {}}, "newState": {"inputs": new or {}}}]}


@pytest.mark.parametrize("op", ["replace", "create-replacement", "delete-replaced", "delete"])
def test_a_replace_or_delete_of_what_holds_data_is_refused_in_prod(op):
    (sentence,) = refused(step(op, "storage:StorageAccount"), "prod")
    assert "it holds data" in sentence
    assert refused(step(op, "storage:BlobContainer"), "prod")
    assert refused(step(op, "storage:StorageAccount"), "dev") == []
    assert refused(step(op, "monitor:MetricAlert"), "prod") == []


def test_what_is_protected_is_what_a_preview_may_not_replace(stacks):
    """The options of the resources and the list of the preview say the same."""
    for stack in ("shared", "prod"):
        held = {r.type for r in stacks[stack].resources if r.protect and r.custom}
        assert all(type_.endswith(PROTECTED) for type_ in held), held
    types = {r.type for stack in ("shared", "prod") for r in stacks[stack].resources if r.protect}
    assert all(any(type_.endswith(one) for type_ in types) for one in PROTECTED)


def test_an_approved_urn_may_be_replaced():
    preview = step("replace", "storage:StorageAccount")
    assert refused(preview, "prod", frozenset({preview["steps"][0]["urn"]})) == []


@pytest.mark.parametrize(
    ("type_", "old", "new", "words"),
    [
        ("machinelearningservices:Workspace", {"managedNetwork": {"isolationMode": "AllowInternetOutbound"}}, {"managedNetwork": {"isolationMode": "Disabled"}}, "cannot be switched off"),
        ("machinelearningservices:Workspace", {"managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"}}, {"managedNetwork": {"isolationMode": "AllowInternetOutbound"}}, "cannot be opened"),
        ("machinelearningservices:Workspace", {"keyVault": "a"}, {"keyVault": "b"}, "keeps its vault"),
        ("machinelearningservices:Workspace", {"storageAccount": "a"}, {"storageAccount": "b"}, "keeps its storage"),
        ("storage:StorageAccount", {"isHnsEnabled": False}, {"isHnsEnabled": True}, "second account"),
        ("machinelearningservices:Compute", {"properties": {"disableLocalAuth": True}}, {"properties": {"disableLocalAuth": False}}, "another name"),
    ],
)  # fmt: skip
def test_a_way_without_return_is_refused_in_every_stack_with_the_way_out(type_, old, new, words):
    assert words in refused(step("update", type_, old, new), "dev")[0]
    assert refused(step("update", type_, old, old), "dev") == []


def test_opening_from_inside_to_approved_only_is_allowed():
    old = {"managedNetwork": {"isolationMode": "AllowInternetOutbound"}}
    new = {"managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"}}
    assert refused(step("update", "machinelearningservices:Workspace", old, new), "prod") == []
