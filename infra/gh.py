"""The one question to GitHub's command line: the ids of the repository, which its tokens carry."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Ids = Callable[[str], str]


def repository_ids(repository: str) -> str:
    """Owner's id/repository's id, or nothing where `gh` is not there or does not tell."""
    asked = ["gh", "api", f"repos/{repository}", "--jq", '"\\(.owner.id)/\\(.id)"']
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return "" if done.returncode else done.stdout.strip()
