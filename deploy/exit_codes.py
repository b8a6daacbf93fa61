"""The exit codes of `mlops`; a workflow tells a refusal from a fault by them."""

from __future__ import annotations

DONE = 0
FAULT = 1
USAGE = 2
REFUSED = 3
WAITING = 4
ROLLED_BACK = 5
DRIFT = 6
INTERRUPTED = 7
