"""What makes raw rows where no file holds them: `python -m ml.sources.NAME --out DIR`, one module each."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from ml.fault import Fault, invalid


def module_of(name: str) -> str:
    """The module that makes the rows of the source called `name`, to be run with `--out DIR`.

    Raises:
        Fault: there is no such module in this folder.
    """
    known = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    if name in known:
        return f"ml.sources.{name}"
    near = get_close_matches(name, known, n=1)
    remedy = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"
    raise invalid(f"there is no source `{name}`", "ml/sources", remedy)


def files_of(package: str, requirement: str) -> Path:
    """The folder of an installed package, which is not imported.

    Raises:
        Fault: it is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Fault(f"the package {package} is not installed", remedy=f"pip install {requirement}")
    return Path(spec.submodule_search_locations[0])


def command(make: Callable[[Path], Path], description: str | None) -> None:
    """Runs a source as a process: `--out DIR` names the folder that its file is written into."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, required=True, help="the folder that the rows are written into")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    print(make(folder))
