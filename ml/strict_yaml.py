"""YAML 1.2 read into a strict model: every fault at once, each with its place and the likely word."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ml.fault import Fault, invalid


class Strict(BaseModel):
    """A frozen configuration that refuses unknown keys and does not turn one type into another."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


M = TypeVar("M", bound=Strict)


def load_document(path: Path) -> Any:
    """The document in a YAML file, with line numbers kept (`.lc`).

    Raises:
        Fault: the file is absent, not UTF-8, not YAML, or has a key twice.
    """
    try:
        return parse_document(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise invalid("there is no such file", str(path), "check the name") from None
    except UnicodeDecodeError as fault:
        raise invalid(f"byte {fault.start} is not UTF-8", str(path), "save the file as UTF-8") from None


def parse_document(text: str, where: str) -> Any:
    """The document in some YAML, with line numbers kept (`.lc`).

    Raises:
        Fault: it is not YAML, or has a key twice.
    """
    try:
        return YAML(typ="rt").load(text)
    except MarkedYAMLError as fault:
        mark = fault.problem_mark
        place = f"{where}:{mark.line + 1}" if mark else where
        raise invalid(str(fault.problem or fault.context).split("\n")[0], place, "mend the YAML") from None
    except YAMLError as fault:
        raise invalid(str(fault).split("\n")[0], where, "mend the YAML") from None


def load(path: Path, model: type[M], page: str = "docs/problems.md") -> M:
    """The file as a value of `model`; `page` is the documentation that lists its keys.

    Raises:
        Fault: with every fault of the file in its message, one a line, each with line and key.
    """
    document = load_document(path)
    if not isinstance(document, dict):
        raise invalid(f"holds {type(document).__name__}, not keys and values", str(path), f"see {page}")
    try:
        return model.model_validate(_plain(document))
    except ValidationError as error:
        raise _fault(error, document, path, model, page) from None


def line_in(path: Path, place: tuple[int | str, ...]) -> int:
    """The line, from 1, of a key in a file that `load` has read."""
    return _line(load_document(path), place)


def _plain(value: Any) -> Any:
    """Ruamel's annotated containers and scalars as Python's own."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _fault(error: ValidationError, document: Any, path: Path, model: type[Strict], page: str) -> Fault:
    found = [(f"{path}:{_line(document, i['loc'])}", _sentence(i, model)) for i in error.errors(include_url=False)]
    (where, first), *others = found
    # The first place is the fault's own; printed, each fault stands on a line behind its place.
    return invalid("\n".join([first, *map(": ".join, others)]), where, f"{page} lists every key")


def _sentence(item: Any, model: type[Strict]) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        near = get_close_matches(str(item["loc"][-1]), _keys_beside(model, item["loc"]), n=1)
        return f"unknown key `{key}`" + (f"; did you mean `{near[0]}`?" if near else "")
    if item["type"] == "missing":
        return f"`{key}` is missing"
    given = "" if isinstance(item["input"], dict | list) else f", not {item['input']!r}"
    return (
        f"`{key}`: {item['msg'].removeprefix('Value error, ')}{given}"
        if key
        else item["msg"].removeprefix("Value error, ")
    )


def _keys_beside(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys that the model knows where the unknown key at `place` stands."""
    for part in place[:-1]:
        field = model.model_fields.get(str(part))
        inner = [t for t in (field.annotation, *get_args(field.annotation)) if isinstance(t, type)] if field else []
        model = next((t for t in inner if issubclass(t, BaseModel)), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _line(document: Any, place: tuple[int | str, ...]) -> int:
    """The 1-based line of the innermost part of `place` that the document has."""
    line = 1
    for part in place:
        inside = part in document if isinstance(document, dict) else isinstance(document, list)
        if not inside:
            break
        position = (document.lc.data or {}).get(part)
        line = position[0] + 1 if position else line
        document = document[part]
    return line
