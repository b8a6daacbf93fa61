"""The pipelines' steps as registered components, which the studio's designer lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.code import of_code, staged
from deploy.platforms.azure.environments import environment, version_of
from deploy.platforms.azure.faults import NotThere
from deploy.platforms.azure.sdk import Sdk
from deploy.platforms.local.home import REPOSITORY
from deploy.platforms.local.training import PIPELINES
from deploy.platforms.protocol import Component
from deploy.screen import Screen
from ml import digest
from ml.strict_yaml import load_document

DIGITS = 12


@dataclass(frozen=True)
class Components:
    """The components of a stack's workspace.

    Attributes:
        code: where snapshots of the code are kept.
        root: what they are snapshots of.
    """

    sdk: Sdk
    code: Path
    root: Path = REPOSITORY

    def register(self, screen: Screen, *names: str) -> tuple[Component, ...]:
        """Registers the named components (all where none is named) whose version is not there yet.

        Raises:
            Fault: Azure refuses one.
        """
        wanted = {file.stem: file for file in files() if not names or file.stem in names}
        return tuple(self._one(file, screen) for file in wanted.values())

    def _one(self, file: Path, screen: Screen) -> Component:
        from azure.ai.ml import load_component

        loaded: Any = load_component(file)
        name, wanted = str(loaded.name), version(file)
        screen.working(f"component {name}")
        try:
            self.sdk.call(f"read the component {name}:{wanted}", lambda client: client.components.get(name, wanted))
            return Component(name, wanted, str(loaded.type), registered=False)
        except NotThere:
            loaded.version = wanted
            self.fit(loaded)
        doing = f"register the component {name}:{wanted}"
        self.sdk.call(doing, lambda client: client.components.create_or_update(loaded))
        return Component(name, wanted, str(loaded.type), registered=True)

    def fit(self, component: Any) -> None:
        """Gives a loaded component (or each step of a pipeline) this clone's code and the stack's environment."""
        for step in getattr(component, "jobs", {}).values():
            self.fit(step.trial if step.type == "sweep" else step.component)
        if getattr(component, "environment", None):
            component.environment = environment(self.sdk, _plain(component.environment))
        if component.type == "command" and component.code is not None:  # otherwise files of its own are sent
            component.code = str(staged(self.root, self.code))


def files() -> list[Path]:
    """The YAML of every component."""
    return [*sorted((PIPELINES / "components").glob("*.yml")), PIPELINES / "batch.yml"]


def version(file: Path) -> str:
    """Made of all that a component is: its own text, its code, its environment, the steps that it is made of."""
    written, parts = load_document(file), [digest.of_file(file)]
    if "code" in written:
        folder = (file.parent / written["code"]).resolve()
        parts.append(of_code(REPOSITORY) if folder == REPOSITORY else of_folder(folder))
    parts += [of_folder((file.parent / folder).resolve()) for folder in written.get("additional_includes", ())]
    if "environment" in written:
        parts.append(version_of(_plain(written["environment"])))
    parts += [version((file.parent / step["component"]).resolve()) for step in written.get("jobs", {}).values()]
    return digest.of_bytes("\n".join(parts).encode())[:DIGITS]


def of_folder(folder: Path) -> str:
    """The digest of a folder without what Python leaves in it."""
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return digest.of_files(folder, (path.relative_to(folder).as_posix() for path in paths))


def _plain(environment: object) -> str:
    """An environment's name as `environments/` has it."""
    return str(environment).removeprefix("azureml:").split("@")[0]
