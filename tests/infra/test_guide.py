"""The guide's lines, typed one after another in a fresh clone, with `az`, `gh` and `pulumi` that only remember."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT, HERE = Path(__file__).parents[2], Path(__file__).parent
GUIDE = (ROOT / "docs/infrastructure-on-azure.md").read_text()
README = (ROOT / "README.md").read_text().split("## On Azure")[1].split("\n## ")[0]
LINES = [line for block in re.findall(r"```bash\n(.*?)```", GUIDE, re.S) for line in block.splitlines()]
SPOKEN = re.findall(r"`((?:mlops|make) [^`]+)`", README)
REMOTE = "https://github.com/contoso/models.git"
# What stands in for a person's commands: each keeps its lines in a file; az also remembers what it made.
AZ = f"""#!{sys.executable} -S
import json, pathlib, sys
sys.path[:0] = ["{HERE}", "{ROOT}"]
from az_account import Account
memory = pathlib.Path(__file__).with_name("az.json")
account = Account()
account.things = json.loads(memory.read_text()) if memory.exists() else account.things
arguments = sys.argv[1:]
with open(pathlib.Path(__file__).with_name("typed"), "a") as typed:
    typed.write("az " + " ".join(arguments) + "\\n")
if arguments == ["login"]:
    sys.exit(0)
answer = account([word for word in arguments if word not in ("--output", "json")])
memory.write_text(json.dumps(account.things))
print(answer.out), print(answer.error, file=sys.stderr)
sys.exit(answer.code)
"""
SAYS = '#!/bin/sh\necho "$(basename $0) $*" >> "$(dirname $0)/typed"\n'
GH = SAYS + 'case "$*" in auth*) ;; *--jq*) echo "11/22" ;; *) echo "gh: Forbidden (HTTP 403)" >&2; exit 1 ;; esac\n'
PULUMI = SAYS + '[ "$2" != output ] || echo "{}"\n'


class Clone:
    """A clone of the repository as a person has it, with an origin that takes a push."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin, self.origin = folder / "models", folder / "bin", folder / "origin.git"
        self.folder.mkdir()
        self.bin.mkdir()
        for name in ("Makefile", *(f"Pulumi{stack}.yaml" for stack in ("", ".shared", ".dev", ".prod"))):
            shutil.copy2(ROOT / name, self.folder / name)
        for name in ("infra", "environments", "deploy", "ml"):
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / ".venv-infra").symlink_to(sys.prefix)
        for name, text in (("az", AZ), ("gh", GH), ("pulumi", PULUMI)):
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder),
            "HOME": str(folder),
            "https_proxy": "http://127.0.0.1:9",  # nothing here asks the world outside
            **{f"GIT_{who}_{what}": "dana@contoso.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }  # fmt: skip
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.origin], check=True)
        for line in (
            "git init -q -b main",
            f"git remote add origin {REMOTE}",
            f"git config url.{self.origin}.pushInsteadOf {REMOTE}",
            "git config push.default current",
            "git add Makefile Pulumi.yaml",
            "git commit -qm One",
        ):
            assert self.type(line).returncode == 0

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        """Types a line as it stands, and y where something is asked."""
        return subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=self.environment, input="y\n", capture_output=True, text=True, check=False, timeout=60
        )  # fmt: skip

    def typed(self) -> list[str]:
        """What reached az, gh and pulumi, in order."""
        return (self.bin / "typed").read_text().splitlines()


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The clone after every line of the guide, with how each ended."""
    clone = Clone(tmp_path_factory.mktemp("guide"))
    clone.ended = {}
    for line in LINES:
        if "first_up" in line:  # what the real `up` of prod would have made by then
            from infra.names import names, suffix

            made = names("mlops", "prod", suffix("contoso/models"))
            memory = clone.bin / "az.json"
            things = json.loads(memory.read_text()) | {f"keyvault|{made.vault}||||": {"id": "/ids/vault"}}
            memory.write_text(json.dumps(things))
        clone.ended[line] = clone.type(line)
    return clone


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_guide_runs_as_far_as_a_subscription_is_needed(walked, line):
    done = walked.ended[line]
    assert "Traceback" not in done.stderr
    if "doctor" in line:  # a clone without kubelogin: what is in the way is told, and nothing else is wrong
        assert done.returncode in (0, 1)
        assert "ok      configuration: Pulumi.dev.yaml is right" in done.stdout
    elif "first_up" in line:  # the address is asked of the world outside, which is not there
        assert (done.returncode, "give it with --address" in done.stderr) == (2, True)
    else:
        assert done.returncode == 0, done.stderr


def test_bootstrap_asks_then_makes_what_pulumi_stands_on_and_applies_shared(walked):
    line = next(line for line in LINES if "bootstrap" in line)
    said, typed = walked.ended[line].stdout, walked.typed()
    assert said.index("will make the storage account") < said.index("making the storage account")
    assert [one for one in typed if one.startswith("pulumi")][:2] == [
        "pulumi stack select --create shared",
        "pulumi up --stack shared",
    ]
    assert any(one.startswith("az keyvault key create") for one in typed)


def test_the_push_carries_the_four_values_and_what_bootstrap_found(walked):
    def pushed(stack):
        shown = subprocess.run(["git", "show", f"main:Pulumi.{stack}.yaml"], cwd=walked.origin, capture_output=True, text=True, check=True)  # fmt: skip
        return yaml.safe_load(shown.stdout)["config"]

    assert pushed("shared")["mlops:location"] == "westeurope"
    assert pushed("shared")["mlops:reviewers"] == "1234567"
    assert pushed("shared")["mlops:repositoryIds"] == "11/22"
    for stack in ("dev", "prod"):
        assert (pushed(stack)["mlops:budget"], pushed(stack)["mlops:alert"]) == ("300", "models@example.com")


def test_bootstrap_typed_again_changes_nothing(walked):
    before = [f.read_text() for f in sorted(walked.folder.glob("Pulumi*.yaml"))]
    done = walked.type(next(line for line in LINES if "bootstrap" in line))
    assert "everything is there" in done.stdout
    assert "made 0;" in done.stdout
    assert [f.read_text() for f in sorted(walked.folder.glob("Pulumi*.yaml"))] == before


def test_the_first_up_of_prod_opens_and_closes_with_an_address_that_is_given(walked):
    line = next(line for line in LINES if "first_up" in line)
    before = len(walked.typed())
    assert walked.type(f"{line} --address 203.0.113.9").returncode == 0
    pulumi = [one for one in walked.typed()[before:] if one.startswith("pulumi")]
    assert pulumi[0] == "pulumi config set mlops:callerAddress 203.0.113.9 --stack prod"
    assert pulumi[-2:] == ["pulumi config rm mlops:callerAddress --stack prod", "pulumi up --stack prod --yes"]


def test_what_the_readme_speaks_of_is_understood_too(walked):
    assert {words.split()[1] for words in SPOKEN} == {"cost", "doctor", "drift", "infra-down"}
    for words in SPOKEN:
        done = walked.type(words if words.startswith("make") else f".venv-infra/bin/{words}")
        assert "Traceback" not in done.stderr
        assert done.returncode == 0 or "doctor" in words, done.stderr
    assert "pulumi destroy --stack dev" in walked.typed()
    assert walked.type("make infra-down STACK=prod").returncode != 0
