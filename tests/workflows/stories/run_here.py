"""A run of a workflow on this machine: `act` in the place of GitHub's runner."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

Kept = dict[tuple[str, str], dict[tuple[str, str], str]]  # by workflow and job, by step and name


def act_command() -> str | None:
    """Where `act` is: MLOPS_ACT, or on the PATH."""
    return os.environ.get("MLOPS_ACT") or shutil.which("act")


@dataclass
class Run:
    """One run of a workflow.

    Attributes:
        jobs: how each job ended that was run: success or failure, by `workflow file/job`.
        summaries: what each wrote into its summary.
        kept: by workflow and job, the outputs of those that succeeded; a rerun of the others goes by them.
    """

    running: "Running"
    code: int
    jobs: dict[str, str]
    summaries: dict[str, str]
    kept: Kept
    log: str

    @property
    def green(self) -> bool:
        return self.code == 0

    @property
    def words(self) -> str:
        """The last lines that its commands printed, for a test that went red."""
        return _said(self.log)[-4000:]

    def rerun(self, approve: str = "yes") -> "Run":
        """Runs the jobs again that have not succeeded, as a person asks for it on the run's page."""
        return self.running.again(self.kept).finish(approve)

    def summary(self, job: str) -> str:
        return self.summaries[job]


class Running:
    """A run under way.

    Args:
        story: the repository that it runs for.
        run: its number.
        workflow, event, commit: what GitHub was told.
        more: the rest of the event.
        kept: of a rerun, the jobs that are not run again.
        attempt: how often it was begun.
        dies_after: the words of an action after which a release is killed.
    """

    def __init__(self, story, run: str, workflow: str, event: str, commit: str, more: dict,
                 kept: Kept | None = None, attempt: int = 1, dies_after: str = "") -> None:  # fmt: skip
        self.story, self.id, self.workflow, self.event, self.commit = story, run, workflow, event, commit
        self.more, self.kept, self.attempt = more, kept or {}, attempt
        folder = story.folder / "runs" / f"{run}.{attempt}"
        subprocess.run(["git", "clone", "-q", story.remote, folder], check=True)
        subprocess.run(["git", "-C", folder, "checkout", "-q", commit], check=True)
        for file in (folder / ".github" / "workflows").glob("*.yml"):
            text = file.read_text()
            if not story.with_the_suite:
                text = re.sub(r"run: make test[\w-]*\n", "run: 'true'\n", text)
            file.write_text(_prepared(text, file.stem, self.kept))
        payload = {"ref": "refs/heads/main", "after": commit, "repository": {"full_name": "owner/name"}, **more}
        (story.folder / f"event-{run}.json").write_text(json.dumps(payload))
        self.log = story.folder / f"log-{run}.{attempt}.jsonl"
        given = {**story.environment(run, commit), "STORY_DIES_AFTER": dies_after}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self._command(given), cwd=folder, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env={**os.environ, **given}, start_new_session=True,
            )  # fmt: skip

    def _command(self, given: dict[str, str]) -> list[str]:
        story, act = self.story, act_command()
        assert act, "act is not here: make test-workflows brings it, where `go` is"
        command = [act, self.event, "--json", "--no-skip-checkout", "--pull=false", "-P", "ubuntu-latest=-self-hosted"]
        command += ["-W", f".github/workflows/{self.workflow}", "-e", str(story.folder / f"event-{self.id}.json")]
        command += ["--secret", "GITHUB_TOKEN=token-of-the-run", "--action-cache-path", str(story.folder / "cache")]
        command += [w for name, value in self.more.get("inputs", {}).items() for w in ("--input", f"{name}={value}")]
        command += [w for name, place in story.actions.items() for w in ("--local-repository", f"{name}={place}")]
        command += [w for name, value in story.variables.items() for w in ("--var", f"{name}={value}")]
        return command + [w for n, v in given.items() if n != "PATH" for w in ("--env", f"{n}={v}")]

    def asking(self) -> list[str]:
        """Which environment asks for which job, and was not answered."""
        asked = sorted((self.story.folder / "asked").glob(f"{self.id}-*"))
        names = {a.name for a in asked}
        return [n for n in names if "." not in n and not names & {f"{n}.approved", f"{n}.rejected"}]

    def answer(self, asked: str, word: str) -> None:
        ending = "approved" if word == "yes" else "rejected"
        (self.story.folder / "asked" / f"{asked}.{ending}").touch()

    def until_asked(self) -> str:
        """Waits until an environment asks; which one."""
        self._until(self.asking)
        return self.asking()[0]

    def until_said(self, words: str) -> None:
        """Waits until a command has printed some words."""
        self._until(lambda: words in _said(self.log.read_text()))

    def _until(self, holds, seconds: float = 600) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, _said(self.log.read_text())[-4000:]
            assert time.monotonic() < deadline, _said(self.log.read_text())[-4000:]
            time.sleep(0.05)

    def die(self, verb: str) -> Run:
        """Kills the verb that a job runs, as a machine does that is gone; how the run ended."""
        self._until(lambda: self._processes(verb))
        for process in self._processes(verb):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return self.finish()

    def _processes(self, verb: str) -> list[int]:
        """The processes of this run that carry out a verb; what an endpoint runs is none of them."""
        mine, found = f"STORY={self.story.folder}\0".encode(), []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                words = (place / "cmdline").read_bytes().split(b"\0")
                around = (place / "environ").read_bytes()
            except OSError:
                continue
            own = mine in around and f"STORY_RUN={self.id}\0".encode() in around
            if own and verb.encode() in words and any(word.endswith(b"/mlops") for word in words):
                found.append(int(place.name))
        return found

    def end(self) -> None:
        """Ends what a test that went red left running."""
        if self.process.poll() is None:
            for asked in self.asking():
                self.answer(asked, "no")
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(timeout=60)

    def again(self, kept: Kept, dies_after: str = "") -> "Running":
        """The next attempt; environments ask anew."""
        for asked in (self.story.folder / "asked").glob(f"{self.id}-*"):
            asked.unlink()
        about = (self.story, self.id, self.workflow, self.event, self.commit, self.more)
        return self.story.starts(Running(*about, kept, self.attempt + 1, dies_after))

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
        jobs, summaries, outputs = _told(text)
        with self.story.github() as state:
            conclusion = "success" if code == 0 else "failure"
            state["runs"] = [one for one in state["runs"] if one["id"] != self.id]
            about = {"id": self.id, "workflow": self.workflow, "sha": self.commit, "branch": "main"}
            state["runs"].append({**about, "conclusion": conclusion})
        return Run(self, code, jobs, summaries, {**outputs, **self.kept}, text)


