"""The stacks of an Azure that runs inside the tests, with three registered models."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy.cli import call
from deploy.pin import Pins
from deploy.platforms.local.home import Home
from deploy.release import policy
from deploy.release.state import ModelRef, Tags
from deploy.runs import Run
from tests.quick_rollout import ROLLOUT
from tests.stand_in.pointing import point
from tests.stand_in.service import StandIn

PROBLEM = "breast-cancer"

# A process that is ready at once, and answers nothing.
SHAM = ["python3", "-c", "import json, sys; print(json.dumps({'port': 1}), flush=True); sys.stdin.read()"]


@dataclass
class Cloud:
    """What a person has: the command, this repository's pins, and an Azure."""

    azure: StandIn
    folder: Path
    models: dict[str, ModelRef]
    registered: Path
    kind: str = "managed"
    runs: dict[str, Run] = field(default_factory=dict)

    def mlops(self, *words: str) -> int:
        """The command in this process, on Azure."""
        return call([words[0], *words[1:], "--platform", "azure"])

    def platform(self, stack: str = "dev"):
        from deploy.platforms.azure.platform import AzurePlatform

        return AzurePlatform(stack, Home(self.folder / "home").on("azure"))

    def register(self, *versions: str) -> None:
        """Registers the models in dev, as the gate does."""
        platform = self.platform()
        for version in versions:
            model = self.models[version]
            of = self.registered / "models" / PROBLEM / model.digest
            run = Run(
                f"run-{version}", PROBLEM, "", "", 1.0, "default", "commit", "d" * 64, str(of / "model"),
                str(self.folder / "evaluation"), "", str(self.registered / "live"), model.digest, (),
            )  # fmt: skip
            self.runs[version] = run
            self.models[version] = platform.register(run, (of / "evidence.json").read_bytes(), "PASS")

    @property
    def pins(self) -> Pins:
        return Pins(self.folder / "pins")

    def sham(self) -> None:
        """Deployments answer nothing from now on, where only what is written and read matters."""
        self.azure.containers.command = lambda body: SHAM

    def serve_sham(self) -> None:
        """Dev's endpoint, with version 1 at 100 %, which answers nothing."""
        self.sham()
        self.register("1")
        platform = self.platform()
        platform.create_endpoint(PROBLEM)
        platform.create_deployment(PROBLEM, "one", self.models["1"])
        platform.set_traffic(PROBLEM, {"one": 100})
        platform.write_tags(PROBLEM, Tags((self.models["1"],)))

    def pin(self, version: str, stack: str) -> None:
        self.pins.write(stack, PROBLEM, self.models[version])

    def released(self, version: str, stack: str = "dev") -> None:
        """Pins a version and releases it, prod's after dev's."""
        self.pin(version, stack)
        assert self.mlops("release", PROBLEM, "--stack", stack) == 0

    def served(self, stack: str = "dev") -> dict[str, int]:
        """Percent by version."""
        observed = self.platform(stack).observe(PROBLEM)
        return {observed.deployment(name).model.version: percent for name, percent in observed.traffic.items()}


def start(folder, registered, patched, kind):
    """An Azure of one kind of endpoints, and everything of ours pointed at it."""
    azure = StandIn.start(folder / "azure")
    if kind == "kubernetes":
        azure.bring_up(dev=azure.kubernetes("dev"), prod=azure.kubernetes("prod"))
    for name, value in {
        **azure.variables(), "MLOPS_HOME": str(folder / "home"), "MLOPS_PINS": str(folder / "pins"),
    }.items():  # fmt: skip
        patched.setenv(name, value)
    patched.setenv("AZUREML_CURRENT_CLOUD", "")  # so that it is put back in the end
    del os.environ["AZUREML_CURRENT_CLOUD"]
    point(azure.server.url)
    (folder / "rollout").mkdir()
    (folder / "rollout" / "azure.yaml").write_text(ROLLOUT)
    patched.setattr(policy, "FOLDER", folder / "rollout")
    (folder / "evaluation").mkdir()
    (folder / "evaluation" / "measures.json").write_text(json.dumps({}))
    return Cloud(azure, folder, dict(registered[1]), registered[0], kind)


@pytest.fixture
def cloud(tmp_path, monkeypatch, registered):
    """Dev and prod with managed endpoints, and nothing in them."""
    made = start(tmp_path, registered, monkeypatch, "managed")
    yield made
    made.azure.stop()
    assert not made.azure.server.mishaps


@pytest.fixture(params=["managed", "kubernetes"])
def either(request, tmp_path, monkeypatch, registered):
    """The same on both kinds of endpoints."""
    made = start(tmp_path, registered, monkeypatch, request.param)
    yield made
    made.azure.stop()
    assert not made.azure.server.mishaps


@pytest.fixture
def standing(cloud):
    """An endpoint with two deployments, whose processes answer nothing: only what is written matters here."""
    cloud.sham()
    cloud.register("1")
    platform = cloud.platform()
    platform.create_endpoint(PROBLEM)
    for name in ("one", "two"):
        platform.create_deployment(PROBLEM, name, cloud.models["1"])
    platform.set_traffic(PROBLEM, {"one": 100})
    cloud.azure.server.ledger.clear()
    return platform


@pytest.fixture
def server(cloud):
    return cloud.azure.server
