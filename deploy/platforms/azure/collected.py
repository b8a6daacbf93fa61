"""The requests that a stack's containers collected, brought from blob storage as files of this machine."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from deploy.platforms.azure.folder_of_blobs import FolderOfBlobs
from deploy.platforms.azure.sdk import Sdk
from ml.serving.collection import SUFFIX

DAYS = 90  # a file's name begins with the moment at which it was begun


@dataclass(frozen=True)
class CollectedRequests:
    """What one stack's endpoints were asked and answered.

    Attributes:
        folder: where it is kept here, by problem.
    """

    sdk: Sdk
    folder: Path

    def bring(self, problem: str) -> Path:
        """The folder of what was collected in the last months; only what has been added since is fetched."""
        blobs, folder = FolderOfBlobs(self.sdk, folder_of(problem)), self.folder / problem
        folder.mkdir(parents=True, exist_ok=True)
        oldest = (dt.datetime.now(dt.UTC) - dt.timedelta(days=DAYS)).strftime("%Y%m%dT%H%M%S")
        for name, size in sorted(blobs.names().items()):
            here = folder / name
            length = here.stat().st_size if here.exists() else 0
            if name.endswith(SUFFIX) and name >= oldest and size > length:
                with here.open("ab") as file:
                    file.write(blobs.read(name, length))
        return folder


def place_of(sdk: Sdk, problem: str) -> str:
    """The URL that a deployment's container carries its files to."""
    return f"{sdk.storage_url}/{sdk.outputs.raw_container}/{folder_of(problem)}"


def folder_of(problem: str) -> str:
    """The prefix of a problem's collected requests in the container of raw data."""
    return f"collected/{problem}"
