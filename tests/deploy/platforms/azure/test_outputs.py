"""The stack's outputs: where they come from, and what is said where they are not right."""

import json
import re

import pytest

from deploy.platforms.azure.outputs import VARIABLE, check, keys, read_outputs
from deploy.platforms.local.home import REPOSITORY
from ml.fault import Fault
from tests.stand_in.service import StandIn

DOCUMENT = REPOSITORY / "docs" / "infrastructure-outputs.md"


@pytest.fixture(scope="module")
def azure(tmp_path_factory):
    made = StandIn.start(tmp_path_factory.mktemp("azure"))
    yield made
    made.stop()


@pytest.fixture
def pulumi(azure, monkeypatch):
    """Pulumi, as far as it is called, with both stacks up."""
    azure.bring_up(dev=azure.outputs("dev"), prod=azure.outputs("prod"))
    monkeypatch.setenv("PATH", azure.variables()["PATH"])
    return azure


def test_all_that_is_read_stands_in_the_contract():
    contract = DOCUMENT.read_text().split("## dev and prod")[1]
    assert set(keys()) <= set(re.findall(r"^\| `(\w+)` \|", contract, re.MULTILINE))


def test_the_stand_ins_outputs_are_those_of_the_contract(azure):
    contract = DOCUMENT.read_text().split("## dev and prod")[1]
    assert set(azure.outputs("dev")) == set(re.findall(r"^\| `(\w+)` \|", contract, re.MULTILINE))


def test_pulumi_is_asked(pulumi, tmp_path):
    assert read_outputs("prod", tmp_path).workspace_name == "mlw-prod"


def test_a_named_file_is_read_in_its_place(pulumi, tmp_path, monkeypatch):
    (tmp_path / "dev.json").write_text(json.dumps(pulumi.outputs("dev", workspaceName="other")))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "{stack}.json"))
    assert read_outputs("dev", tmp_path).workspace_name == "other"
    with pytest.raises(Fault, match=r"prod\.json: it cannot be read.*correct MLOPS_STACK_OUTPUTS"):
        read_outputs("prod", tmp_path)


def test_a_kept_file_is_read_in_its_place(pulumi, tmp_path):
    (tmp_path / "dev.outputs.json").write_text(json.dumps(pulumi.outputs("dev", workspaceName="kept")))
    assert read_outputs("dev", tmp_path).workspace_name == "kept"


def test_a_stack_that_was_never_brought_up_says_so(pulumi, tmp_path):
    pulumi.bring_up(dev=pulumi.outputs("dev"))
    with pytest.raises(Fault, match="prod was never brought up → pulumi up --stack prod"):
        read_outputs("prod", tmp_path)


def test_without_pulumi_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Fault, match="Pulumi is not installed → install Pulumi, or name a file"):
        read_outputs("dev", tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "of version 2, and version 1 is read here"),
        ({"stack": "prod"}, "these are the outputs of prod, not of dev"),
        ({"workspaceName": None, "location": ""}, "`location` is empty; `workspaceName` is null, and not a text"),
        ({"extraClusters": [], "privateNetwork": 1}, "`extraClusters` is \\[\\], and not an object; `privateNetwork`"),
    ],
)
def test_outputs_of_another_kind_are_refused(azure, change, message):
    with pytest.raises(Fault, match=message):
        check({**azure.outputs("dev"), **change}, "dev", "here")


def test_every_missing_key_is_named(azure):
    given = azure.outputs("dev")
    del given["workspaceName"], given["storageAccount"]
    with pytest.raises(Fault, match="the outputs lack workspaceName, storageAccount → pulumi up"):
        check(given, "dev", "here")


def test_no_outputs_at_all_are_a_stack_that_was_never_brought_up():
    with pytest.raises(Fault, match="never brought up"):
        check({}, "dev", "here")
