"""The documents say what the code does: every key, every command."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from infra.settings import SharedSettings, StackSettings, camel

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/infrastructure-on-azure.md").read_text()
PAGE = (ROOT / "docs/infrastructure.md").read_text()
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", GUIDE, re.S) for line in block.splitlines()]


def test_every_key_stands_in_the_table_with_its_stacks():
    rows = re.findall(r"^\| (all|shared|dev, prod) \| `(\w+)` \| .+ \|$", PAGE, re.M)
    shared = {camel(field.name) for field in fields(SharedSettings)}
    stack = {camel(field.name) for field in fields(StackSettings)}
    assert {key for where, key in rows if where in ("all", "shared")} == shared
    assert {key for where, key in rows if where in ("all", "dev, prod")} == stack


def test_the_readmes_commands_are_the_guides():
    readme = (ROOT / "README.md").read_text().split("## On Azure")[1].split("\n## ")[0]
    (block,) = re.findall(r"```bash\n(.*?)```", readme, re.S)
    assert block.splitlines() == COMMANDS[: len(block.splitlines())]


def test_every_file_that_the_page_names_is_there():
    for name in re.findall(r"`(infra/[\w./]+)`", PAGE):
        assert (ROOT / name).exists(), name


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
