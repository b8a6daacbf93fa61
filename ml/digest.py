"""The identity of files: sha256 of bytes, of a file, of a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def of_bytes(data: bytes) -> str:
    """sha256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def of_file(path: Path) -> str:
    """sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_path(path: Path) -> str:
    """The digest of a file, or of a folder: of each file's relative name and content, in order of the names."""
    if path.is_file():
        return of_file(path)
    files = (p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return of_files(path, (p.relative_to(path).as_posix() for p in files))


def of_files(root: Path, names: Iterable[str]) -> str:
    """The digest of the named files below `root`; as `sha256sum` of `sha256sum`'s own lines, sorted by name."""
    lines = (f"{of_file(root / name)}  {name}\n" for name in sorted(names))
    return of_bytes("".join(lines).encode())
