"""A result kept as a file, for a later job: the verb, its exit code, its JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deploy.replacement import replace_file
from ml.fault import invalid

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
FORMAT = 1
LARGEST = 4_000_000  # bytes; what a job of a pull request leaves is data of others


@dataclass(frozen=True)
class Kept:
    """What one command left."""

    verb: str
    code: int
    result: dict[str, Any]
    format: int = FORMAT


def keep(path: Path, kept: Kept) -> None:
    """Writes the file, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(asdict(kept), ensure_ascii=False, indent=1).encode())


def read_back(kind: type[T], verb: str, document: Mapping[str, Any], where: str, **read: Callable[[Any], Any]) -> T:
    """The frozen value in what `asdict` and JSON made of it.

    Args:
        kind: a dataclass.
        verb: that kept it.
        document: its fields by name; others are left alone.
        where: the file, for the fault.
        read: by field, what makes its value of JSON's.

    Raises:
        Fault: a field is missing, or is of another form.
    """
    try:
        given = {one.name: document[one.name] for one in fields(kind)}
        return kind(**{**given, **{name: of(given[name]) for name, of in read.items()}})
    except (KeyError, TypeError, AttributeError) as fault:
        raise invalid(
            f"holds no result of `{verb}`: {fault}", where, f"`mlops {verb} … --out FILE` writes one"
        ) from None


def read_kept(path: Path, verb: str | None = None) -> Kept:
    """What the file holds.

    Raises:
        Fault: it is of another form, or of another verb than was asked for.
    """
    remedy = f"`mlops {verb or 'VERB'} … --out {path}` writes it"
    try:
        with path.open("rb") as file:
            kept = Kept(**json.loads(file.read(LARGEST)))
        sound = kept.format == FORMAT and isinstance(kept.result, dict) and isinstance(kept.verb, str)
    except OSError as error:
        raise invalid(f"it cannot be read: {error.strerror}", str(path), remedy) from None
    except (ValueError, TypeError):
        raise invalid("it is not what `--out` writes", str(path), remedy) from None
    if not sound or not isinstance(kept.code, int) or (verb is not None and kept.verb != verb):
        raise invalid(f"holds no result of `{verb or 'mlops'}`", str(path), remedy)
    return kept
