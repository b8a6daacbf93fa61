"""Bootstrap says what it does, does it once, and leaves the files as a push needs them."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest
import yaml
from az_account import Account

from infra.bootstrap.__main__ import main
from infra.bootstrap.files import put
from infra.bootstrap.steps import Target, identity_steps
from infra.configuration import ROOT, read_shared, read_stack
from infra.state import state_names

TODAY = dt.date(2026, 11, 21)


TYPED = [
    "--location",
    "westeurope",
    "--budget",
    "300",
    "--alert",
    "models@example.com",
    "--reviewer",
    "1234567",
]


@pytest.fixture
def root(tmp_path):
    for name in ("Pulumi.yaml", "Pulumi.shared.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for stack in ("shared", "dev", "prod"):
        put(tmp_path / f"Pulumi.{stack}.yaml", "repository", "contoso/models")
    return tmp_path


def go(root, account, *arguments, question=lambda _: "y", today=TODAY, ids=lambda _: "11/22"):
    return main(
        [*TYPED, *arguments], az=account, root=root, today=today, question=question, up=lambda command: 0, ids=ids
    )


def test_it_says_everything_before_it_writes_anything(root, capsys):
    account = Account()
    assert go(root, account, question=lambda _: "n") == 1
    assert account.writes() == []
    said = capsys.readouterr().out
    for word in (
        "storage account",
        "the container state",
        "key of the secrets of prod",
        "the identity id-mlops-shared",
    ):
        assert "will make" in said
        assert word in said


def test_run_again_it_changes_nothing(root):
    account = Account()
    assert go(root, account, "--yes") == 0
    made, files = len(account.writes()), {f.name: f.read_text() for f in root.iterdir()}
    assert made > 10
    assert go(root, account, "--yes", today=dt.date(2028, 1, 5)) == 0
    assert len(account.writes()) == made
    assert {f.name: f.read_text() for f in root.iterdir()} == files


def test_stopped_in_the_middle_it_ends_the_same_when_run_again(root):
    whole, broken = Account(), Account()
    go(root, whole, "--yes")
    broken.refuse["keyvault key create"] = "the connection was lost"
    assert go(root, broken, "--yes") == 2
    broken.refuse.clear()
    assert go(root, broken, "--yes") == 0
    assert broken.things.keys() == whole.things.keys()


def test_the_state_is_versioned_locked_and_takes_no_keys(root):
    account = Account()
    go(root, account, "--yes")
    text = "\n".join(account.writes())
    assert "--allow-shared-key-access false" in text
    assert "--allow-blob-public-access false" in text
    assert "--enable-versioning true" in text
    assert "lock create --name keep --lock-type CanNotDelete" in text
    assert "--enable-purge-protection true" in text


def test_the_files_name_the_state_each_stacks_own_key_and_the_first_of_the_month(root):
    go(root, Account(), "--yes")
    backend = yaml.safe_load((root / "Pulumi.yaml").read_text())["backend"]["url"]
    assert backend.startswith("azblob://state?storage_account=stmlopsstate")
    keys = {
        s: yaml.safe_load((root / f"Pulumi.{s}.yaml").read_text())["secretsprovider"] for s in ("shared", "dev", "prod")
    }
    assert len(set(keys.values())) == 3
    assert all(key.startswith("azurekeyvault://kv-mlops-state-") for key in keys.values())
    for stack in ("dev", "prod"):
        assert (
            yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text())["config"]["mlops:budgetStart"] == "2026-11-01"
        )


def test_the_first_identity_hands_out_only_this_programs_roles_and_is_trusted_in_both_forms(root):
    account = Account()
    go(root, account, "--yes")
    text = "\n".join(account.writes())
    assert "--subject repo:contoso/models:environment:shared" in text
    assert "--subject repo:contoso@11/models@22:environment:shared" in text
    state = state_names("mlops", "a1b2c")
    steps = identity_steps(Target("sub", "westeurope", "o/n", state, "me", ()), "principal")
    administrator = [s for s in steps if "Administrator" in s.says]
    assert "ForAnyOfAnyValues:GuidEquals" in " ".join(administrator[0].make)


def test_a_refusal_is_azures_own_sentence_and_no_traceback(root, capsys):
    account = Account()
    account.refuse["group create"] = "(AuthorizationFailed) you may not"
    assert go(root, account, "--yes") == 2
    assert "AuthorizationFailed" in capsys.readouterr().err
    assert "backend" not in (root / "Pulumi.yaml").read_text()


def test_it_ends_by_applying_shared(root):
    ran = []
    up = lambda command: ran.append(command) or 0  # noqa: E731 the one thing that differs
    main([*TYPED, "--yes"], az=Account(), root=root, today=TODAY, up=up, ids=lambda _: "11/22")
    assert ran == [["pulumi", "stack", "select", "--create", "shared"], ["pulumi", "up", "--stack", "shared"]]


def test_the_four_typed_values_are_all_that_the_stacks_want(root):
    go(root, Account(), "--yes")
    assert read_shared(root).reviewers == ("1234567",)
    for stack in ("dev", "prod"):
        assert (read_stack(stack, root).budget, read_stack(stack, root).alert) == (300, "models@example.com")


def test_a_value_that_is_missing_is_told_before_anything_is_asked_of_azure(root, capsys):
    account = Account()
    assert main(["--yes", "--budget", "3"], az=account, root=root, today=TODAY, ids=lambda _: "11/22") == 2
    assert "`location` is missing" in capsys.readouterr().err
    assert account.commands == []


def test_the_ids_of_the_repository_and_the_first_identity_are_found_and_written(root):
    asked = []
    assert go(root, Account(), "--yes", ids=lambda repository: asked.append(repository) or "33/44") == 0
    assert asked == ["contoso/models"]
    assert read_shared(root).repository_ids == "33/44"
    assert read_shared(root).client_id == "dddddddd-0000-0000-0000-000000000001"


def test_a_github_that_does_not_tell_is_said_and_asked_again_the_next_time(root, capsys):
    assert go(root, Account(), "--yes", ids=lambda _: "") == 0
    assert "does not tell the ids of contoso/models" in capsys.readouterr().out
    assert go(root, Account(), "--yes") == 0
    assert read_shared(root).repository_ids == "11/22"


@pytest.mark.parametrize(
    ("lacking", "sentence"),
    [
        ({"sizes": ["Standard_D4s_v5", "Standard_DS3_v2"]}, "prod: westeurope does not offer Standard_D4ds_v5 to this"),
        ({"places": ["East US"]}, "dev: westeurope has no Microsoft.ContainerService/managedClusters; choose another"),
    ],
)
def test_a_region_that_lacks_aks_or_a_size_is_refused_before_anything_is_made(root, capsys, lacking, sentence):
    account = Account()
    vars(account).update(lacking)
    assert go(root, account, "--yes") == 2
    assert f"Pulumi.shared.yaml: {sentence}" in capsys.readouterr().err
    assert account.writes() == []
