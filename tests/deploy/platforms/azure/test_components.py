"""Registered components: a version says what it is made of, and what is there is left alone."""

import io

import pytest

from deploy.cli import call
from deploy.platforms.azure import components
from deploy.platforms.azure.components import files, version
from deploy.screen import Screen


def test_every_component_is_registered_once_with_its_code_and_environment(cloud):
    platform, server = cloud.platform(), cloud.azure.server
    made = platform.components(Screen(io.StringIO()))
    assert {one.name for one in made} == {"batch"} | {file.stem for file in files() if file.stem != "batch"}
    assert all(one.registered for one in made)
    assert {one.kind for one in made} == {"command", "spark", "pipeline"}
    place = cloud.azure.assets.workspaces["mlw-dev"]
    for one in made:
        spec = place.version("components", one.name, one.version)["properties"]["componentSpec"]
        if one.kind == "command":
            assert "/environments/training/versions/" in spec["environment"]
            assert "/codes/" in spec["code"]
    before = len(server.ledger)
    again = platform.components(Screen(io.StringIO()))
    assert [(one.name, one.version) for one in again] == [(one.name, one.version) for one in made]
    assert not any(one.registered for one in again)
    assert {call.method for call in server.ledger[before:]} == {"GET"}


@pytest.fixture
def folder(tmp_path):
    """A command with code beside it, and a pipeline of it."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "step.py").write_text("print(1)\n")
    (tmp_path / "one.yml").write_text("type: command\nname: one\ncode: ./code\nenvironment: azureml:training@latest\n")
    (tmp_path / "whole.yml").write_text("type: pipeline\nname: whole\njobs: {one: {component: ./one.yml}}\n")
    (tmp_path / "other.yml").write_text("type: command\nname: other\nadditional_includes: [./code]\n")
    return tmp_path


def test_a_version_changes_with_all_that_it_is_made_of(folder, monkeypatch):
    names = ("one", "whole", "other")

    def versions():
        return [version(folder / f"{name}.yml") for name in names]

    before = versions()
    assert len(set(before)) == 3
    (folder / "code" / "__pycache__").mkdir()
    (folder / "code" / "__pycache__" / "step.pyc").write_text("left by Python")
    assert versions() == before
    (folder / "code" / "step.py").write_text("print(2)\n")
    code = versions()
    assert not set(code) & set(before)
    monkeypatch.setattr(components, "version_of", lambda name: f"another {name}")
    environment = versions()
    assert [new != old for new, old in zip(environment, code, strict=True)] == [True, True, False]
    (folder / "one.yml").write_text((folder / "one.yml").read_text() + "display_name: One\n")
    assert [new != old for new, old in zip(versions(), environment, strict=True)] == [True, True, False]


def test_on_this_machine_they_are_files(capsys, home):
    assert call(["components"]) == 2
    assert "→ --platform azure" in capsys.readouterr().err
