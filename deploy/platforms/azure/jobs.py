"""Pipeline jobs of the stack: begun once, waited for through whatever happens to the service, and fetched."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.platforms.azure.faults import Busy, NotThere, Unreachable
from deploy.platforms.azure.log_stream import LogStream
from deploy.platforms.azure.sdk import Sdk
from deploy.runs import StepTime
from deploy.screen import Screen
from ml.fault import Fault

POLL_SECONDS = 5.0
HICCUP_SECONDS = 900.0  # how long a service that does not answer is asked again
SEEN_WITHIN_SECONDS = 120.0  # a job that was just begun may not be found at once
SUCCEEDED, ENDED = "Completed", ("Completed", "Failed", "Canceled", "NotResponding")
REUSED = "azureml.isreused"


@dataclass(frozen=True)
class Ended:
    """A job that went well.

    Attributes:
        created: UTC, ISO 8601.
        seconds: from its first step's beginning to its last one's end.
    """

    name: str
    created: str
    seconds: float
    steps: tuple[StepTime, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Jobs:
    """The jobs of a stack's workspace."""

    sdk: Sdk

    @property
    def logs(self) -> LogStream:
        """What the jobs' processes said."""
        return LogStream(self.sdk)

    def begin(self, job: Any) -> str:
        """Begins a job that has a name, once: where an answer was lost, the job is looked for; returns its URL.

        Raises:
            Fault: Azure refuses it.
        """
        doing = f"begin the job {job.name}"
        try:
            made = self.sdk.call(doing, lambda client: self._created(client, job))
        except Unreachable:
            made = self._find(job.name)
            if made is None:
                raise
        return str(made.studio_url or "")

    def wait(self, name: str, screen: Screen, just_begun: bool) -> Ended:
        """Waits until the job has ended, telling what its steps do.

        Args:
            name: of the job.
            screen: hears of every step, and of a service that does not answer.
            just_begun: whether it may still be unknown to those parts of the service that are asked; one that was
                not begun here is waited for once it was seen.

        Raises:
            NotThere: there is no such job.
            Unseen: the login or the rights have ended.
            Unreachable: the service stays away too long.
            Fault: a step failed, or the job was cancelled.
        """
        told: dict[str, str] = {}
        patience, is_there = Patience(screen, SEEN_WITHIN_SECONDS if just_begun else 0.0), just_begun
        while True:
            try:
                job, children = self._seen(name)
                for child in children:
                    self._tell(child, told, screen)
                if job.status in ENDED:
                    return self._ended(job, children)
                patience.renew()
                is_there = True
            except (Unreachable, Busy, NotThere) as fault:
                if not is_there:
                    raise
                patience.lose(fault)
            time.sleep(POLL_SECONDS)

    def fetch(self, name: str, output: str, folder: Path) -> Path:
        """Brings an output of the job to `folder`, whole or not at all.

        Raises:
            Fault: it is not there, or Azure refuses it.
        """
        working = folder.with_name(f"{folder.name}.tmp")
        shutil.rmtree(working, ignore_errors=True)
        working.mkdir(parents=True)
        doing = f"fetch the output {output} of the job {name}"
        self.sdk.call(doing, lambda client: client.jobs.download(name, download_path=working, output_name=output))
        brought = working / "named-outputs" / output
        if not brought.is_dir() or not any(brought.iterdir()):
            raise Fault(f"the job left no output `{output}`", name, "see its log in the studio, then train again")
        shutil.rmtree(folder, ignore_errors=True)
        brought.rename(folder)
        shutil.rmtree(working, ignore_errors=True)
        return folder

    def _created(self, client: Any, job: Any) -> Any:
        from azure.core.exceptions import ResourceExistsError

        try:
            return client.jobs.create_or_update(job)
        except ResourceExistsError:  # the first try went through, and its answer was lost
            return client.jobs.get(job.name)

    def _find(self, name: str) -> Any:
        try:
            return self._get(name)
        except Fault:
            return None

    def _get(self, name: str) -> Any:
        return self.sdk.call(f"read the job {name}", lambda client: client.jobs.get(name))

    def _children(self, name: str) -> list[Any]:
        doing = f"read the steps of {name}"
        return self.sdk.call(doing, lambda client: [c for c in client.jobs.list(parent_job_name=name) if c])

    def _seen(self, name: str) -> tuple[Any, list[Any]]:
        """The job and its steps."""
        try:
            return self._get(name), self._children(name)
        except (Unreachable, Busy, NotThere):
            raise
        except Fault as fault:
            raise Unseen(fault.message, fault.where, fault.remedy, fault.code) from None

    def _tell(self, child: Any, told: dict[str, str], screen: Screen) -> None:
        """Says what is new about a step; of one that runs, the last line of its log."""
        if child.status == "Running" and screen.terminal:
            screen.working(f"{child.display_name}: {self.logs.last_line(child.name)}".rstrip(": "))
        if told.get(child.name) == child.status:
            return
        if child.status == SUCCEEDED:
            step = self._time(child)
            screen.done(child.display_name, "reused" if step.cached else f"{step.seconds:.1f} s")
        elif child.status not in ENDED:
            screen.working(f"{child.display_name}: {child.status.lower()}")
        told[child.name] = child.status

    def _time(self, child: Any) -> StepTime:
        cached = child.properties.get(REUSED) == "true"
        return StepTime(child.display_name, round(self.logs.seconds(child.name), 3), cached)

    def _ended(self, job: Any, children: list[Any]) -> Ended:
        if job.status != SUCCEEDED:
            raise self._failed(job, children)
        created = job.creation_context.created_at.astimezone(dt.UTC).isoformat(timespec="seconds")
        steps = tuple(self._time(child) for child in children)
        return Ended(job.name, created, round(self.logs.seconds(job.name), 3), steps, dict(job.tags or {}))

    def _failed(self, job: Any, children: list[Any]) -> Fault:
        """The fault of the step that failed, or of the job where no step did, with where to look."""
        look = f"see {job.studio_url}" if job.studio_url else "see the job in the studio"
        if job.status == "Canceled":
            return Fault("the job was cancelled", job.name, f"{look}, or train again")
        step = next((child for child in children if child.status in ("Failed", "NotResponding")), None)
        if step is None:
            return Fault(self.logs.error(job.name) or f"the job ended as {job.status}", job.name, look)
        inner = [child for child in self._trials(step) if child.status == "Failed"]
        return self.logs.fault(step.display_name, (inner or [step])[0].name, look)

    def _trials(self, step: Any) -> list[Any]:
        try:
            return self._children(step.name)
        except Fault:
            return []


class Unseen(Fault):
    """The job cannot be seen any more; it goes on."""


@dataclass
class Patience:
    """How long a job is asked for that cannot be seen: it goes on, whoever looks."""

    screen: Screen
    unseen: float
    since: float | None = None

    def lose(self, fault: Fault) -> None:
        """The service did not tell; raises the fault where it has not for too long."""
        now = time.monotonic()
        if self.since is None:
            self.since = now
        if now - self.since >= (self.unseen if isinstance(fault, NotThere) else HICCUP_SECONDS):
            raise fault
        if now == self.since and not isinstance(fault, NotThere):
            self.screen.warn(f"{fault.message.rstrip('.')}; the job goes on, and is asked for again")

    def renew(self) -> None:
        """The service answered."""
        self.since = None
