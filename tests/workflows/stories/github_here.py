"""GitHub on this machine: a bare repository, `act` for its runner, stand-ins for its actions, environments and `gh`."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

REPOSITORY = Path(__file__).parents[3]
STAND_INS = Path(__file__).parent / "stand_ins"
WORKFLOWS = REPOSITORY / ".github" / "workflows"
USES = re.compile(r"uses: (?!\./)([\w.-]+/[\w.-]+)@([0-9a-f]{40})")
WHO = ("-c", "user.name=A person", "-c", "user.email=person@example.com")
BOT = "github-actions[bot]"
# Quick, and so wide that a busy machine is no fault of a candidate.
ROLLOUT = """\
dev:
  steps: [100]
  watch: {seconds: 0, requests: 10, deadline_seconds: 30}
  bake: {seconds: 0, requests: 10, deadline_seconds: 30}
  limits: &limits {latency_ratio: 50, latency_slack_ms: 5000, latency_ms: 5000}
prod:
  mirror: 30
  steps: [10, 100]
  watch: {seconds: 0, requests: 10, deadline_seconds: 30}
  bake: {seconds: 0, requests: 20, deadline_seconds: 30}
  limits: *limits
"""


def act_command() -> str | None:
    """Where `act` is: MLOPS_ACT, or on the PATH."""
    return os.environ.get("MLOPS_ACT") or shutil.which("act")


@dataclass
class Run:
    """One run of a workflow.

    Attributes:
        jobs: how each job ended that was run: success or failure, by `workflow file/job`.
        summaries: what each wrote into its summary.
    """

    id: str
    code: int
    jobs: dict[str, str]
    summaries: dict[str, str]
    log: str

    @property
    def green(self) -> bool:
        return self.code == 0

    @property
    def words(self) -> str:
        """The last lines that its commands printed, for a test that went red."""
        entries = (json.loads(line) for line in self.log.splitlines() if line.startswith("{"))
        return "".join(entry["msg"] for entry in entries if entry.get("raw_output"))[-4000:] or self.log[-2000:]

    def summary(self, job: str) -> str:
        return self.summaries[job]


class Story:
    """A repository on GitHub, and what its workflows have done."""

    def __init__(self, folder: Path, variables: dict[str, str] | None = None) -> None:
        self.folder, self.remote, self.desk = folder, folder / "remote.git", folder / "desk"
        self.home, self.count = folder / "home", 0
        self.left_out: tuple[str, ...] = ()
        self.variables = {"MLOPS_PLATFORM": "local", "MLOPS_PROBLEMS": "breast-cancer", **(variables or {})}
        self._seed()
        for environment in ("shared", "prod"):
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

    def leave_out(self, lines: dict[str, str]) -> None:
        """What a job of a pull request runs takes minutes, and is tested elsewhere: `true` stands for it."""
        self.left_out = tuple(lines.values())

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

    def begin(self, workflow: str = "main.yml", event: str = "push", commit: str | None = None, **more) -> "Running":
        """Starts a run of a workflow for a commit, as GitHub does after an event."""
        self.count += 1
        run = f"{self.count}"
        return Running(self, run, workflow, event, commit or self.main(), more)

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
        path = os.pathsep.join([str(STAND_INS), os.environ["PATH"]])
        return {
            "STORY": str(self.folder), "STORY_RUN": run, "STORY_SHA": commit, "MLOPS_HOME": str(self.home),
            "MLOPS_PINS": "deploy/pins", "PATH": path, "HOME": str(self.folder),
            "STORY_VENV": str(REPOSITORY / ".venv"),
        }  # fmt: skip

    def close(self) -> None:
        """Ends what the local platform left running."""
        subprocess.run(
            [sys.executable, "-m", "deploy", "down"], cwd=REPOSITORY, check=False, capture_output=True,
            env={**os.environ, "MLOPS_HOME": str(self.home), "MLOPS_PLATFORM": "local"},
        )  # fmt: skip


class Running:
    """A run under way."""

    def __init__(self, story: Story, run: str, workflow: str, event: str, commit: str, more: dict) -> None:
        self.story, self.id, self.workflow, self.commit = story, run, workflow, commit
        folder = story.folder / "runs" / run
        subprocess.run(["git", "clone", "-q", story.remote, folder], check=True)
        subprocess.run(["git", "-C", folder, "checkout", "-q", commit], check=True)
        for file in (folder / ".github" / "workflows").glob("*.yml"):
            text = file.read_text()
            for line in story.left_out:
                text = text.replace(f"run: {line}\n", "run: 'true'\n")
            file.write_text(_guarded(text, file.stem))
        payload = {"ref": "refs/heads/main", "after": commit, "repository": {"full_name": "owner/name"}, **more}
        (story.folder / f"event-{run}.json").write_text(json.dumps(payload))
        act = act_command()
        assert act
        command = [act, event, "--json", "--no-skip-checkout", "--pull=false", "-P", "ubuntu-latest=-self-hosted"]
        command += ["-W", f".github/workflows/{workflow}", "-e", str(story.folder / f"event-{run}.json")]
        command += ["--secret", "GITHUB_TOKEN=token-of-the-run", "--action-cache-path", str(story.folder / "cache")]
        command += [w for name, place in story.actions.items() for w in ("--local-repository", f"{name}={place}")]
        command += [w for name, value in story.variables.items() for w in ("--var", f"{name}={value}")]
        given = story.environment(run, commit)
        command += [w for name, value in given.items() if name != "PATH" for w in ("--env", f"{name}={value}")]
        self.log = story.folder / f"log-{run}.jsonl"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env={**os.environ, **given}, start_new_session=True,
            )  # fmt: skip

    def asking(self) -> list[str]:
        """Which environment asks for which job, and was not answered."""
        asked = sorted((self.story.folder / "asked").glob(f"{self.id}-*"))
        names = {a.name for a in asked}
        return [n for n in names if "." not in n and not names & {f"{n}.approved", f"{n}.rejected"}]

    def answer(self, asked: str, word: str) -> None:
        ending = "approved" if word == "yes" else "rejected"
        (self.story.folder / "asked" / f"{asked}.{ending}").touch()

    def until_asked(self, seconds: float = 120) -> str:
        """Waits until an environment asks; which one."""
        deadline = time.monotonic() + seconds
        while not (asking := self.asking()):
            assert self.process.poll() is None, self.log.read_text()[-4000:]
            assert time.monotonic() < deadline, self.log.read_text()[-4000:]
            time.sleep(0.05)
        return asking[0]

    def summaries(self) -> dict[str, str]:
        """What the jobs have written into their summaries so far."""
        return _told(self.log.read_text())[1]

    def finish(self, approve: str = "yes") -> Run:
        """Answers every environment that asks, to the end of the run."""
        while self.process.poll() is None:
            for asked in self.asking():
                self.answer(asked, approve)
            time.sleep(0.05)
        return self.ended()

    def ended(self) -> Run:
        code = self.process.wait(timeout=300)
        text = self.log.read_text()
        jobs, summaries = _told(text)
        with self.story.github() as state:
            conclusion = "success" if code == 0 else "failure"
            branch = {"id": self.id, "workflow": self.workflow, "sha": self.commit, "branch": "main"}
            state["runs"].append({**branch, "conclusion": conclusion})
        return Run(self.id, code, jobs, summaries, text)


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


def _guarded(text: str, workflow: str) -> str:
    """The workflow with the question of its environment before a job's own steps; all else as it is."""
    document = YAML(typ="safe").load(text)  # of 1.2, where `on` is a word
    for name, job in document["jobs"].items():
        if "environment" in job:
            given = {"environment": job["environment"], "job": f"{workflow}-{name}"}
            job["steps"].insert(0, {"uses": "stand-in/approval@v1", "with": given})
    written = StringIO()
    YAML(typ="safe").dump(document, written)
    return written.getvalue()


def _told(log: str) -> tuple[dict[str, str], dict[str, str]]:
    """By `workflow/job`, how it ended and what it wrote into its summary."""
    jobs: dict[str, str] = {}
    summaries: dict[str, str] = {}
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        job = entry.get("job", "")
        if "jobResult" in entry:
            jobs[job] = entry["jobResult"]
        if entry.get("command") == "summary":
            summaries[job] = summaries.get(job, "") + entry.get("content", "")
    return jobs, summaries
