"""The stack's outputs: where they come from, and what is said where they are not right."""

import json
import re
from dataclasses import fields

import pytest

from deploy.exit_codes import WAITING
from deploy.platforms.azure.outputs import VARIABLE, Outputs, check, keys, read_outputs, state_of
from deploy.platforms.local.home import REPOSITORY
from ml.fault import Fault
from tests.deploy.platforms.azure.conftest import PROBLEM
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


def test_the_state_is_what_pulumi_holds_whatever_it_warns_of(pulumi, tmp_path):
    before = state_of("dev", tmp_path)
    assert state_of("dev", tmp_path) == before
    command = pulumi.folder / "bin" / "pulumi"
    told = command.read_text()
    command.write_text(f"{told}sys.stderr.write('warning: A new version of Pulumi is available.\\n')\n")
    assert state_of("dev", tmp_path) == before
    command.write_text(told)
    pulumi.bring_up(dev=pulumi.outputs("dev", workspaceName="other"), prod=pulumi.outputs("prod"))
    assert state_of("dev", tmp_path) != before


def test_a_plan_without_pulumi_is_bound_to_the_file_that_is_read_in_its_place(cloud, tmp_path, monkeypatch, capsys):
    def plan():
        assert cloud.mlops("plan", PROBLEM, "--stack", "dev", "--json") == 0
        return json.loads(capsys.readouterr().out)["state"]

    def release():
        return cloud.mlops("release", PROBLEM, "--stack", "dev", "--plan", str(tmp_path / "plan.json"))

    cloud.sham()
    cloud.register("1")
    cloud.pin("1", "dev")
    held = plan()
    (cloud.azure.folder / "bin" / "pulumi").unlink()
    file = tmp_path / "dev.json"
    file.write_text(json.dumps(cloud.azure.outputs("dev")))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "{stack}.json"))
    shown = plan()
    assert shown not in (held, None)
    assert plan() == shown
    assert cloud.mlops("plan", PROBLEM, "--stack", "dev", "--out", str(tmp_path / "plan.json")) == 0
    file.write_text(json.dumps(cloud.azure.outputs("dev", location="northeurope")))
    capsys.readouterr()
    assert release() == WAITING
    assert f"the plan was made for state {shown[:12]}" in capsys.readouterr().err
    assert not cloud.azure.endpoints.known


def test_nothing_is_asked_of_a_stack_that_no_one_uses():
    code = "\n".join(path.read_text() for path in (REPOSITORY / "deploy").rglob("*.py"))
    assert not [field.name for field in fields(Outputs) if not re.search(rf"\.{field.name}\b", code)]
