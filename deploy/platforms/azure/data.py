"""A problem's raw rows as a data asset of the stack, each version named by their digest."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.platforms.azure.faults import NotThere
from deploy.platforms.azure.folder_of_blobs import FolderOfBlobs
from deploy.platforms.azure.sdk import Sdk
from deploy.platforms.azure.tags import DIGEST
from deploy.platforms.local.data import asset
from deploy.platforms.local.home import Home
from deploy.platforms.protocol import Asset
from deploy.screen import Screen
from ml import digest
from ml.fault import Fault, invalid
from ml.problem import Problem


@dataclass(frozen=True)
class Data:
    """The raw rows of the stack's problems: blobs below `<problem>/<version>/`, and a data asset over each."""

    sdk: Sdk
    home: Home

    def push(self, problem: Problem, file: Path, screen: Screen) -> Asset:
        """See `Platform`; what an interrupted upload has brought there is not sent again.

        Raises:
            Fault: there are no such rows here, or Azure refuses them.
        """
        screen.working("read the rows")
        here = asset(self.home, problem, file)
        known = self._find(here.name, here.version)
        if known is not None:
            if self._digest(known) != here.digest:
                raise self._foreign(known)
            return Asset(here.name, here.version, here.digest, str(known.path))
        blobs = FolderOfBlobs(self.sdk, here.name)
        with _as_folder(Path(here.place)) as folder:
            sent = blobs.send(folder, here.version, lambda name: screen.working(f"send {name}"))
        made = self._create(here, f"{blobs.uri}/{here.version}/")
        return Asset(here.name, here.version, here.digest, str(made.path), uploaded=sent > 0)

    def pull(self, problem: Problem, version: str | None, screen: Screen) -> Asset:
        """See `Platform`; the bytes are proved by the digest that they were pushed with.

        Raises:
            Fault: there is no such version, or its bytes were changed.
        """
        name = problem.name
        found = self._require(name, self._newest(name) if version is None else self._find(name, version), version)
        wanted = self._digest(found)
        folder = self.home.data / f"{name}-{found.version}"
        if not folder.exists() or digest.of_path(folder) != wanted:
            self._fetch(name, str(found.version), folder, screen)
        if digest.of_path(folder) != wanted:
            shutil.rmtree(folder)
            raise Fault(f"the bytes of {name}:{found.version} were changed", str(found.path), "push the rows again")
        return Asset(name, str(found.version), wanted, str(folder))

    def newest(self, name: str) -> Asset:
        """The newest version of a problem's rows that the stack has, where they lie in it.

        Raises:
            Fault: nothing was pushed.
        """
        found = self._require(name, self._newest(name), None)
        return Asset(name, str(found.version), found.tags[DIGEST], str(found.path))

    def _require(self, name: str, found: Any, version: str | None) -> Any:
        if found is None:
            where = self.sdk.outputs.workspace_name
            remedy = f"mlops data push {name} --stack {self.sdk.outputs.stack} --platform azure"
            if version is not None:
                message = f"there is no {name}:{version} in the stack"
                raise invalid(message, where, f"leave --version out for the newest; {remedy} makes one")
            raise Fault(f"there is no data of {name} in the stack", where, remedy)
        return found

    def _fetch(self, name: str, version: str, folder: Path, screen: Screen) -> None:
        blobs, working = FolderOfBlobs(self.sdk, f"{name}/{version}"), folder.with_name(f"{folder.name}.tmp")
        shutil.rmtree(working, ignore_errors=True)
        for blob in blobs.names():
            screen.working(f"fetch {blob}")
            (working / blob).parent.mkdir(parents=True, exist_ok=True)
            blobs.fetch(blob, working / blob)
        shutil.rmtree(folder, ignore_errors=True)
        working.rename(folder)

    def _find(self, name: str, version: str) -> Any:
        try:
            return self.sdk.call(f"read the data {name}:{version}", lambda client: client.data.get(name, version))
        except NotThere:
            return None

    def _newest(self, name: str) -> Any:
        try:
            found = self.sdk.call(f"list the data {name}", lambda client: list(client.data.list(name)))
        except NotThere:
            return None
        ours = [one for one in found if DIGEST in (one.tags or {})]
        return max(ours, key=lambda one: one.creation_context.created_at, default=None)

    def _create(self, here: Asset, uri: str) -> Any:
        from azure.ai.ml.entities import Data as DataAsset

        wanted = DataAsset(
            name=here.name,
            version=here.version,
            type="uri_folder",
            path=uri,
            description="The raw rows, as they were pushed.",
            tags={DIGEST: here.digest},
        )
        doing = f"register the data {here.name}:{here.version}"
        return self.sdk.call(doing, lambda client: client.data.create_or_update(wanted))

    def _digest(self, known: Any) -> str:
        """What a version was pushed with; one that somebody else has registered has none."""
        if DIGEST not in (known.tags or {}):
            raise self._foreign(known)
        return str(known.tags[DIGEST])

    def _foreign(self, known: Any) -> Fault:
        message = f"the data {known.name}:{known.version} was registered by something else"
        return Fault(message, self.sdk.outputs.workspace_name, "archive that version, then push again")


@contextlib.contextmanager
def _as_folder(place: Path) -> Iterator[Path]:
    """The rows as a folder, which is what a job's input is."""
    if place.is_dir():
        yield place
        return
    with tempfile.TemporaryDirectory() as temporary:
        try:
            os.link(place, Path(temporary) / place.name)
        except OSError:
            shutil.copy2(place, temporary)
        yield Path(temporary)
