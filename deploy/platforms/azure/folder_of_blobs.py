"""A folder in the stack's container of raw data, as its owner reads and writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from deploy.platforms.azure.sdk import Sdk

T = TypeVar("T")


@dataclass(frozen=True)
class FolderOfBlobs:
    """Blobs below a prefix; names are relative to it."""

    sdk: Sdk
    prefix: str

    @property
    def uri(self) -> str:
        """How jobs name it."""
        return f"azureml://datastores/{self.sdk.outputs.datastore_name}/paths/{self.prefix}"

    def names(self, below: str = "") -> dict[str, int]:
        """The blobs in a folder of it with their sizes."""
        start = f"{self.prefix}/{below}".rstrip("/") + "/"
        found = self._call("list", lambda container: list(container.list_blobs(name_starts_with=start)))
        return {blob.name.removeprefix(f"{self.prefix}/"): blob.size for blob in found}

    def send(self, folder: Path, below: str, told: Callable[[str], None]) -> int:
        """Brings the files of a folder there, and returns how many were not there yet.

        A blob of the same size is taken for the file: a blob is there whole or not at all, and those who send name
        the folder by the digest of what is in it.
        """
        there, sent = self.names(below), 0
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = f"{below}/{path.relative_to(folder).as_posix()}"
            if there.get(name) != path.stat().st_size:
                told(path.name)
                self._send(path, name)
                sent += 1
        return sent

    def put(self, file: Path) -> None:
        """A file as a blob of its name, in the place of the one that is there."""
        self._send(file, file.name)

    def read(self, name: str, since: int = 0) -> bytes:
        """A blob's bytes from a position on."""
        return self._call(
            f"read {name}",
            lambda container: bytes(container.download_blob(f"{self.prefix}/{name}", offset=since).readall()),
        )

    def fetch(self, name: str, path: Path) -> Path:
        """A blob as a file."""

        def write(container: Any) -> None:
            with path.open("wb") as file:
                container.download_blob(f"{self.prefix}/{name}").readinto(file)

        self._call(f"fetch {name}", write)
        return path

    def delete(self, below: str = "") -> None:
        """Removes the blobs in a folder of it."""
        for name in self.names(below):
            self._delete(name)

    def _delete(self, name: str) -> None:
        self._call(f"delete {name}", lambda container: container.delete_blob(f"{self.prefix}/{name}"))

    def _send(self, path: Path, name: str) -> None:
        def write(container: Any) -> None:
            with path.open("rb") as file:
                container.upload_blob(f"{self.prefix}/{name}", file, overwrite=True)

        self._call(f"send {name}", write)

    def _call(self, doing: str, what: Callable[[Any], T]) -> T:
        container = self.sdk.storage.get_container_client(self.sdk.outputs.raw_container)
        where = f"{doing} in {self.prefix}"
        return self.sdk.call(where, what, "the storage account", lambda: container)
