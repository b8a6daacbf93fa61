"""What answers: the names that stand in an answer's headers and in a collected line."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import msgspec

from ml.fault import invalid


@dataclass(frozen=True)
class Served:
    """One deployment of one model.

    Attributes:
        deployment: the name of the deployment.
        model: the registered name of the model.
        version: its version.
        digest: the digest of its files.

    Raises:
        Fault: a name cannot stand in a header.
    """

    deployment: str = "local"
    model: str = "model"
    version: str = "0"
    digest: str = "unknown"

    def __post_init__(self) -> None:
        for key, name in asdict(self).items():
            if not (name.isascii() and name.isprintable() and name.strip() == name != ""):
                raise invalid(f"{name!r} cannot stand in a header", key, "use letters, digits and hyphens")

    @property
    def model_version(self) -> str:
        """Name and version in one word."""
        return f"{self.model}:{self.version}"

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that every answer carries; the first is Azure ML's own."""
        return [
            (b"azureml-model-deployment", self.deployment.encode()),
            (b"mlops-model-version", self.model_version.encode()),
            (b"mlops-model-digest", self.digest.encode()),
        ]

    def document(self) -> bytes:
        """The same as JSON."""
        return msgspec.json.encode(asdict(self))
