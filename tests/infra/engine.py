"""The real engine on a folder as its backend, with the stand-in in the place of every provider."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from capture import REPOSITORY, TYPED

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Answer:
    """How a `pulumi` command ended, how long it took, and for how long it had a processor (all its processes)."""

    code: int
    text: str
    seconds: float
    processor: float


class Engine:
    """One project in a temporary home."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.project, self.cloud = folder, folder / "project", folder / "cloud"
        for made in (self.project, self.cloud, folder / "state", folder / "bin", folder / "home"):
            made.mkdir(parents=True)
        for provider in ("azure-native", "kubernetes", "github"):
            script = folder / "bin" / f"pulumi-resource-{provider}"
            script.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / "stand_in_provider.py"} "$@"\n')
            script.chmod(0o755)
        (self.project / "infra").symlink_to(ROOT / "infra")
        project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
        project["runtime"]["options"]["virtualenv"] = sys.prefix
        project.pop("backend", None)
        (self.project / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        self.environment = {
            **os.environ,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the tests",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "STAND_IN_CLOUD": str(self.cloud),
        }

    def pulumi(self, *arguments: str, ok: bool = True) -> Answer:
        """Runs a command in the project; with `ok` a failure fails the test with the engine's own words."""
        started, used = time.monotonic(), _used()
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.project, env=self.environment, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        answer = Answer(done.returncode, done.stdout + done.stderr, time.monotonic() - started, _used() - used)
        assert not ok or answer.code == 0, answer.text
        return answer

    def init(self, stack: str, **more: str) -> None:
        """Makes a stack with the configuration of the tests."""
        self.pulumi("stack", "init", stack)
        self.configure(stack, **more)

    def configure(self, stack: str, **more: str) -> None:
        """Writes a stack's configuration and keeps the salt of its secrets."""
        file = self.project / f"Pulumi.{stack}.yaml"
        kept = yaml.safe_load(file.read_text()) if file.exists() else {}
        values = {"repository": REPOSITORY, **TYPED[stack], **more}
        config = {f"mlops:{k}": json.loads(v) if v.startswith("[") else v for k, v in values.items()}
        file.write_text(yaml.safe_dump({**(kept or {}), "config": config}))

    def export(self, stack: str) -> dict:
        """The stack's state as it is stored, secrets still encrypted."""
        return json.loads(self.pulumi("stack", "export", "--stack", stack).text)

    @contextlib.contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """The program with one change, as somebody might make it."""
        link = self.project / "infra"
        link.unlink()
        shutil.copytree(ROOT / "infra", link, ignore=shutil.ignore_patterns("__pycache__"))
        text = (link / file).read_text()
        assert old in text
        (link / file).write_text(text.replace(old, new))
        self.environment["PYTHONPATH"] = str(self.project)
        try:
            yield
        finally:
            del self.environment["PYTHONPATH"]
            shutil.rmtree(link)
            link.symlink_to(ROOT / "infra")

    def log(self) -> str:
        """Every write that reached the stand-in."""
        file = self.cloud / "log"
        return file.read_text() if file.exists() else ""


def _used() -> float:
    """The processor seconds of every process that was started from here and has ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def available() -> str:
    """Why the engine cannot run here, or nothing."""
    for command in ("pulumi", "pulumi-language-python"):
        if not shutil.which(command):
            return f"the command `{command}` is not on the PATH"
    return ""
