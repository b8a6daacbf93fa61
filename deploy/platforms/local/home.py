"""Where everything of this machine's platform lies: `.mlops/`, ignored by git."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import deploy
from ml.fault import invalid

REPOSITORY = Path(deploy.__file__).resolve().parents[1]


@dataclass(frozen=True)
class Home:
    """The folders below `.mlops/` (or below `MLOPS_HOME`)."""

    root: Path

    @classmethod
    def of_this_machine(cls) -> Home:
        """`MLOPS_HOME` where it is set, otherwise `.mlops/` in the repository."""
        return cls(Path(os.environ.get("MLOPS_HOME") or REPOSITORY / ".mlops").resolve())

    def made(self) -> Home:
        """The same with its folder on the disk.

        Raises:
            Fault: it cannot be made: a file is in the way, a right is missing.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"no folder can be made there: {error.strerror}"
            raise invalid(message, str(self.root), "set MLOPS_HOME to a folder that can be written") from None
        return self

    def on(self, platform: str) -> Home:
        """The same folders for another platform: this machine's are at the top."""
        return self if platform == "local" else Home(self.root / platform)

    @property
    def data(self) -> Path:
        """What the sources made."""
        return self.root / "data"

    @property
    def steps(self) -> Path:
        """The outputs of the pipeline's steps, by key."""
        return self.root / "steps"

    @property
    def runs(self) -> Path:
        """The records of the runs."""
        return self.root / "runs"

    @property
    def models(self) -> Path:
        """The registered models' bytes, by name and digest."""
        return self.root / "models"

    @property
    def tracking(self) -> Path:
        """MLflow's database."""
        return self.root / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        """MLflow's artefacts."""
        return self.root / "artifacts"

    @property
    def pins(self) -> Path:
        """This machine's pins."""
        return self.root / "pins"

    def endpoints(self, stack: str) -> Path:
        """The endpoints of a stack."""
        return self.root / stack / "endpoints"
