"""Each configuration mistake gets its one clear message, before the first write."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest
from capture import TYPED, capture, shared_outputs, typed

from infra import configuration, program
from infra.configuration import remote_repository
from infra.faults import ConfigurationFault
from infra.profiles import DEV, PROD, NodePool, profile_faults
from infra.regions import REGIONS, region_faults
from infra.runner import EVERYBODYS, runner_label
from infra.settings import parse

DEFAULTS = {"repository": "contoso/models"}


def faults(stack, **more):
    with pytest.raises(ConfigurationFault) as caught:
        parse(stack, {**TYPED[stack], **more}, DEFAULTS)
    return caught.value.faults


def test_an_unknown_key_is_refused_with_the_likely_word():
    assert faults("dev", buget="3") == ("unknown key `buget`; did you mean `budget`?",)


def test_a_wrong_type_is_refused_with_the_value():
    assert faults("dev", budget="three") == ("`budget`: must be a whole number above 0, not `three`",)


def test_a_budget_that_starts_within_a_month_is_refused_with_the_right_day():
    assert faults("prod", budgetStart="2026-11-15") == (
        "`budgetStart`: must be the first of a month: 2026-11-01, not `2026-11-15`",
    )


def test_all_faults_are_told_at_once():
    assert len(faults("dev", budget="x", alert="nobody", aks="maybe", nework="public")) == 4


def test_a_missing_key_is_told_with_the_command_that_sets_it():
    with pytest.raises(ConfigurationFault, match="`location` is missing: pulumi config set location … --stack shared"):
        parse("shared", {"reviewers": "1"}, DEFAULTS)


def test_an_unknown_stack_is_refused():
    with pytest.raises(ConfigurationFault, match="did you mean `prod`"):
        parse("prd", {}, DEFAULTS)


@pytest.mark.parametrize("image", ["ghcr.io/actions/actions-runner:latest", "runner", "runner@sha256:abc"])
def test_a_runner_whose_bytes_may_change_is_refused(image):
    assert "must be an image with its digest" in faults("prod", runnerImage=image)[0]


def test_a_word_that_is_nearly_right_is_refused_with_the_right_one():
    assert "did you mean `public`?" in faults("prod", network="pubic")[0]


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("westeurop", "did you mean `westeurope`?"),
        ("koreasouth", "lacks AKS and the sizes used here; take koreacentral"),
        ("francesouth", "lacks AKS and the sizes used here; take francecentral"),
        ("westus", "prod in westus: the region has no availability zones"),
    ],
)
def test_a_region_that_lacks_what_is_needed_is_refused_before_the_first_write(location, sentence):
    with pytest.raises(ConfigurationFault) as caught:
        program.make(program.Typed("shared", {**TYPED["shared"], "location": location}, DEFAULTS), dict)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("location", ["swedencentral", "westus3", "italynorth"])
def test_a_region_without_an_open_pair_is_as_good_as_any(location):
    assert not region_faults("location", location)
    assert REGIONS[location].zones


def test_a_region_on_request_names_an_open_one():
    for region in REGIONS.values():
        assert not region.on_request or not REGIONS[region.pair].on_request


def test_a_prefix_too_long_for_its_names_is_refused_before_the_first_write():
    given = program.Typed("dev", {**TYPED["dev"], "prefix": "averylongprefix"}, DEFAULTS)
    with pytest.raises(ConfigurationFault, match="shorten `prefix` by"):
        program.make(given, shared_outputs)


@pytest.mark.parametrize(
    ("profile", "zones", "sentence"),
    [
        (PROD, False, "no availability zones"),
        (
            replace(PROD, images_sku="Standard"),
            True,
            "a zone-redundant container registry is Premium, not Standard",
        ),
        (
            replace(PROD, images_sku="Basic", images_zone_redundant=False),
            True,
            "with a private endpoint is Premium",
        ),
        (
            replace(PROD, system_pool=NodePool("Standard_D4ds_v5", 1, 3)),
            True,
            "AKS over 3 zones wants as many",
        ),
        (replace(PROD, user_pool=NodePool("Standard_D4ds_v5", 1, 3)), True, "wants 3 user nodes, not 1"),
        (replace(PROD, purge_protection=None), True, "purge protection"),
    ],
)
def test_a_combination_of_sku_and_zone_that_azure_refuses_is_told(profile, zones, sentence):
    assert any(sentence in fault for fault in profile_faults(profile, zones))


def test_the_profiles_themselves_are_accepted():
    assert not profile_faults(PROD, zones=True)
    assert not profile_faults(DEV, zones=False)


def test_the_same_configuration_is_still_right_fourteen_months_later():
    """Nothing here reads a clock: a budget's start may lie in the past, and is written once."""
    start = dt.date(2026, 11, 1)
    later = parse("dev", {**TYPED["dev"], "budgetStart": start.isoformat()}, DEFAULTS)
    assert later.budget_start == start


def test_a_missing_shared_stack_is_one_message_without_a_traceback():
    def missing():
        raise ConfigurationFault("stack `organization/mlops/shared`", ["the shared stack is missing"])

    with pytest.raises(ConfigurationFault, match="the shared stack is missing"):
        program.make(typed("dev"), missing)


def test_a_repository_is_read_from_either_form_of_remote():
    assert remote_repository("git@github.com:contoso/models.git") == "contoso/models"
    assert remote_repository("https://github.com/contoso/models") == "contoso/models"
    assert remote_repository("/srv/git/models") == ""


@pytest.mark.parametrize(
    ("network", "told", "sentence"),
    [
        ("private", "public", "prod is private, but shared sends its jobs to `ubuntu-latest`"),
        ("public", "private", "prod is public, but shared sends its jobs to `mlops-prod`"),
    ],
)
def test_prod_is_not_made_where_its_workflows_would_not_reach_it(network, told, sentence):
    with pytest.raises(ConfigurationFault, match=re.escape(f"{sentence}: pulumi up --stack shared")):
        program.make(typed("prod", network=network), lambda: shared_outputs(told))


def test_shared_reads_from_prods_file_where_prods_jobs_run(tmp_path, monkeypatch):
    monkeypatch.setattr(configuration, "git_defaults", lambda: DEFAULTS)
    (tmp_path / "Pulumi.shared.yaml").write_text("config: {mlops:location: westeurope, mlops:reviewers: ['1']}")
    assert runner_label(configuration.read_shared(tmp_path)) == "mlops-prod"
    (tmp_path / "Pulumi.prod.yaml").write_text("config:\n  mlops:network: public\n")
    assert runner_label(configuration.read_shared(tmp_path)) == EVERYBODYS
    (tmp_path / "Pulumi.prod.yaml").write_text("config:\n  mlops:network: pubic\n")
    with pytest.raises(ConfigurationFault, match="did you mean `public`"):
        configuration.read_shared(tmp_path)


def test_aks_is_switched_off_by_one_word():
    captured = capture("dev", aks="off")
    assert not [r for r in captured.resources if "kubernetes" in r.type or "containerservice" in r.type]
    assert captured.outputs["kubernetesCompute"] == ""


def test_further_clusters_are_switched_on_by_their_words():
    captured = capture("dev", aks="off", clusters='["gpu", "memory"]', spark="on")
    assert sorted(captured.outputs["extraClusters"]) == ["gpu", "memory"]
    assert "spark-blob" in captured.one("workspace").inputs["managedNetwork"]["outboundRules"]
