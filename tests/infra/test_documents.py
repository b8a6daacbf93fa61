"""The documents say what the code does: every key, every command."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from infra.settings import SharedSettings, StackSettings, camel

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/infrastructure-on-azure.md").read_text()
PAGE = (ROOT / "docs/infrastructure.md").read_text()
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", GUIDE, re.S) for line in block.splitlines()]
# A stand-in for az: nobody is logged in.
AZ = "#!/bin/sh\necho 'ERROR: Please run az login to setup account.' >&2\nexit 1\n"


def test_every_key_stands_in_the_table_with_its_stacks():
    rows = re.findall(r"^\| (all|shared|dev, prod) \| `(\w+)` \| .+ \|$", PAGE, re.M)
    shared = {camel(field.name) for field in fields(SharedSettings)}
    stack = {camel(field.name) for field in fields(StackSettings)}
    assert {key for where, key in rows if where in ("all", "shared")} == shared
    assert {key for where, key in rows if where in ("all", "dev, prod")} == stack


def test_every_file_that_the_page_names_is_there():
    for name in re.findall(r"`(infra/[\w./]+)`", PAGE):
        assert (ROOT / name).exists(), name


@pytest.fixture
def clone(tmp_path):
    """A fresh clone with a remote on GitHub and an `az` that nobody is logged in to."""
    for name in ("Pulumi.yaml", "Pulumi.shared.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "infra").symlink_to(ROOT / "infra")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(
        ["git", "remote", "add", "origin", "https://github.com/contoso/models.git"], cwd=tmp_path, check=True
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/az").write_text(AZ)
    (tmp_path / "bin/az").chmod(0o755)
    return tmp_path


def ran(clone, line):
    command = [sys.executable, *shlex.split(line)[1:]]
    environment = {**os.environ, "PATH": f"{clone / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(clone)}
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("python -m")])
def test_a_command_of_the_guide_runs_as_far_as_a_subscription_is_needed(clone, line):
    done = ran(clone, line)
    assert "Traceback" not in done.stderr
    if "cost" in line:
        assert done.returncode == 0
        assert "a month" in done.stdout
    else:
        assert done.returncode == 2
        assert re.search(r"az login|is missing", done.stderr)


def test_the_other_commands_are_those_of_git_az_make_and_pulumi():
    others = [shlex.split(line)[:2] for line in COMMANDS if not line.startswith("python -m")]
    assert {tuple(words) for words in others} == {
        ("make", "infra-setup"), ("az", "login"), ("git", "add"), ("git", "commit"), ("git", "push"), ("pulumi", "stack"),
    }  # fmt: skip


def test_the_guide_types_no_more_than_four_values_in_three_actions():
    (line,) = [line for line in COMMANDS if "infra.bootstrap" in line]
    assert len(re.findall(r"--\w+", line)) == 4
    assert re.findall(r"^(\d)\. \*\*", GUIDE, re.M) == ["1", "2", "3"]


@pytest.mark.parametrize("name", ["facts", "cost"])
def test_a_schema_is_json_with_every_key_required(name):
    schema = json.loads((ROOT / f"docs/infrastructure-{name}.schema.json").read_text())
    assert set(schema["required"]) == set(schema["properties"])


def test_the_stacks_files_ship_with_nothing_typed_and_nothing_secret():
    for stack in ("shared", "dev", "prod"):
        assert yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text()) == {"config": {}}
