"""The code of jobs and deployments as a folder of its own, which the SDK uploads whole."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from deploy.code import code_files, of_code
from deploy.platforms.local.home import REPOSITORY

DIGITS = 16


def snapshot(folder: Path) -> Path:
    """What `.amlignore` lets through, copied below `folder` once for each state of the code.

    Given the repository itself the SDK walks all of it, the virtual environment too, several times an asset: a
    minute each. The name of the last folder becomes part of the uploaded paths, and is always the same.
    """
    made = folder / of_code(REPOSITORY)[:DIGITS]
    if not made.exists():
        working = folder / f"{uuid.uuid4().hex[:8]}.tmp"
        for name in code_files(REPOSITORY):
            target = working / "code" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / name, target)
        try:
            working.rename(made)
        except OSError:  # another command was quicker
            shutil.rmtree(working)
    return made / "code"
