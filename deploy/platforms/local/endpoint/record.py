"""What an endpoint is, kept in `endpoint.json`: deployments, traffic, mirror, tags, port."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from deploy.release.state import ModelRef, Tags
from deploy.replacement import replace_file
from ml.fault import Fault

FILE = "endpoint.json"


@dataclass(frozen=True)
class Made:
    """A deployment as it was asked for."""

    name: str
    model: ModelRef
    folder: str


@dataclass(frozen=True)
class Record:
    """An endpoint as it was asked for; what runs of it, the process knows."""

    name: str
    port: int = 0
    deployments: Mapping[str, Made] = field(default_factory=dict)
    traffic: Mapping[str, int] = field(default_factory=dict)
    mirror: Mapping[str, int] = field(default_factory=dict)
    tags: Tags = field(default_factory=Tags)

    def with_deployment(self, made: Made) -> Record:
        """One more deployment."""
        return replace(self, deployments={**self.deployments, made.name: made})

    def without_deployment(self, name: str) -> Record:
        """One deployment less."""
        return replace(self, deployments={n: d for n, d in self.deployments.items() if n != name})


def read_record(folder: Path) -> Record | None:
    """The endpoint kept in `folder`, or None where there is none.

    Raises:
        Fault: the file is damaged.
    """
    try:
        return record_from_json(json.loads((folder / FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        remedy = "move it away; `mlops release` then makes the endpoint anew, with the key it has"
        raise Fault("it is damaged", str(folder / FILE), remedy) from None


def record_from_json(fields: Mapping[str, Any]) -> Record:
    """What `dataclasses.asdict` made of a record, as a record."""
    made = {n: Made(d["name"], ModelRef(**d["model"]), d["folder"]) for n, d in fields["deployments"].items()}
    tags = tags_from_json(fields["tags"])
    return Record(fields["name"], fields["port"], made, fields["traffic"], fields["mirror"], tags)


def write_record(folder: Path, record: Record) -> None:
    """Writes the file whole or not at all."""
    replace_file(folder / FILE, json.dumps(asdict(record), indent=1).encode())


def tags_from_json(fields: Mapping[str, Any]) -> Tags:
    """What `dataclasses.asdict` made of tags, as tags."""
    return Tags(tuple(ModelRef(**model) for model in fields["good"]), dict(fields["rejected"]))
