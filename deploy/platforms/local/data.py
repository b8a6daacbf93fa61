"""A problem's raw rows on this machine: training reads them where they lie."""

from __future__ import annotations

from pathlib import Path

from deploy.platforms.local.home import Home
from deploy.platforms.local.training import raw_data
from deploy.platforms.protocol import Asset
from ml import digest
from ml.fault import invalid
from ml.problem import Problem

VERSION_LENGTH = 32  # of the digest's hexadecimal digits


def version_of(rows_digest: str) -> str:
    """The version of rows: the beginning of their digest."""
    return rows_digest[:VERSION_LENGTH]


def asset(home: Home, problem: Problem, file: Path) -> Asset:
    """The rows that training would read now; what a source makes is made.

    Raises:
        Fault: there is no such file, or the source fails.
    """
    place = raw_data(home, problem, file)
    if not place.exists():
        raise invalid("there is no such file or folder", str(place), "check `data.path`")
    found = digest.of_path(place) if place.is_dir() else digest.of_files(place.parent, [place.name])
    return Asset(problem.name, version_of(found), found, str(place))


def present(home: Home, problem: Problem, file: Path, version: str | None) -> Asset:
    """The same, where the rows are still those of the version.

    Raises:
        Fault: they were changed since.
    """
    found = asset(home, problem, file)
    if version is not None and found.version != version:
        remedy = "this machine keeps one version; `--platform azure` keeps all that were pushed"
        raise invalid(f"the rows have the version {found.version}, not {version}", found.place, remedy)
    return found
