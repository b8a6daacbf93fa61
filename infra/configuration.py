"""A stack's configuration as its file says it, without Pulumi."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.faults import ConfigurationFault
from infra.settings import SharedSettings, StackSettings, parse

ROOT = Path(__file__).parents[1]
PROJECT = "mlops"


def remote_repository(url: str) -> str:
    """owner/name of a git remote on GitHub, or nothing."""
    tail = url.removesuffix(".git").replace(":", "/").split("/")
    return "/".join(tail[-2:]) if "github" in url and len(tail) >= 2 else ""


def git_defaults() -> dict[str, str]:
    """The repository that the git remote names."""
    git = subprocess.run(["git", "remote", "get-url", "origin"], capture_output=True, text=True, check=False)
    repository = remote_repository(git.stdout.strip())
    return {"repository": repository} if repository else {}


def defaults(stack: str, root: Path = ROOT) -> dict[str, str]:
    """What a stack's file need not say: the repository, and for shared whether prod's network is private."""
    found = git_defaults()
    asked = stack == "shared" and (root / "Pulumi.prod.yaml").exists()
    network = typed("prod", root).get("network") if asked else None
    return found | ({"network": network} if network else {})


def typed(stack: str, root: Path = ROOT) -> dict[str, str]:
    """The keys of Pulumi.<stack>.yaml as Pulumi hands them over.

    Raises:
        ConfigurationFault: the file is absent or is no YAML.
    """
    file = root / f"Pulumi.{stack}.yaml"
    if not file.exists():
        raise ConfigurationFault(file.name, ["there is no such file; stacks are shared, dev and prod"])
    try:
        # Every scalar as text: `off` stays a word.
        document: Any = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader) or {}  # noqa: S506
    except yaml.YAMLError as fault:
        raise ConfigurationFault(file.name, [f"is no YAML: {fault}"]) from None
    config = document.get("config") or {}
    mine = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in mine.items()}


def read(stack: str, root: Path = ROOT, stand_ins: Mapping[str, str] | None = None) -> SharedSettings | StackSettings:
    """The settings in Pulumi.<stack>.yaml; `stand_ins` are for who asks before anything is typed.

    Raises:
        ConfigurationFault: the file is absent, is no YAML, or holds a fault.
    """
    return parse(stack, typed(stack, root), {**(stand_ins or {}), **defaults(stack, root)})


def read_stack(stack: str, root: Path = ROOT, stand_ins: Mapping[str, str] | None = None) -> StackSettings:
    """The settings of dev or prod."""
    if stack not in ("dev", "prod"):
        raise ConfigurationFault(f"stack `{stack}`", ["must be dev or prod"])
    settings = read(stack, root, stand_ins)
    assert isinstance(settings, StackSettings)
    return settings


def read_shared(root: Path = ROOT) -> SharedSettings:
    """The settings of shared."""
    settings = read("shared", root)
    assert isinstance(settings, SharedSettings)
    return settings
