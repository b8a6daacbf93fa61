"""What the processes of a job said, and when they ran: the workspace's run history."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.platforms.azure.sdk import Sdk
from ml.fault import Fault, from_json

LAST_LINES = 15
OWN_LOG = re.compile(r"^user_logs/std_log(?:_process_(\d+))?\.txt$")
LONGEST_LINE = 100


@dataclass(frozen=True)
class LogStream:
    """The run history of a stack's workspace."""

    sdk: Sdk

    def last_line(self, run: str) -> str:
        """The last line that a running step has printed; empty where it cannot be had now."""
        try:
            lines = [line for text in self._own(run)[:1] for line in text.splitlines() if line.strip()]
        except Fault:
            return ""  # it is only shown
        return lines[-1].strip()[:LONGEST_LINE] if lines else ""

    def fault(self, step: str, run: str, look: str) -> Fault:
        """What a failed step said: its own fault where it told one, otherwise the last lines of its log.

        Args:
            step: its name in the pipeline.
            run: its id in the run history.
            look: where there is more.
        """
        texts = self._own(run)
        for text in texts:
            lines = text.splitlines()
            own = from_json(lines[-1]) if lines else None
            if own is not None:
                remedy = f"{own.remedy}; {look}" if own.remedy else look
                return Fault(own.message, own.where or f"step {step}", remedy, own.code)
        tail = "\n".join("\n".join(texts[:1]).splitlines()[-LAST_LINES:])
        reason = f"; the end of its log:\n{tail}" if tail else f": {self.error(run) or 'it left no log'}"
        return Fault(f"step `{step}` failed{reason}", f"step {step}", look)

    def error(self, run: str) -> str:
        """What the service says is wrong with a run; empty where it says nothing."""
        root = getattr(self._details(run).error, "error", None)
        return str(getattr(root, "message", None) or "")

    def seconds(self, run: str) -> float:
        """How long a run has taken."""
        details = self._details(run)
        return _between(details.start_time_utc, details.end_time_utc)

    def _own(self, run: str) -> list[str]:
        """The logs of the step's own processes, the first node's first."""
        files: Mapping[str, str] = self._details(run).log_files or {}
        own = sorted((int(found[1] or 0), name) for name in files if (found := OWN_LOG.match(name)))
        return [self.sdk.text(f"read the log {name}", files[name]) for _, name in own]

    def _details(self, run: str) -> Any:
        # The SDK has no public verb for it; its own `jobs.stream` prints, and asks this.
        doing = f"read the history of {run}"
        return self.sdk.call(doing, lambda client: client.jobs._runs_operations.get_run_details(run))


def _between(began: dt.datetime | None, ended: dt.datetime | None) -> float:
    return (ended - began).total_seconds() if began and ended else 0.0
