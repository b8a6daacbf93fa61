"""Pulumi's own engine in a story: a folder as its backend, a stand-in in the place of every provider."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from github_here import REPOSITORY, STAND_INS, Story

VENV = REPOSITORY / ".venv-infra"
PROVIDER = REPOSITORY / "tests" / "infra" / "stand_in_provider.py"
PROVIDERS = ("azure-native", "kubernetes", "github")


def lacking() -> str:
    """Why the engine cannot run here, or nothing."""
    for command in ("pulumi", "pulumi-language-python"):
        if not shutil.which(command):
            return f"needs the engine: `{command}` is not on the PATH"
    return "" if (VENV / ".ready").exists() else "needs the packages of infra: make infra-setup"


class Engine:
    """The stacks of a story as the engine keeps them."""

    def __init__(self, story: Story) -> None:
        self.story, place = story, story.folder / "engine"
        for made in ("bin", "home", "state", "cloud"):
            (place / made).mkdir(parents=True)
        for name in ("az", "gh"):
            (place / "bin" / name).symlink_to(STAND_INS / "bin" / name)
        for name in PROVIDERS:
            script = place / "bin" / f"pulumi-resource-{name}"
            script.write_text(f'#!/bin/sh\nexec {VENV}/bin/python {PROVIDER} "$@"\n')
            script.chmod(0o755)
        story.commands = place / "bin"
        story.around |= {
            "PULUMI_HOME": str(place / "home"), "PULUMI_BACKEND_URL": f"file://{place / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the tests", "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true", "STAND_IN_CLOUD": str(place / "cloud"),
            "STORY_VENV_INFRA": str(_packages(place / "venv")),
        }  # fmt: skip
        shutil.copytree(place / "venv", story.desk / ".venv-infra", symlinks=True)
        (next((story.desk / ".venv-infra" / "lib").glob("python3*")) / "site-packages" / "clone.pth").write_text(
            f"{story.desk}\n"
        )

    def pulumi(self, *words: str) -> str:
        """A command at the desk."""
        around = {**os.environ, **self.story.environment("desk", "")}
        command = ["pulumi", *words, "--non-interactive", "--color", "never"]
        done = subprocess.run(command, cwd=self.story.desk, env=around, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stdout[-3000:], done.stderr[-3000:])
        return done.stdout

    def bring_up(self, stack: str, values: dict[str, str]) -> None:
        """A person makes a stack, with the values of its file."""
        self.pulumi("stack", "init", stack)
        for key, value in values.items():
            self.pulumi("config", "set", f"mlops:{key}", value, "--stack", stack)
        self.pulumi("up", "--yes", "--skip-preview", "--stack", stack)

    def resource(self, stack: str, name: str) -> dict:
        """What the engine holds of one resource."""
        held = json.loads(self.pulumi("stack", "export", "--stack", stack))["deployment"]["resources"]
        (one,) = [resource for resource in held if resource["urn"].endswith(f"::{name}")]
        return one


def _packages(made: Path) -> Path:
    """The environment of `infra` without this repository in it, for every clone to add itself."""
    (site,) = VENV.glob("lib/python3*/site-packages")
    ours = made / site.relative_to(VENV)
    ours.mkdir(parents=True)
    for one in site.iterdir():
        if "mlops_accelerator" not in one.name:
            (ours / one.name).symlink_to(one)
    for name in ("bin", "pyvenv.cfg"):
        (made / name).symlink_to(VENV / name)
    return made
