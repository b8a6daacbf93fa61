"""Registered models: immutable bytes by digest, with their evidence; MLflow lists their versions."""

from __future__ import annotations

import json
import os
import shutil
import stat
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.platforms.local.home import Home
from deploy.platforms.local.tracking import Tracking
from deploy.platforms.protocol import Origin
from deploy.release.state import ModelRef
from deploy.runs import Run
from ml import digest
from ml.fault import Fault


@dataclass(frozen=True)
class Registry:
    """The models below `.mlops/models/<name>/<digest>/`: model/, evidence.json, version.json."""

    home: Home
    tracking: Tracking

    def register(self, run: Run, evidence: bytes, decision: str) -> ModelRef:
        """Keeps the bytes first, then makes the version, then says so; a crash between repeats harmlessly."""
        known = self.find(run.problem, run.model_digest)
        if known is not None:
            return known
        folder = self._keep(run, evidence)
        model = self.tracking.register(run.problem, run.model_digest, folder / "model", run, decision)
        version = {
            **asdict(model),
            "run": run.run_id,
            "live": run.live,
            "evaluation": run.evaluation,
            "evidence_hash": digest.of_bytes(evidence),
        }
        new = folder / f"version.json.{os.getpid()}"
        new.write_text(json.dumps(version, indent=1), encoding="utf-8")
        new.replace(folder / "version.json")
        return model

    def find(self, name: str, model_digest: str) -> ModelRef | None:
        """The version with these bytes."""
        version = self._version(name, model_digest)
        return None if version is None else ModelRef(version["name"], version["version"], version["digest"])

    def evidence(self, model: ModelRef) -> tuple[bytes, str]:
        """What was registered with the model: the evidence, and the hash that it had then.

        Raises:
            Fault: the model is not registered.
        """
        version = self._known(model)
        return (self._folder(model) / "evidence.json").read_bytes(), version["evidence_hash"]

    def fetch(self, model: ModelRef) -> Path:
        """The model's folder, its bytes proved.

        Raises:
            Fault: the model is not registered, or its bytes were changed.
        """
        folder = self._folder(model) / "model"
        if not folder.is_dir():
            raise self._absent(model)
        found = digest.of_path(folder)
        if found != model.digest:
            raise Fault(f"the files of {model} have the digest {found[:12]}", str(folder), "train and gate it again")
        return folder

    def origin(self, model: ModelRef) -> Origin:
        """What the run that made the model left behind."""
        known = self._known(model)
        return Origin(Path(known["evaluation"]), Path(known["live"]) / "rows.parquet")

    def _keep(self, run: Run, evidence: bytes) -> Path:
        folder = self.home.models / run.problem / run.model_digest
        if (folder / "evidence.json").exists():
            return folder
        working = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
        try:
            shutil.copytree(run.model, working / "model")
            (working / "evidence.json").write_bytes(evidence)
            if digest.of_path(working / "model") != run.model_digest:
                raise Fault("the run's model was changed after it was trained", run.model, "train it again")
            _read_only(working)
            shutil.rmtree(folder, ignore_errors=True)
            working.rename(folder)
        finally:
            shutil.rmtree(working, ignore_errors=True)
        return folder

    def _known(self, model: ModelRef) -> dict[str, str]:
        version = self._version(model.name, model.digest)
        if version is None:
            raise self._absent(model)
        return version

    def _version(self, name: str, model_digest: str) -> dict[str, str] | None:
        path = self.home.models / name / model_digest / "version.json"
        if not path.exists():
            return None
        version: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return version

    def _folder(self, model: ModelRef) -> Path:
        return self.home.models / model.name / model.digest

    def _absent(self, model: ModelRef) -> Fault:
        return Fault(f"{model} is not registered", str(self._folder(model)), "`mlops gate` registers what passes")


def _read_only(folder: Path) -> None:
    """A version never changes its bytes: the files cannot be written by accident."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
