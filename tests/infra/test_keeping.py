"""Teardown, sleep, the first up of prod, the price table, the facts."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys

import pytest
from az_account import Account
from capture import capture

from infra import configuration, first_up, prices, profiles, sleep, teardown
from infra.__main__ import cost, main, told
from infra.configuration import ROOT
from infra.cost import ENDPOINTS, lines, priced, total
from infra.facts import FAMILIES, facts
from infra.profiles import DEV, PROD, PROFILES
from infra.settings import SharedSettings, StackSettings

TYPED = {
    "repository": "contoso/models",
    "location": "westeurope",
    "reviewers": "1234567",
    "budget": "300",
    "alert": "models@example.com",
    "budgetStart": "2026-11-01",
}
OFFICER = "infrastructure-key-vault-certificates-officer-vault"
BUDGET = dt.date(2026, 11, 1)
USER = "aaaaaaaa-0000-0000-0000-000000000001"


@pytest.fixture(autouse=True)
def named(monkeypatch):
    """A clone with a remote."""
    monkeypatch.setattr(configuration, "git_defaults", lambda: TYPED)


def settings(**more):
    return StackSettings(budget=1, alert="a@b.c", budget_start=BUDGET, repository="contoso/models", **more)


def test_prod_and_shared_are_never_torn_down(capsys):
    account, ran = Account(), []
    state = json.dumps(
        {"deployment": {"resources": [{"urn": "urn:x::storage", "protect": True}, {"urn": "urn:x::alert"}]}}
    )
    for stack in ("prod", "shared"):
        assert (
            teardown.main(
                ["--stack", stack, "--yes"],
                az=account,
                call=lambda c: ran.append(c) or 0,
                export=lambda s: state,
            )
            == 2
        )
    assert (account.commands, ran) == ([], [])
    said = capsys.readouterr().err
    assert "never torn down" in said
    assert "protected: urn:x::storage" in said
    assert "alert" not in said
    assert teardown.protected("") == []


def test_dev_is_destroyed_and_what_azure_only_hides_is_purged():
    account, ran = Account(), []
    account.things["group|rg-mlops-dev||||"] = {"location": "westeurope"}
    assert teardown.main(["--stack", "dev", "--yes"], az=account, call=lambda c: ran.append(c) or 0) == 0
    assert ran == [["pulumi", "destroy", "--stack", "dev", "--yes", "--skip-preview"]]
    purged = [c for c in account.writes() if "purge" in c.lower()]
    assert any("forceToPurge=true" in c and "workspaces/mlw-mlops-dev-" in c for c in purged)
    assert any(c.startswith("keyvault purge --name kv-mlops-dev-") for c in purged)


def test_what_is_already_purged_is_as_good_as_purged():
    account = Account()
    account.things["group|rg-mlops-dev||||"] = {"location": "westeurope"}
    account.refuse["keyvault purge"] = "(DeletedVaultNotFound)"
    assert teardown.main(["--stack", "dev", "--yes"], az=account, call=lambda c: 0) == 0
    account.refuse["keyvault purge"] = "(Forbidden)"
    assert teardown.main(["--stack", "dev", "--yes"], az=account, call=lambda c: 0) == 2


def test_a_failed_destroy_purges_nothing():
    account = Account()
    account.things["group|rg-mlops-dev||||"] = {"location": "westeurope"}
    assert teardown.main(["--stack", "dev", "--yes"], az=account, call=lambda c: 255) == 255
    assert not [c for c in account.writes() if "purge" in c.lower()]


def test_sleep_scales_user_pools_to_zero_and_stops_instances_but_never_the_cluster():
    made = Names()
    commands = [" ".join(c) for c in sleep.down(made, settings(users=(USER,)), DEV)]
    assert commands[0].startswith("aks nodepool update")
    assert "--disable-cluster-autoscaler" in commands[0]
    assert commands[1].startswith("aks nodepool scale")
    assert commands[1].endswith("--node-count 0")
    assert commands[2].startswith("ml compute stop --name ci-")
    assert not [c for c in commands if c.startswith("aks stop")]
    (woken,) = sleep.up(made, settings(), DEV)
    assert woken[-4:] == ("--min-count", "0", "--max-count", "2")
    assert sleep.down(made, settings(aks=False), DEV) == []


def Names():  # noqa: N802 the names of dev
    from infra.names import names

    return names("mlops", "dev", "a1b2c")


def test_a_stack_that_sleeps_already_is_put_to_sleep_again_without_a_fault():
    account = Account()
    account.refuse["--disable-cluster-autoscaler"] = (
        "(BadRequest) Cluster autoscaler is not enabled for this node pool."
    )
    assert sleep.main(["down"], az=account) == 0
    assert sleep.main(["down", "--stack", "prod"], az=account) == 2


def test_sleep_and_waking_send_what_they_say_and_a_refusal_is_no_sleep():
    account = Account()
    assert [sleep.main([way], az=account) for way in ("down", "up")] == [0, 0]
    sent = [" ".join(command) for command in account.commands if "nodepool" in command]
    assert ["--disable-cluster-autoscaler" in sent[0], "--node-count 0" in sent[1]] == [True, True]
    assert "--enable-cluster-autoscaler" in sent[2]
    assert len(sent) == 3
    for refusal in ("(Forbidden) no", "(OperationNotAllowed) Another operation is already in progress."):
        account.refuse = {"nodepool scale": refusal}
        assert sleep.main(["down"], az=account) == 2


def test_nothing_of_dev_that_sleeps_costs_a_machine_but_the_system_pool():
    assert (DEV.user_pool.least, DEV.cluster.least) == (0, 0)
    assert (profiles.GPU_POOL.least, profiles.MEMORY_POOL.least) == (0, 0)


def test_the_first_up_of_prod_opens_makes_the_certificate_and_closes():
    ran, account = [], Account()
    account.things["keyvault|" + prod_vault() + "||||"] = {"id": "/ids/vault"}
    code = first_up.main(
        [],
        az=account,
        call=lambda c: ran.append(" ".join(c)) or 0,
        address=lambda: "203.0.113.9",
        pause=lambda _: None,
    )
    assert code == 0
    assert ran == [
        "pulumi config set mlops:callerAddress 203.0.113.9 --stack prod",
        "pulumi config set mlops:aks off --stack prod",
        "pulumi up --stack prod",
        "pulumi config rm mlops:aks --stack prod",
        "pulumi up --stack prod",
        "pulumi config rm mlops:callerAddress --stack prod",
        "pulumi up --stack prod --yes",
    ]
    assert any(c.startswith("keyvault certificate create") for c in account.writes())
    assert any(c.startswith("role assignment delete") for c in [" ".join(c) for c in account.commands])


def prod_vault():
    from infra.names import names, suffix

    return names("mlops", "prod", suffix("contoso/models")).vault


@pytest.mark.parametrize("failing", [1, 2])
def test_the_first_up_closes_also_when_it_fails(failing):
    ran, account = [], Account()
    account.things["keyvault|" + prod_vault() + "||||"] = {"id": "/ids/vault"}

    def call(command):
        ran.append(" ".join(command))
        return 255 if ran[-1] == "pulumi up --stack prod" and ran.count(ran[-1]) == failing else 0

    assert first_up.main([], az=account, call=call, address=lambda: "203.0.113.9", pause=lambda _: None) == 255
    closing = ["pulumi config rm mlops:callerAddress --stack prod", "pulumi up --stack prod --yes"]
    assert [line for line in ran if line in closing] == closing
    assert ran.count("pulumi config rm mlops:aks --stack prod") == 1


def test_a_workflow_makes_the_certificate_with_the_role_that_the_stack_gives_it(prod):
    assert capture("prod", aks="off").one(OFFICER)
    assert prod.one(OFFICER).inputs["principalType"] == "ServicePrincipal"
    account = Account()
    account.user = {"type": "servicePrincipal"}
    first_up.main(["--yes"], az=account, call=lambda c: 0, address=lambda: "203.0.113.9")
    assert any(c.startswith("keyvault certificate create") for c in account.writes())
    assert not [c for c in account.commands if c[:2] == ["role", "assignment"]]


def test_a_certificate_that_azure_does_not_allow_yet_is_asked_for_again_and_the_role_goes():
    account, waits = Account(), []
    account.things["keyvault|" + prod_vault() + "||||"] = {"id": "/ids/vault"}
    account.refuse["certificate show"] = "(Forbidden) Caller is not authorized"
    first_up.main([], az=account, call=lambda c: 0, address=lambda: "203.0.113.9", pause=waits.append)
    assert waits == [30] * 9
    assert any("role assignment delete" in " ".join(c) for c in account.commands)


def test_the_idle_cost_of_dev_is_shown_with_aks_and_without(capsys):
    found = cost("dev", dt.date(2026, 12, 1))
    assert found["idleWithAks"]["known"] > found["idleWithoutAks"]["known"] > 0
    assert "AKS load balancer" in found["idleWithAks"]["unknown"]
    assert "AKS load balancer" not in found["idleWithoutAks"]["unknown"]
    text = told(found)
    assert "idle with AKS at its minimum" in text
    assert "idle with AKS off" in text
    assert "read 10 days ago" in text


def test_a_price_without_a_source_is_unknown_and_never_counted_as_nothing():
    rows = priced(lines(PROD, settings()), prices.load())
    (balancer,) = [row for row in rows if row["item"] == "load-balancer" and row["resource"].startswith("AKS")]
    assert balancer["idle"] is None
    assert "AKS load balancer" in total(rows, "idle")["unknown"]
    for price in prices.load().values():
        assert (price.price is None) == (price.read == "never") == bool(price.looked)
        assert price.price is None or price.source.startswith("https://")


def test_every_line_of_every_configuration_has_an_item_in_the_table():
    table = prices.load()
    for profile in PROFILES.values():
        for more in (
            {},
            {"clusters": ("gpu", "memory", "low-priority")},
            {"aks": False},
            {"network": "public"},
        ):
            assert all(line.item in table for line in lines(profile, settings(users=(USER,), **more)))


def test_as_many_private_endpoints_are_priced_as_are_made(prod):
    assert len(prod.of("network:PrivateEndpoint")) == ENDPOINTS


def test_a_month_has_730_hours():
    assert prices.Price(0.1, "hour", "", "").monthly(1) == 73.0
    assert prices.Price(None, "hour", "", "").monthly(1) is None


def test_the_table_is_read_anew_from_the_price_service_and_two_answers_are_no_answer(tmp_path):
    file = tmp_path / "prices.yaml"
    shutil.copy(prices.FILE, file)
    asked = []

    def fetch(url):
        asked.append(url)
        if "Standard_D4s_v5" in url:
            rows = [
                {"productName": "Virtual Machines Dsv5 Series", "meterName": "D4s v5", "retailPrice": 0.25},
                {
                    "productName": "Virtual Machines Dsv5 Series",
                    "meterName": "D4s v5 Spot",
                    "retailPrice": 0.05,
                },
                {
                    "productName": "Virtual Machines Dsv5 Series Windows",
                    "meterName": "D4s v5",
                    "retailPrice": 0.4,
                },
                {
                    "productName": "Virtual Machines Dsv5 Series",
                    "meterName": "D4s v5 Low Priority",
                    "retailPrice": 0.06,
                },
            ]
        else:
            rows = [{"meterName": "x", "retailPrice": 1.0}, {"meterName": "y", "retailPrice": 2.0}]
        return {"Items": rows}

    unknown = prices.refresh(file, "westeurope", dt.date(2026, 12, 3), fetch)
    table = prices.load(file)
    assert table["vm-Standard_D4s_v5"].price == 0.25
    assert table["vm-Standard_D4s_v5"].read == "2026-12-03"
    assert "firewall" in unknown
    assert table["firewall"].price is None  # it was known: what is no longer told is unknown again
    assert table["firewall"].looked.startswith("2026-12-03, https://prices.azure.com/")
    assert file.read_text().startswith("#")
    assert all(
        url.startswith("https://prices.azure.com/api/retail/prices?%24filter=armRegionName+eq+%27westeurope%27")
        for url in asked
    )


def test_facts_name_every_quota_of_the_configured_sizes():
    shared = SharedSettings(
        location="westeurope", reviewers=("1",), repository="contoso/models", repository_ids="11/22"
    )
    found = facts("prod", settings(), shared)
    cores = sum(FAMILIES[p.size][1] * p.most for p in (PROD.cluster, PROD.system_pool, PROD.user_pool))
    assert sum(found["quotas"].values()) == cores
    assert found["subjects"]["ml-prod"] == [
        "repo:contoso/models:environment:prod",
        "repo:contoso@11/models@22:environment:prod",
        "repo:contoso/models:environment:rollback",
        "repo:contoso@11/models@22:environment:rollback",
    ]
    assert found["runner"] == {"label": "mlops-prod", "hosted": False, "job": found["names"]["runners"], "app": ""}
    assert set(found["approved"]) < set(found["environments"])


@pytest.mark.parametrize("verb", ["cost", "facts"])
def test_the_answers_need_neither_pulumi_nor_the_provider(verb):
    code = f"import sys; from infra.__main__ import main; main({[verb, '--stack', 'dev', '--json']!r}); assert not [m for m in sys.modules if m.startswith('pulumi')]"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_wrong_configuration_is_one_json_line_on_stderr(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(configuration, "git_defaults", dict)
    assert main(["facts", "--stack", "dev", "--json"]) == 2
    assert "`repository` is missing" in json.loads(capsys.readouterr().err)["error"]


def test_a_preview_that_replaces_data_ends_with_1(tmp_path, capsys):
    urn = "urn:pulumi:prod::mlops::x$azure-native:storage:StorageAccount::storage"
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"steps": [{"op": "replace", "urn": urn}]}))
    assert main(["check-preview", "--stack", "prod", "--preview", str(file)]) == 1
    assert main(["check-preview", "--stack", "prod", "--preview", str(file), "--approved", urn]) == 0
