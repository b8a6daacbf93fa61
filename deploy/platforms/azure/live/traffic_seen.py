"""What a source outside of the deployment tells of its requests."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Seen:
    """A deployment's requests in a window; nothing of what it predicted.

    Attributes:
        failures: answered with 5xx, or with 424 where the model's own status is not known.
        refused: answered with another 4xx.
        latency_p95_ms: NaN where the source does not tell.
    """

    requests: int
    failures: int
    refused: int
    latency_p95_ms: float = math.nan

    @classmethod
    def of(cls, statuses: Mapping[int, int], latency_p95_ms: float) -> Seen:
        """From the number of answers by status."""
        failures = sum(count for status, count in statuses.items() if status >= 500 or status == 424)
        refused = sum(count for status, count in statuses.items() if 400 <= status < 500 and status != 424)
        return cls(sum(statuses.values()), failures, refused, latency_p95_ms)


def iso(moment: float) -> str:
    """A moment (seconds of the epoch) as Azure's sources are asked for it, in UTC."""
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
