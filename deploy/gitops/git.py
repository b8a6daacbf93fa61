"""What is asked of git: commits, changed files, files of other commits."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.pin import pinned_in
from deploy.platforms.local.home import REPOSITORY
from deploy.release.state import ModelRef
from ml.fault import Fault


@dataclass(frozen=True)
class Git:
    """A repository on this machine."""

    folder: Path = REPOSITORY

    def __call__(self, *words: str) -> str:
        """What a command prints.

        Raises:
            Fault: it fails; with git's own word for why.
        """
        done = subprocess.run(["git", *words], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Fault(
                _why(done), f"git {words[0]}", "the whole history is needed: fetch-depth 0, or `git fetch --unshallow`"
            )
        return done.stdout

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self("rev-parse", "HEAD").strip()

    @property
    def changed_since_commit(self) -> bool:
        """Whether a file that git knows was changed since the commit."""
        return bool(self("status", "--porcelain", "--untracked-files=no").strip())

    def changed_files(self, since: str) -> tuple[str, ...]:
        """The names of the files in which a commit differs from what is checked out; both names of a moved one."""
        return tuple(self("diff", "--name-only", "--no-renames", "-z", since, "HEAD").split("\0")[:-1])

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether one commit came before the other, or is it; False for commits that are not here."""
        command = ["git", "merge-base", "--is-ancestor", older, newer]
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=False).returncode == 0

    def file(self, commit: str, path: str) -> str | None:
        """The text of a file in a commit; None where it was not there."""
        command = ["git", "show", f"{commit}:{path}"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def pinned(self, commit: str, path: Path) -> dict[str, ModelRef]:
        """The pins that a file held in a commit, by problem; none where it was not there, or is not in git."""
        if not path.is_relative_to(self.folder):
            return {}
        name = path.relative_to(self.folder).as_posix()
        text = self.file(commit, name)
        return {} if text is None else pinned_in(text, f"{commit[:12]}:{name}")

    def commits_of(self, path: str) -> tuple[str, ...]:
        """The commits that changed a file, the newest first."""
        return tuple(self("log", "--format=%H", "--", path).split())


def _why(done: subprocess.CompletedProcess[str]) -> str:
    """The line that names the fault, where git goes on with advice; otherwise the last one."""
    said = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
    return next((line.removeprefix("fatal: ") for line in said if line.startswith("fatal: ")), said[-1])


def commit_here() -> str:
    """The commit of this repository, with `+` where files were changed since; empty outside of git."""
    git = Git()
    try:
        return git.head + ("+" if git.changed_since_commit else "")
    except (Fault, FileNotFoundError):
        return ""
