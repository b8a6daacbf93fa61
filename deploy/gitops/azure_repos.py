"""Pull requests in Azure Repos, through `az repos`: the same two questions as of GitHub."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.platforms.local.home import REPOSITORY
from ml.fault import Fault

LONGEST = 4_000  # characters of a description there
STATES = {"open": "active", "closed": "abandoned"}


@dataclass(frozen=True)
class AzureRepos:
    """The repository that a pipeline of Azure DevOps runs for; the token is the job's own (AZURE_DEVOPS_EXT_PAT)."""

    folder: Path = REPOSITORY
    command: tuple[str, ...] = ("az", "repos", "pr")

    def __call__(self, *words: str) -> Any:
        """The JSON of one `az repos pr` command.

        Raises:
            Fault: it is not here, or Azure DevOps refuses; with its last word.
        """
        try:
            done = subprocess.run(
                [*self.command, *words, "--output", "json"],
                cwd=self.folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise Fault("`az` is not on the PATH", remedy="install it: learn.microsoft.com/cli/azure") from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
            raise Fault(last, f"az repos pr {words[0]}", "az extension add --name azure-devops; AZURE_DEVOPS_EXT_PAT")
        return json.loads(done.stdout or "null")

    def request_of(self, branch: str, state: str = "open") -> dict[str, Any] | None:
        """The newest pull request from a branch, in the words of `Github.request_of`."""
        found = self("list", "--source-branch", branch, "--status", STATES[state], "--top", "1")
        if not found:
            return None
        one = found[0]
        merged = one.get("closedDate") if one["status"] == "completed" else None
        url = f"{one['repository']['webUrl']}/pullrequest/{one['pullRequestId']}"
        number, body = one["pullRequestId"], one.get("description") or ""
        return {"number": number, "url": url, "title": one["title"], "body": body, "mergedAt": merged}

    def open_request(self, branch: str, title: str, body: str) -> str:
        """Opens the pull request of a branch onto main, or brings the open one up to date; its URL."""
        there = self.request_of(branch)
        told = ("--title", title, "--description", *shortened(body))
        if there is not None:
            self("update", "--id", str(there["number"]), *told)
            return str(there["url"])
        one = self("create", "--source-branch", branch, "--target-branch", "main", *told)
        return f"{one['repository']['webUrl']}/pullrequest/{one['pullRequestId']}"


def shortened(body: str) -> list[str]:
    """The lines of a description, as many as fit; the last one, by which a proposal is recognised, always."""
    *lines, last = body.strip().splitlines()
    kept, left = [], LONGEST - len(last) - 1
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    return [*kept, last]


def runs_here() -> bool:
    """Whether this is a pipeline of Azure DevOps for a repository of Azure Repos."""
    return os.environ.get("BUILD_REPOSITORY_PROVIDER") == "TfsGit"
