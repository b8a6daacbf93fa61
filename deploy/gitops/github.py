"""What is asked of GitHub, through its own command `gh`."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.platforms.local.home import REPOSITORY
from ml.fault import Fault

BOT = "github-actions[bot]"
BOT_MAIL = "41898282+github-actions[bot]@users.noreply.github.com"


@dataclass(frozen=True)
class Github:
    """The repository on GitHub that this one was cloned from, or that a workflow runs for."""

    folder: Path = REPOSITORY
    command: tuple[str, ...] = field(default=("gh",))

    def __call__(self, *words: str, given: str | None = None) -> str:
        """What `gh` prints.

        Raises:
            Fault: it is not here, or GitHub refuses; with its last word.
        """
        try:
            done = subprocess.run(
                [*self.command, *words], cwd=self.folder, input=given, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            raise Fault("`gh` is not on the PATH", remedy="install it: cli.github.com") from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
            raise Fault(last, f"gh {' '.join(words[:2])}", "check GH_TOKEN, or log in: gh auth login")
        return done.stdout

    def api(self, path: str, *words: str) -> Any:
        """The answer of GitHub's REST interface; `{owner}/{repo}` is this repository."""
        return json.loads(self("api", path, *words) or "null")

    def request_of(self, branch: str, state: str = "open") -> dict[str, Any] | None:
        """The newest pull request from a branch of this repository: number, url, title, body, mergedAt."""
        words = ("--head", branch, "--state", state, "--limit", "1", "--json", "number,url,title,body,mergedAt")
        found: list[dict[str, Any]] = json.loads(self("pr", "list", *words))
        return found[0] if found else None

    def open_request(self, branch: str, title: str, body: str) -> str:
        """Opens the pull request of a branch onto main, or brings the open one up to date; its URL."""
        there = self.request_of(branch)
        if there is None:
            words = ("--base", "main", "--head", branch, "--title", title, "--body-file", "-")
            return self("pr", "create", *words, given=body).strip()
        self("pr", "edit", str(there["number"]), "--title", title, "--body-file", "-", given=body)
        return str(there["url"])

    def comment(self, request: int, marker: str, body: str) -> str:
        """Writes our one comment on a pull request, edited in place where it is there; its URL."""
        place = f"repos/{{owner}}/{{repo}}/issues/{request}/comments"
        there = [one for one in self._pages(place) if one["user"]["login"] == BOT and marker in one["body"]]
        if there:
            place, method = f"repos/{{owner}}/{{repo}}/issues/comments/{there[0]['id']}", "PATCH"
        else:
            method = "POST"
        answer = json.loads(self("api", place, "--method", method, "--field", "body=@-", given=body))
        return str(answer["html_url"])

    def issue(self, label: str, title: str, body: str) -> str:
        """Opens an issue, or brings the open one with the same label and title up to date; its URL."""
        self("label", "create", label, "--force", "--description", "opened by a workflow")
        words = ("--label", label, "--state", "open", "--limit", "100", "--json", "number,title,url")
        there = [one for one in json.loads(self("issue", "list", *words)) if one["title"] == title]
        if not there:
            return self("issue", "create", "--title", title, "--label", label, "--body-file", "-", given=body).strip()
        self("issue", "edit", str(there[0]["number"]), "--body-file", "-", given=body)
        return str(there[0]["url"])

    def last_delivered(self, workflow: str, branch: str) -> str | None:
        """The commit of a branch for which a workflow ended well last; None where there is none."""
        query = f"branch={branch}&status=success&per_page=1"
        runs = self.api(f"repos/{{owner}}/{{repo}}/actions/workflows/{workflow}/runs?{query}")["workflow_runs"]
        return str(runs[0]["head_sha"]) if runs else None

    def announced(self, commit: str) -> list[str]:
        """Our comments on the pull request that a commit of main came from; none where it came from none."""
        requests = self.api(f"repos/{{owner}}/{{repo}}/commits/{commit}/pulls")
        pages = (self._pages(f"repos/{{owner}}/{{repo}}/issues/{one['number']}/comments") for one in requests)
        return [one["body"] for page in pages for one in page if one["user"]["login"] == BOT]

    def artifact(self, name: str, branch: str, folder: Path) -> Path | None:
        """The newest artefact of that name from a run on a branch of this repository, unpacked; None without one."""
        found = self.api(f"repos/{{owner}}/{{repo}}/actions/artifacts?name={name}&per_page=100")["artifacts"]
        for one in sorted(found, key=lambda one: one["created_at"], reverse=True):
            run = one["workflow_run"]
            # A run for a fork may leave an artefact of the same name, and call its branch `main`.
            if (
                not one["expired"]
                and run["head_branch"] == branch
                and run["head_repository_id"] == run["repository_id"]
            ):
                self("run", "download", str(run["id"]), "--name", name, "--dir", str(folder))
                return folder
        return None

    def _pages(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in json.loads(self("api", path, "--paginate", "--slurp")):
            found += page
        return found


def run_url() -> str | None:
    """The page of the workflow run that this is; None at the desk."""
    words = [os.environ.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"{words[0]}/{words[1]}/actions/runs/{words[2]}" if all(words) else None