def _prepared(text: str, workflow: str, kept: Kept) -> str:
    """The workflow with the question of its environment before a job's own steps; all else as it is.

    A job that is not run again only has the outputs that it had.
    """
    document = YAML(typ="safe").load(text)  # of 1.2, where `on` is a word
    for name, job in document["jobs"].items():
        had = kept.get((document["name"], name))
        if had is not None and "steps" in job:
            job.pop("environment", None)
            job["steps"] = [{"run": "'true'"}]
            job["outputs"] = {key: _had(value, had) for key, value in job.get("outputs", {}).items()}
        elif "environment" in job:
            given = {"environment": job["environment"], "job": f"{workflow}-{name}"}
            job["steps"].insert(0, {"uses": "stand-in/approval@v1", "with": given})
    written = StringIO()
    YAML(typ="safe").dump(document, written)
    return written.getvalue()


def _had(value: str, outputs: dict[tuple[str, str], str]) -> str:
    step, name = re.fullmatch(r"\$\{\{ steps\.([\w-]+)\.outputs\.([\w-]+) \}\}", value).groups()
    return outputs.get((step, name), "")


def _entries(log: str) -> list[dict]:
    entries = []
    for line in log.splitlines():
        with contextlib.suppress(ValueError):
            entries.append(json.loads(line))
    return entries


def _said(log: str) -> str:
    """What the commands printed; where none did, what act says itself."""
    return "".join(entry["msg"] for entry in _entries(log) if entry.get("raw_output")) or log


def _told(log: str) -> tuple[dict[str, str], dict[str, str], Kept]:
    """By `workflow/job`, how it ended and what it wrote into its summary; by ids, what it left for others."""
    jobs: dict[str, str] = {}
    summaries: dict[str, str] = {}
    outputs: Kept = {}
    done: Kept = {}
    for entry in _entries(log):
        job = entry.get("job", "").strip()  # act fills short names with blanks
        ids = (job.split("/")[-2] if "/" in job else "", entry.get("jobID", ""))
        if "jobResult" in entry:
            jobs[job] = entry["jobResult"]
            if entry["jobResult"] == "success":
                done[ids] = outputs.get(ids, {})
        if entry.get("command") == "summary":
            summaries[job] = summaries.get(job, "") + entry.get("content", "")
        if entry.get("command") == "set-output":
            outputs.setdefault(ids, {})[entry["stepID"][-1], entry["name"]] = entry["arg"]
    return jobs, summaries, done
