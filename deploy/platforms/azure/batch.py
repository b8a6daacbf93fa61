"""Scores a file through the stack's batch endpoint: rows up, a job over several nodes, scored rows down."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.platforms.azure.batch_endpoint import BatchEndpoint, Scoring
from deploy.platforms.azure.faults import Busy, NotThere, Unreachable
from deploy.platforms.azure.folder_of_blobs import FolderOfBlobs
from deploy.platforms.azure.jobs import ENDED, SEEN_WITHIN_SECONDS, Patience
from deploy.platforms.azure.registry import Registry
from deploy.platforms.azure.sdk import Sdk
from deploy.release.state import ModelRef
from deploy.screen import Screen
from ml import digest
from ml.batch.cutting import Cut, cut, join
from ml.batch.mini_batch import FAULT
from ml.batch.predictions import column_names
from ml.batch.sinks import suffix_of
from ml.batch.whole_file import check_place
from ml.fault import Fault
from ml.model.model import CARD, Card, inner
from ml.raw.folder import open_raw

POLL_SECONDS = 10.0
DIGITS = 16


@dataclass(frozen=True)
class Batch:
    """One stack's batch scoring.

    Attributes:
        folder: where it is remembered which job was begun for what; the same command takes it up again.
    """

    sdk: Sdk
    registry: Registry
    folder: Path

    def score(self, model: ModelRef, data: Path, out: Path, screen: Screen, pipeline: bool) -> dict[str, Any]:
        """Writes the rows of `data` with the model's predictions to `out`.

        Args:
            model: what answers.
            data: a CSV or Parquet file, or a folder of such files.
            out: a file that ends in .parquet or .csv.
            screen: shows how far it is.
            pipeline: through the deployment of the pipeline component, not of the model.

        Raises:
            Fault: the rows cannot be scored, or the job fails; nothing is written then.
        """
        began, written = time.monotonic(), suffix_of(out)
        check_place(out)
        screen.working(f"fetch {model}")
        own = self.registry.fetch(model)
        words = [model.digest, written, "pipeline" if pipeline else "model", _digest_of(data)]
        key = digest.of_bytes("\n".join(words).encode())[:DIGITS]
        blobs = FolderOfBlobs(self.sdk, f"batch/{key}")
        with tempfile.TemporaryDirectory() as work:
            cuts = self._send(own, data, out, Path(work), blobs, screen)
            job = self._begun(key) or self._begin(key, Scoring(model, blobs, written, pipeline), screen)
            self._wait(job, blobs, cuts, screen)
            scored = _expected(cuts, out, pipeline)
            screen.working("fetch the scored rows")
            paths = self._fetch(job, blobs, scored, Path(work), cuts)
            join(paths, open_raw(data).columns, out, column_names(Card.load(inner(own) / CARD)))
        blobs.delete()
        self._remembered(key).unlink(missing_ok=True)
        rows, seconds = sum(one.rows for one in cuts), time.monotonic() - began
        figures = {"rows": rows, "seconds": round(seconds, 3), "rows_per_second": round(rows / seconds)}
        return {**figures, "out": str(out), "job": job, "files": len(cuts)}

    def _send(
        self, model: Path, data: Path, out: Path, work: Path, blobs: FolderOfBlobs, screen: Screen
    ) -> tuple[Cut, ...]:
        screen.working("cut the rows")
        folder = work / "rows"
        folder.mkdir()
        cuts = cut(model, data, out, folder)
        sent = blobs.send(folder, "rows", lambda name: screen.working(f"send {name}"))
        rows = sum(one.rows for one in cuts)
        screen.done(f"{rows:,} rows in {len(cuts)} file(s)", "sent" if sent else "were there already")
        return cuts

    def _begun(self, key: str) -> str | None:
        """The job that an interrupted command has begun for the same, where it has not failed."""
        path = self._remembered(key)
        if not path.exists():
            return None
        job = str(json.loads(path.read_text(encoding="utf-8"))["job"])
        try:
            status = self._job(job).status
        except NotThere:
            return None
        except (Unreachable, Busy):
            return job  # it is waited for, and asked for again
        return job if status == "Completed" or status not in ENDED else None

    def _begin(self, key: str, scoring: Scoring, screen: Screen) -> str:
        job = BatchEndpoint(self.sdk, self.registry, scoring.model.name, self.folder / "code").invoke(scoring, screen)
        path = self._remembered(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"job": job}), encoding="utf-8")
        return job

    def _wait(self, job: str, blobs: FolderOfBlobs, cuts: Sequence[Cut], screen: Screen) -> None:
        """Waits until the job has ended.

        Raises:
            Fault: it failed, with what the scoring script said of the first file that could not be scored.
        """
        found = self._ended(job, screen)
        if found.status != "Completed":
            said = self._why(blobs, cuts) or f"the job ended as {_word(found.status)}"
            raise Fault(said, job, f"its log: {found.studio_url}" if found.studio_url else "see its log in the studio")

    def _ended(self, job: str, screen: Screen) -> Any:
        """The job when it has ended, whatever happens to the service meanwhile."""
        before, began, patience = "", time.monotonic(), Patience(screen, SEEN_WITHIN_SECONDS)
        while True:
            try:
                found = self._job(job)
            except (Unreachable, Busy, NotThere) as fault:
                patience.lose(fault)
            else:
                patience.renew()
                if found.status != before:
                    screen.done(f"{job}: {_word(found.status)}", found.studio_url or "")
                    before = found.status
                if found.status in ENDED:
                    return found
                screen.working(f"{job}: {_word(found.status)} for {time.monotonic() - began:.0f} s")
            time.sleep(POLL_SECONDS)

    def _why(self, blobs: FolderOfBlobs, cuts: Sequence[Cut]) -> str | None:
        """What the scoring script left about the first file that it could not score."""
        left = {Path(name).name: name for name in blobs.names("scored") if name.endswith(FAULT)}
        for one in cuts:
            if f"{one.scored}{FAULT}" in left:
                said = blobs.read(left[f"{one.scored}{FAULT}"]).decode(errors="replace")
                return f"{said} ({one.name} begins with {one.source})"
        return None

    def _fetch(
        self, job: str, blobs: FolderOfBlobs, names: Sequence[str], work: Path, cuts: Sequence[Cut]
    ) -> list[Path]:
        found = {Path(name).name: name for name in blobs.names("scored")}
        missing = [name for name in names if name not in found]
        if missing:
            said = self._why(blobs, cuts)
            why = f": {said}" if said else ""
            raise Fault(f"{len(missing)} of {len(names)} files were not scored{why}", job, "correct them, try again")
        folder = work / "scored"
        folder.mkdir()
        return [blobs.fetch(found[name], folder / name) for name in names]

    def _job(self, job: str) -> Any:
        return self.sdk.call(f"read the job {job}", lambda client: client.jobs.get(job))

    def _remembered(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def _expected(cuts: Sequence[Cut], out: Path, pipeline: bool) -> list[str]:
    """The files that the job leaves, in their order; a pipeline leaves one."""
    return [f"scored{suffix_of(out)}"] if pipeline else [one.scored for one in cuts]


def _digest_of(data: Path) -> str:
    open_raw(data)  # says what is wrong with it
    return digest.of_path(data)


def _word(status: Any) -> str:
    """A status as the studio shows it; the SDK has some as an enumeration."""
    return str(getattr(status, "value", status))
