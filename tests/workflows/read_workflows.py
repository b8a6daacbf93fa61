"""The workflows and actions of this repository, read for the tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[2]
GITHUB = REPOSITORY / ".github"
FILES = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
USES = re.compile(r"^\s*(?:- )?uses: (\S+)(?: # (\S+))?$", re.MULTILINE)


def read(path: Path) -> dict[str, Any]:
    """A YAML 1.2 file, where `on` is a word."""
    document: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return document


@dataclass(frozen=True)
class Job:
    """One job of a workflow."""

    workflow: str
    name: str
    body: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.workflow}/{self.name}"

    @property
    def needs(self) -> tuple[str, ...]:
        needs = self.body.get("needs", ())
        return (needs,) if isinstance(needs, str) else tuple(needs)

    @property
    def permissions(self) -> dict[str, str]:
        return dict(self.body.get("permissions", {}))

    @property
    def steps(self) -> list[dict[str, Any]]:
        return list(self.body.get("steps", ()))

    @property
    def lines(self) -> list[str]:
        """Every line that a shell runs."""
        return [line for step in self.steps for line in str(step.get("run", "")).strip().splitlines() if line]


def jobs() -> list[Job]:
    return [Job(file.stem, name, body) for file in FILES for name, body in read(file)["jobs"].items()]
