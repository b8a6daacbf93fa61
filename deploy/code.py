"""What a job gets as its code: the files below a folder that `.amlignore` lets through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ml import digest


def of_code(root: Path) -> str:
    """The digest of what Azure ML would upload as the code of a component."""
    return digest.of_files(root, code_files(root))


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
