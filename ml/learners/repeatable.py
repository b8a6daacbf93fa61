"""Makes a skops file the same bytes each time: it holds memory addresses, and the time in its zip entries."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

SCHEMA = "schema.json"
ADDRESS = re.compile(r'(?<="__id__": )\d+|(?<=")\d+(?=\.np[yz]")')
OLDEST = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip entry can have


def repeatable(file: bytes) -> bytes:
    """The same archive with its addresses numbered in the order in which they appear."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[str, str] = {}

    def number(address: re.Match[str]) -> str:
        return numbers.setdefault(address[0], str(len(numbers) + 1))

    schema = ADDRESS.sub(number, contents.pop(SCHEMA).decode())
    named = {_renamed(name, numbers): data for name, data in contents.items()}
    return _archive({**dict(sorted(named.items())), SCHEMA: schema.encode()})


def _renamed(name: str, numbers: dict[str, str]) -> str:
    path = Path(name)
    return f"{numbers.get(path.stem, path.stem)}{path.suffix}"


def _archive(contents: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(zipfile.ZipInfo(name, OLDEST), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
