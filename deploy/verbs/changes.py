"""`mlops changes`: shows what a merge or a pull request concerns, since what was delivered last."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.gitops.changes import concerned
from deploy.gitops.git import Git
from deploy.gitops.github import Github
from deploy.gitops.summary import summary_of
from deploy.pin import Pins
from ml.problem import PROBLEMS, find, load_problem

WORKFLOW, BRANCH = "main.yml", "main"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # what git calls a commit's files where there are none


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    git = Git()
    since = arguments.since or delivered(git)
    names = arguments.problems.split() or sorted(path.stem for path in PROBLEMS.glob("*.yaml"))
    problems = [load_problem(find(name)).name for name in names]
    changes = concerned(git.changed_files(since), problems, moved_pins(git, context.pins, since))
    result = {"since": since, **asdict(changes)}
    return Done(DONE, result, (summary_of("changes", result, ()).strip(),))


def delivered(git: Git) -> str:
    """The commit that main delivered last. Where there is none, or it is not in this history, everything is new.

    What an earlier merge left undone (cancelled, refused, failed) is so taken up by the next one.

    Raises:
        Fault: GitHub does not tell.
    """
    commit = Github().last_delivered(WORKFLOW, BRANCH)
    return commit if commit and git.is_ancestor(commit, git.head) else EMPTY_TREE


def moved_pins(git: Git, pins: Pins, since: str) -> set[str]:
    """The problems whose pin of prod is not what it was."""
    before = git.pinned(since, pins.path("prod"))
    now = {problem: pins.read("prod", problem) for problem in pins.problems("prod")}
    return {problem for problem in now if now[problem] != before.get(problem)}
