"""GitHub on this machine: a bare repository, stand-ins for its actions, environments and `gh`, and what they keep."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML
from run_here import Run, Running

from tests.quick_rollout import ROLLOUT

REPOSITORY = Path(__file__).parents[3]
STAND_INS = Path(__file__).parent / "stand_ins"
WORKFLOWS = REPOSITORY / ".github" / "workflows"
USES = re.compile(r"uses: (?!\./)([\w.-]+/[\w.-]+)@([0-9a-f]{40})")
WHO = ("-c", "user.name=A person", "-c", "user.email=person@example.com")
BOT = "github-actions[bot]"


class Story:
    """A repository on GitHub, and what its workflows have done."""

    def __init__(self, folder: Path, steps: Path | None = None, variables: dict[str, str] | None = None) -> None:
        self.folder, self.remote, self.desk = folder, folder / "remote.git", folder / "desk"
        self.home, self.count = folder / "home", 0
        self.running: list[Running] = []
        self.with_the_suite = True
        self.commands = STAND_INS / "bin"
        self.around: dict[str, str] = {}
        self.variables = {"MLOPS_PLATFORM": "local", "MLOPS_PROBLEMS": "breast-cancer", **(variables or {})}
        if steps is not None:  # what a story has trained another need not train again
            self.home.mkdir()
            (self.home / "steps").symlink_to(steps)
        self._seed()
        for environment in ("shared", "prod", "rollback"):
            (folder / "guarded").mkdir(exist_ok=True)
            (folder / "guarded" / environment).touch()
        self._stand_ins()

    def _seed(self) -> None:
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=REPOSITORY, capture_output=True, check=True
        )
        for name in listed.stdout.decode().split("\0")[:-1]:
            if (REPOSITORY / name).is_file():
                (self.desk / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, self.desk / name)
        shutil.rmtree(self.desk / "deploy" / "pins", ignore_errors=True)
        (self.desk / "deploy" / "rollout" / "local.yaml").write_text(ROLLOUT)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.remote], check=True)
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", str(self.remote))
        begun = self.commit("Begin")
        with self.github() as state:  # what lies before the story was delivered
            state["runs"].append(
                {"id": "0", "workflow": "main.yml", "sha": begun, "branch": "main", "conclusion": "success"}
            )

    def _stand_ins(self) -> None:
        """Each action that the workflows use gets a folder of the same name, as `act` wants it: a repository."""
        self.actions: dict[str, Path] = {}
        used = {match for file in (REPOSITORY / ".github").rglob("*.yml") for match in USES.findall(file.read_text())}
        for name, commit in used:
            folder = {"azure/login": "azure-login", "pulumi/actions": "pulumi"}.get(name, name.split("/")[1])
            stand_in = STAND_INS / folder
            self.actions[f"{name}@{commit}"] = self._action(stand_in)
        self.actions["stand-in/approval@v1"] = self._action(STAND_INS / "approval")

    def _action(self, stand_in: Path) -> Path:
        made = self.folder / "actions" / stand_in.name
        if not made.exists():
            shutil.copytree(stand_in, made)
            for words in (["init", "-q"], ["add", "."], [*WHO, "commit", "-qm", "Stand in"]):
                subprocess.run(["git", *words], cwd=made, check=True)
        return made

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.desk, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.strip()

    def learns(self, parameters: str, message: str, problem: str = "ml/problems/breast-cancer.yaml") -> str:
        """A person merges another learner."""
        self.git("switch", "-q", "-C", "main")
        self.git("fetch", "-q", "origin")
        self.git("reset", "-q", "--hard", "origin/main")
        file = self.desk / problem
        text = file.read_text()
        begin, end = text.index("  estimator: linear"), text.index("\nsuccess:")
        file.write_text(f"{text[:begin]}  estimator: linear\n  parameters: {parameters}\n{text[end:]}")
        return self.commit(message)

    def stand(self) -> None:
        """Every stack stands as main says: what would be made is kept as if it had been."""
        (self.folder / "stacks").mkdir(exist_ok=True)
        around = {**os.environ, **self.environment("desk", self.main())}
        for stack in ("shared", "dev", "prod"):
            plan, events = self.folder / "plan.json", self.folder / "events"
            words = ["preview", "--stack", stack, "--json", "--save-plan", plan, "--event-log", events]
            for one in (words, ["up", "--stack", stack, "--plan", plan]):
                subprocess.run(["pulumi", *one], cwd=self.desk, env=around, check=True, capture_output=True)

    def leave_out_the_suite(self) -> None:
        """The tests that a pull request runs take minutes, and run elsewhere: `true` stands for each target of them."""
        self.with_the_suite = False

    def commit(self, message: str) -> str:
        """A person commits everything and pushes it to main, as a merge does; the new commit."""
        self.git("add", "-A")
        self.git(*WHO, "commit", "-q", "-m", message)
        self.git("push", "-q", "origin", "HEAD:main")
        return self.git("rev-parse", "HEAD")

    def change(self, name: str, old: str, new: str, message: str) -> str:
        """A person changes one file of main."""
        file = self.desk / name
        text = file.read_text()
        assert old in text, name
        file.write_text(text.replace(old, new, 1))
        return self.commit(message)

    def merge(self, branch: str, squash: bool = True) -> str:
        """A person merges the open pull request of a branch; the commit on main."""
        request = self.request(branch)
        self.git("fetch", "-q", "origin")
        self.git("reset", "-q", "--hard", "origin/main")
        if squash:
            self.git(*WHO, "merge", "-q", "--squash", f"origin/{branch}")
            self.git(*WHO, "commit", "-q", "-m", f"{request['title']} (#{request['number']})")
        else:
            self.git(*WHO, "merge", "-q", "--no-ff", f"origin/{branch}", "-m", request["title"])
        self.git("push", "-q", "origin", "HEAD:main")
        commit = self.git("rev-parse", "HEAD")
        with self.github() as state:
            for one in state["requests"]:
                if one["number"] == request["number"]:
                    one.update(state="merged", mergedAt="now", mergeCommit=commit)
        return commit

    def revert(self, commit: str, message: str) -> str:
        """A person reverts a commit of main."""
        self.git("reset", "-q", "--hard", "origin/main")
        self.git(*WHO, "revert", "--no-edit", commit)
        self.git(*WHO, "commit", "-q", "--amend", "-m", message)
        self.git("push", "-q", "origin", "HEAD:main")
        return self.git("rev-parse", "HEAD")

    def main(self) -> str:
        return subprocess.run(
            ["git", "-C", self.remote, "rev-parse", "main"], capture_output=True, text=True, check=True
        ).stdout.strip()

    def pin(self, stack: str, at: str = "main") -> dict:
        """The pin of a stack on a branch."""
        shown = subprocess.run(
            ["git", "-C", self.remote, "show", f"{at}:deploy/pins/{stack}.yaml"], capture_output=True, text=True
        )
        return (YAML(typ="safe").load(shown.stdout) or {}).get("breast-cancer", {})

    def github(self):
        """What `gh` keeps, to be looked at or changed."""
        return _Kept(self.folder / "github.json")

    def request(self, branch: str) -> dict:
        """The open pull request of a branch."""
        with self.github() as state:
            (one,) = [r for r in state["requests"] if r["head"] == branch and r["state"] == "open"]
        return one

    def requests(self) -> list[dict]:
        with self.github() as state:
            return [r for r in state["requests"] if r["state"] == "open"]

    def begin(self, workflow="main.yml", event="push", commit: str | None = None, dies_after="", **more) -> Running:
        """Starts a run of a workflow for a commit, as GitHub does after an event."""
        self.count += 1
        run = f"{self.count}"
        return self.starts(Running(self, run, workflow, event, commit or self.main(), more, dies_after=dies_after))

    def starts(self, running: Running) -> Running:
        """Remembers what may be left running."""
        self.running.append(running)
        return running

    def run(self, workflow="main.yml", event="push", commit=None, approve="yes", **more) -> Run:
        """Runs a workflow to its end, and answers every environment that asks with `approve`."""
        return self.begin(workflow, event, commit, **more).finish(approve)

    def mlops(self, *words: str) -> dict:
        """The command at a desk where the newest main is checked out."""
        self.git("fetch", "-q", "origin")
        self.git("reset", "-q", "--hard", "origin/main")
        done = subprocess.run(
            [sys.executable, "-m", "deploy", *words, "--json"],
            cwd=self.desk, env={**os.environ, **self.environment("desk", self.main())}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def served(self, stack: str) -> str:
        """The digest that has all the traffic of a stack."""
        (endpoint,) = self.mlops("status", "--stack", stack)["endpoints"]
        (deployment,) = [d for d in endpoint["deployments"] if d["traffic"] == 100]
        return deployment["digest"]

    def environment(self, run: str, commit: str) -> dict[str, str]:
        path = os.pathsep.join([str(self.commands), os.environ["PATH"]])
        return {
            "STORY": str(self.folder), "STORY_RUN": run, "STORY_SHA": commit, "MLOPS_HOME": str(self.home),
            "MLOPS_PINS": "deploy/pins", "PATH": path, "HOME": str(self.folder),
            "STORY_VENV": str(REPOSITORY / ".venv"), "PYTHONPATH": str(STAND_INS / "python"),
            "GITHUB_REPOSITORY": "owner/name", **self.around,
        }  # fmt: skip

    def close(self) -> None:
        """Ends what runs, and what the local platform left running."""
        for running in self.running:
            running.end()
        subprocess.run(
            [sys.executable, "-m", "deploy", "down"], cwd=REPOSITORY, check=False, capture_output=True,
            env={**os.environ, "MLOPS_HOME": str(self.home), "MLOPS_PLATFORM": "local"},
        )  # fmt: skip


class _Kept:
    """The file of the stand-in for `gh`, read on entry and written on exit."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> dict:
        empty = {"requests": [], "issues": [], "comments": [], "runs": []}
        self.state = json.loads(self.file.read_text()) if self.file.exists() else empty
        return self.state

    def __exit__(self, *_) -> None:
        self.file.write_text(json.dumps(self.state, indent=1))
