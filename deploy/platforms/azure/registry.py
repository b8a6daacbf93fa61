"""Model versions on Azure: bytes with their evidence in the workspace, shared with prod through the registry."""

from __future__ import annotations

import contextlib
import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.platforms.azure.faults import NotThere
from deploy.platforms.azure.sdk import Sdk
from deploy.platforms.azure.tags import COMMIT, DATA, DIGEST, RUN
from deploy.platforms.protocol import Origin
from deploy.release.state import ModelRef
from deploy.runs import Run
from ml import digest
from ml.fault import Fault

EVIDENCE_HASH = "mlops.evidence"
LINEAGE = "-evidence"  # what is registered beside a model, with the same version
SHARED_DIGITS = 12
ATTEMPTS = 5


@dataclass(frozen=True)
class Registry:
    """The models of a stack: dev's are its workspace's, prod's those of the shared registry.

    Beside each model stands a second one, `<name>-evidence`, of the same version: the verdict's evidence, what
    the model answered on the rows that judged it, and the rows held back. So both go the same way to prod.

    Attributes:
        folder: where fetched bytes are kept, by name and digest.
    """

    sdk: Sdk
    folder: Path

    @property
    def takes_shared(self) -> bool:
        """Whether the stack takes its models from the shared registry."""
        return self.sdk.outputs.stack == "prod"

    def register(self, run: Run, evidence: bytes, decision: str) -> ModelRef:
        """Makes the run's model a version of the workspace; first what belongs to it, so that it is never without.

        Raises:
            Fault: the run's files were changed, or Azure refuses it.
        """
        known = self.find(run.problem, run.model_digest)
        if known is not None:
            return known
        if digest.of_path(Path(run.model)) != run.model_digest:
            raise Fault("the run's model was changed after it was trained", run.model, "train it again")
        tags = {
            DIGEST: run.model_digest,
            EVIDENCE_HASH: digest.of_bytes(evidence),
            "mlops.decision": decision,
            RUN: run.run_id,
            DATA: run.data_digest,
            COMMIT: run.git_commit or "none",
        }
        with self._lineage(run, evidence) as lineage:
            for _ in range(ATTEMPTS):
                version = str(self._newest(run.problem) + 1)
                try:
                    self._create(run.problem + LINEAGE, version, lineage, "custom_model", tags)
                    self._create(run.problem, version, Path(run.model), "mlflow_model", tags)
                except Taken:
                    continue
                return ModelRef(run.problem, version, run.model_digest)
        raise Fault(f"others register {run.problem} at the same time", self._place, "run the same command again")

    def find(self, name: str, model_digest: str) -> ModelRef | None:
        """The version with these bytes, or None where the registry answers that there is none."""
        for version, found in self._versions(name):
            if found and model_digest.startswith(found):
                return ModelRef(name, version, model_digest)
        return None

    def evidence(self, model: ModelRef) -> tuple[bytes, str]:
        """The evidence registered with the model, and its hash then.

        Raises:
            Fault: the model is not registered.
        """
        kept = self._lineage_of(model)
        return (kept / "evidence.json").read_bytes(), json.loads((kept / "registered.json").read_text())["evidence"]

    def origin(self, model: ModelRef) -> Origin:
        """What the run that made the model left behind."""
        kept = self._lineage_of(model)
        return Origin(kept / "evaluation", kept / "live" / "rows.parquet")

    def fetch(self, model: ModelRef) -> Path:
        """The model's folder, its bytes proved by the digest.

        Raises:
            Fault: it is not registered, or its bytes are others.
        """
        folder = self.folder / model.name / model.digest / "model"
        if not folder.exists():
            self._download(model.name, model, folder)
        found = digest.of_path(folder)
        if found != model.digest:
            shutil.rmtree(folder)
            raise Fault(f"the files of {model} have the digest {found[:12]}", self._place, "train and gate it again")
        return folder

    def share(self, model: ModelRef) -> None:
        """Lets prod take the model: the same bytes, in the shared registry; what is there is left alone."""
        shared = shared_version(model)
        for name in (model.name + LINEAGE, model.name):
            with contextlib.suppress(NotThere):
                self._get(name, shared, of_registry=True)
                continue
            self._share(name, model.version, shared)

    def is_shared(self, model: ModelRef) -> bool:
        """Whether the shared registry has these bytes, under this version."""
        try:
            self._get(model.name, shared_version(model), of_registry=True)
        except NotThere:
            return False
        return True

    def uri(self, model: ModelRef, by_reference: bool) -> str:
        """What a deployment names as its model.

        A managed endpoint of prod takes the registry's own; one on Kubernetes cannot read registries, so the
        same bytes become a version of the workspace, verified on the way.
        """
        if not self.takes_shared:
            return f"azureml:{model.name}:{model.version}"
        if by_reference:
            registry = self.sdk.outputs.registry_name
            return f"azureml://registries/{registry}/models/{model.name}/versions/{shared_version(model)}"
        folder = self.fetch(model)
        try:
            known = self._get(model.name, model.version)
        except NotThere:
            self._create(model.name, model.version, folder, "mlflow_model", {DIGEST: model.digest})
        else:
            if (known.tags or {}).get(DIGEST) != model.digest:
                message = f"{model.name}:{model.version} of the workspace has other bytes than {model}"
                raise Fault(message, self._place, "archive that version, and gate the model again")
        return f"azureml:{model.name}:{model.version}"

    @property
    def _place(self) -> str:
        return self.sdk.outputs.registry_name if self.takes_shared else self.sdk.outputs.workspace_name

    def _versions(self, name: str) -> Iterator[tuple[str, str]]:
        """Each version with its digest, or as much of it as the place knows; the newest first."""
        if self.takes_shared:
            for model in self._list(name):
                version, _, found = str(model.version).partition("-")
                yield version, found
            return
        for model in self._list(name):
            yield str(model.version), (model.tags or {}).get(DIGEST, "")

    def _newest(self, name: str) -> int:
        versions = [version for version, _ in self._versions(name)]
        return max((int(version) for version in versions if version.isdigit()), default=0)

    def _list(self, name: str) -> list[Any]:
        doing = f"list the versions of {name}"
        try:
            if self.takes_shared:
                return self.sdk.call(
                    doing, lambda client: list(client.models.list(name)), "the registry", lambda: self.sdk.registry
                )
            return self.sdk.call(doing, lambda client: list(client.models.list(name)))
        except NotThere:
            return []

    def _get(self, name: str, version: str, of_registry: bool = False) -> Any:
        doing = f"find {name}:{version}"
        if of_registry:
            return self.sdk.call(
                doing, lambda client: client.models.get(name, version), "the registry", lambda: self.sdk.registry
            )
        return self.sdk.call(doing, lambda client: client.models.get(name, version))

    def _create(self, name: str, version: str, folder: Path, kind: str, tags: dict[str, str]) -> None:
        from azure.ai.ml.entities import Model

        def create(client: Any) -> Any:
            try:
                return client.models.create_or_update(
                    Model(name=name, version=version, path=str(folder), type=kind, tags=tags)
                )
            except Exception:  # by what it is told that a version is taken differs; the version itself is sure
                if _has_other_bytes(client, name, version, tags[DIGEST]):
                    raise Taken(f"{name}:{version}", self._place) from None
                raise

        self.sdk.call(f"register {name}:{version}", create)

    def _share(self, name: str, version: str, shared: str) -> None:
        # The SDK swaps the client's scope while it shares, so a client of its own does it.
        own = Sdk(self.sdk.outputs)
        registry = self.sdk.outputs.registry_name

        def share(client: Any) -> Any:
            return client.models.share(
                name, version, share_with_name=name, share_with_version=shared, registry_name=registry
            )

        own.call(f"share {name}:{version} with the registry {registry}", share, "the registry")

    @contextlib.contextmanager
    def _lineage(self, run: Run, evidence: bytes) -> Iterator[Path]:
        working = self.folder / run.problem / f"{uuid.uuid4().hex[:8]}.tmp"
        try:
            shutil.copytree(run.evaluation, working / "evaluation")
            shutil.copytree(run.live, working / "live")
            (working / "evidence.json").write_bytes(evidence)
            registered = {"evidence": digest.of_bytes(evidence), "model": run.model_digest, "run": run.run_id}
            (working / "registered.json").write_text(json.dumps(registered), encoding="utf-8")
            yield working
        finally:
            shutil.rmtree(working, ignore_errors=True)

    def _lineage_of(self, model: ModelRef) -> Path:
        folder = self.folder / model.name / model.digest / "lineage"
        if not folder.exists():
            self._download(model.name + LINEAGE, model, folder)
        return folder

    def _download(self, name: str, model: ModelRef, folder: Path) -> None:
        version = shared_version(model) if self.takes_shared else model.version
        working = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
        working.mkdir(parents=True)
        of = "the registry" if self.takes_shared else "the storage account"
        client = (lambda: self.sdk.registry) if self.takes_shared else None
        try:
            self.sdk.call(
                f"fetch {name}:{version}", lambda c: c.models.download(name, version, str(working)), of, client
            )
            (_root(working)).rename(folder)
        except NotThere:
            raise Fault(f"{model} is not registered", self._place, "`mlops gate` registers what passes") from None
        finally:
            shutil.rmtree(working, ignore_errors=True)


class Taken(Fault):
    """The version was made meanwhile, with other bytes."""

    def __init__(self, version: str, place: str) -> None:
        super().__init__(f"another has registered {version} meanwhile", place, "run the same command again")


def shared_version(model: ModelRef) -> str:
    """A version's name in the shared registry says which bytes it has, whatever becomes of tags on the way."""
    return f"{model.version}-{model.digest[:SHARED_DIGITS]}"


def _has_other_bytes(client: Any, name: str, version: str, model_digest: str) -> bool:
    try:
        return (client.models.get(name, version).tags or {}).get(DIGEST) != model_digest
    except Exception:
        return False  # it is not there, or cannot be read: what was said first counts


def _root(downloaded: Path) -> Path:
    """The folder that was registered: the SDK puts it two levels down, under names of its own."""
    folder = downloaded
    while True:
        inside = list(folder.iterdir())
        if len(inside) != 1 or not inside[0].is_dir():
            return folder
        folder = inside[0]
