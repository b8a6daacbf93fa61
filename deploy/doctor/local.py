"""Checks of what the loop on one machine needs."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import sys
from pathlib import Path

from deploy.doctor.finding import Finding, fault, ok, warning

NEEDED = (
    "numpy",
    "pyarrow",
    "lightgbm",
    "sklearn",
    "mlflow",
    "pydantic",
    "ruamel.yaml",
    "aiohttp",
    "jinja2",
    "pathspec",
)
GIGABYTE = 1024**3


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:2])) -> list[Finding]:
    """Python is new enough."""
    text = ".".join(map(str, version))
    if version < (3, 11):
        return [fault("python", f"Python is {text}, older than 3.11", "install it and run: make run PYTHON=python3.11")]
    return [ok("python", f"Python {text}")]


def check_packages(needed: tuple[str, ...] = NEEDED) -> list[Finding]:
    """The packages of the local loop can be imported; none is imported here."""
    missing = [name for name in needed if not _found(name)]
    if missing:
        return [fault("packages", f"not installed: {', '.join(missing)}", "make run installs them")]
    return [ok("packages", f"{len(needed)} packages")]


def check_openmp(library: str = "libgomp.so.1", system: str = sys.platform) -> list[Finding]:
    """LightGBM's library finds its OpenMP runtime; asked on Linux, where it is a package of the system."""
    if system != "linux":
        return [ok("openmp", "not asked on this system")]
    try:
        ctypes.CDLL(library)
    except OSError:
        return [fault("openmp", f"{library} is missing", "sudo apt-get install libgomp1")]
    return [ok("openmp", library)]


def _found(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def check_disk(folder: Path, free: int | None = None) -> list[Finding]:
    """There is room for runs and models."""
    left = shutil.disk_usage(folder).free if free is None else free
    if left < GIGABYTE:
        return [
            warning(
                "disk",
                f"{left / GIGABYTE:.1f} GB are left",
                "free some: runs and models are kept under .mlops/",
            )
        ]
    return [ok("disk", f"{left / GIGABYTE:.0f} GB are left")]


def check_writable(folder: Path) -> list[Finding]:
    """The folder takes .mlops/."""
    try:
        (folder / ".mlops").mkdir(exist_ok=True)
    except OSError as error:
        return [fault("folder", f"{folder} takes no .mlops/: {error.strerror}", "run it where you may write")]
    return [ok("folder", "takes .mlops/")]
