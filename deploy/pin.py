"""Pins: what each stack shall serve, one YAML file a stack."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.release.state import ModelRef
from deploy.replacement import replace_file
from ml.fault import invalid

HEADER = """\
# What {stack} shall serve. Changing this file is a promotion, reverting the change a rollback.
"""
KEYS = {"model", "version", "digest"}
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Pins:
    """The pins of a platform's stacks."""

    folder: Path

    def read(self, stack: str, problem: str) -> ModelRef | None:
        """What the stack shall serve for the problem; None where it is not pinned.

        Raises:
            Fault: the file is damaged.
        """
        return self._all(stack).get(problem)

    def problems(self, stack: str) -> tuple[str, ...]:
        """The problems that the stack has a pin for."""
        return tuple(self._all(stack))

    def write(self, stack: str, problem: str, model: ModelRef) -> None:
        """Sets a pin; the file is replaced whole, by one writer at a time, and left alone where it says so already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            before = self._all(stack)
            if before.get(problem) == model:
                return
            pins = {**before, problem: model}
            text = HEADER.format(stack=stack) + "".join(_entry(name, pin) for name, pin in sorted(pins.items()))
            replace_file(self.path(stack), text.encode())

    def path(self, stack: str) -> Path:
        """The file of a stack's pins."""
        return self.folder / f"{stack}.yaml"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """The lock is on the folder itself: a file for it would lie among what git keeps."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _all(self, stack: str) -> dict[str, ModelRef]:
        path = self.path(stack)
        if not path.exists():
            return {}
        from ml.strict_yaml import load_document

        return _pins(load_document(path), str(path))


def pinned_in(text: str, place: str) -> dict[str, ModelRef]:
    """The pins in the text of a stack's file, by problem.

    Raises:
        Fault: it is damaged.
    """
    from ml.strict_yaml import parse_document

    return _pins(parse_document(text, place), place)


def _pins(document: Any, place: str) -> dict[str, ModelRef]:
    if document is None:
        remedy = "bring it back (git), or remove it where nothing shall be pinned"
        raise invalid("the file of pins is empty", place, remedy)
    if not isinstance(document, dict):
        raise invalid("pins are keys and values", place, "`mlops promote` writes them")
    return {str(problem): _model(entry, f"{place}, {problem}") for problem, entry in document.items()}


def _model(entry: Any, place: str) -> ModelRef:
    if not isinstance(entry, dict) or set(entry) != KEYS or not DIGEST.fullmatch(str(entry["digest"])):
        message = "a pin holds model, version and digest (64 hexadecimal digits)"
        raise invalid(message, place, "`mlops promote` writes it")
    return ModelRef(str(entry["model"]), str(entry["version"]), str(entry["digest"]))


def _entry(problem: str, model: ModelRef) -> str:
    return f'{problem}:\n  model: {model.name}\n  version: "{model.version}"\n  digest: "{model.digest}"\n'
