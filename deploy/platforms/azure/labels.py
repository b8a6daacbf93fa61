"""Labels, with the asked rows that they belong to, in a stack's container of raw data: no machine keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.platforms.azure.folder_of_blobs import FolderOfBlobs
from deploy.platforms.azure.sdk import Sdk

CAME, JOINED = "labels", "labelled"  # beside `collected`: what whoever learns them puts there, and what is trained with


@dataclass(frozen=True)
class Labels:
    """Those of one stack's problems.

    Attributes:
        root: where they are kept here, by stack and problem.
    """

    sdk: Sdk
    root: Path

    def came(self, problem: str) -> Path:
        """The folder of the labels that have come."""
        return self._bring(CAME, problem)

    def joined(self, problem: str) -> Path:
        """The folder of the asked rows with their labels."""
        return self._bring(JOINED, problem)

    def keep(self, problem: str, rows: Path) -> None:
        """Brings a file of such rows there."""
        self._blobs(JOINED, problem).put(rows)

    def _blobs(self, word: str, problem: str) -> FolderOfBlobs:
        return FolderOfBlobs(self.sdk, f"{word}/{problem}")

    def _bring(self, word: str, problem: str) -> Path:
        """The files as they are there now: one that was taken back is not used, another of its name is."""
        blobs, folder = self._blobs(word, problem), self.root / word / self.sdk.outputs.stack / problem
        folder.mkdir(parents=True, exist_ok=True)
        names = blobs.names()
        for here in folder.iterdir():
            if here.name not in names:
                here.unlink()
        for name in names:
            if "/" not in name:  # as `collected` has it, one folder
                blobs.fetch(name, folder / name)
        return folder
