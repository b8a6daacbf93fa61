"""What a job gets as its code: the files below a folder that `.amlignore` lets through."""

from __future__ import annotations

import errno
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from ml import digest

DIGITS = 16
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def of_code(root: Path) -> str:
    """The digest of what Azure ML would upload as the code of a component."""
    return digest.of_files(root, code_files(root))


def staged(root: Path, folder: Path) -> Path:
    """A copy of the code alone, in a folder below `folder` that is named by its digest.

    Azure's SDK looks at each file below the root several times before it leaves it out, and a clone has a
    virtual environment: that takes minutes.
    """
    names = sorted(code_files(root))
    whole = folder / digest.of_files(root, names)[:DIGITS]
    if not whole.is_dir():
        working = folder / f"{whole.name}.{uuid.uuid4().hex[:8]}.tmp"
        try:
            for name in names:
                (working / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, working / name)
        except OSError as error:  # half a copy would take the place that is lacking
            shutil.rmtree(working, ignore_errors=True)
            if error.errno in NO_ROOM:  # otherwise the file that was to be copied would be told
                error.filename = str(folder)
            raise
        if whole.is_dir():
            shutil.rmtree(working)
        else:
            working.rename(whole)
    return whole


def code_files(root: Path) -> Iterator[str]:
    """Their names, relative to `root`."""
    import pathspec

    ignore = root / ".amlignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else []
    ignored = pathspec.GitIgnoreSpec.from_lines(lines)

    def below(folder: Path) -> Iterator[str]:
        for path in folder.iterdir():
            name = path.relative_to(root).as_posix() + ("/" if path.is_dir() else "")
            if ignored.match_file(name):
                continue  # as in git, nothing below an ignored folder comes back
            if path.is_dir():
                yield from below(path)
            else:
                yield name

    return below(root)
