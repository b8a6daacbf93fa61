"""The stand-in's containers: real scoring processes, each with the uploaded code and its model."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stand_in.assets import Assets
from tests.stand_in.server import Answer, Asked, Refused, Server, token

DOCKERFILE_COMMAND = re.compile(r"^CMD (\[.*\])$", re.MULTILINE)


@dataclass
class Container:
    """One deployment's: what was asked for, and its process."""

    body: dict[str, Any]
    process: subprocess.Popen[str] | None = None
    port: int = 0
    log: Path | None = None

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


class Containers:
    """The containers of both workspaces.

    Attributes:
        reuses: whether one that was given up is taken again for a deployment that is made the same way.
        command: replaces what a deployment's container runs, given the deployment's body; None runs it.
    """

    def __init__(self, server: Server, assets: Assets, folder: Path) -> None:
        self.server, self.assets, self.folder = server, assets, folder
        self.reuses = False
        self.command: Callable[[dict[str, Any]], list[str] | None] = lambda body: None
        self._warm: dict[str, Container] = {}
        self._begun: list[Container] = []
        self._secret = uuid.uuid4().hex
        self._lock = threading.Lock()
        server.route("GET", "/msi/token", self._identity, token=False)

    def stop(self) -> None:
        for container in self._begun:
            container.stop()

    def run(self, w: str, e: str, d: str, container: Container) -> None:
        """Runs what the image runs, with the uploaded code and the model where a container has them."""
        properties, folder = container.body["properties"], self.folder / w / e / f"{d}-{uuid.uuid4().hex[:6]}"
        if self._taken_again(container):
            return
        context = self._bring(properties["environmentId"], folder / "context")
        code = self._code(properties["codeConfiguration"]["codeId"])
        model = self._bring(properties["model"], folder / "model" / "inner")
        command = self.command(container.body) or self._command_of(context, properties["environmentId"])
        container.log = folder / "log"
        variables = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MLOPS_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONSAFEPATH": "",
            "PYTHONPATH": "",
            "AML_APP_ROOT": str(code),
            "AZUREML_MODEL_DIR": str(model.parent),
            **(properties.get("environmentVariables") or {}),
            "MLOPS_HOST": "127.0.0.1",
            "MLOPS_PORT": "0",
            "MLOPS_WITH_PARENT": "1",
            "MSI_ENDPOINT": f"{self.server.url}/msi/token",
            "MSI_SECRET": self._secret,
            "MLOPS_COLLECT_EVERY": "0.2",  # nobody waits for the server's own pace
            **({"MLOPS_COLLECT": str(folder / "collected")} if "MLOPS_COLLECT" in variables_of(properties) else {}),
        }
        with container.log.open("w") as log:
            container.process = subprocess.Popen(
                command, cwd=code, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self._begun.append(container)
        assert container.process.stdout is not None
        line = container.process.stdout.readline()
        if not line:
            raise ValueError(container.log.read_text().strip()[-500:] or "it ended")
        container.port = json.loads(line)["port"]

    def _taken_again(self, container: Container) -> bool:
        warm = self._warm.pop(made_like(container.body), None)
        if warm is not None:
            container.process, container.port, container.log = warm.process, warm.port, warm.log
        return warm is not None

    def _code(self, id: str) -> Path:
        """The uploaded code, once for all containers: they only read it, and Python compiles it once."""
        folder = self.folder / "code" / hashlib.sha256(id.encode()).hexdigest()[:12]
        with self._lock:
            return folder if folder.exists() else self._bring(id, folder)

    def _bring(self, id: str, folder: Path) -> Path:
        brought = self.assets.bring(id, folder)
        if not any(folder.rglob("*")):
            raise ValueError(f"{id} holds no files")
        return brought

    def _command_of(self, context: Path, environment: str) -> list[str]:
        """What the image's Dockerfile ends with."""
        found = re.search(r"environments/([^/]+)/versions/([^/]+)$", environment)
        assert found is not None
        place = next(p for p in self.assets.workspaces.values() if environment.lower().startswith(p.id.lower()))
        build = place.version("environments", found[1], found[2])["properties"]["build"]
        command = DOCKERFILE_COMMAND.search((context / build["dockerfilePath"]).read_text())
        if command is None:
            raise ValueError("the image says not what it runs")
        words: list[str] = json.loads(command[1])
        return words

    def give_up(self, container: Container) -> None:
        """Ends one, or keeps it for a deployment like its own."""
        if self.reuses and container.process and container.process.poll() is None:
            self._warm[made_like(container.body)] = container
        else:
            container.stop()

    def _identity(self, asked: Asked) -> Answer:
        """The token of the identity that a container runs as, from beside it."""
        client = asked.query.get("clientid", "")
        if asked.headers.get("secret") != self._secret or not re.fullmatch(r"client-(dev|prod)-endpoint", client):
            raise Refused(400, "invalid_request", "Identity not found")
        return Answer(
            body={"access_token": token(), "expires_on": str(int(time.time()) + 3600), "token_type": "Bearer"}
        )


def made_like(body: Mapping[str, Any]) -> str:
    """What makes two containers the same."""
    told = ("model", "codeConfiguration", "environmentId", "environmentVariables")
    return json.dumps([body["properties"].get(key) for key in told], sort_keys=True)


def variables_of(properties: Mapping[str, Any]) -> Mapping[str, str]:
    """A deployment's own environment variables."""
    return properties.get("environmentVariables") or {}
