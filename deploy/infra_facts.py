"""What infra says of itself: `python -m infra facts|cost --json`, run as a process and checked on arrival."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ml.fault import Fault, invalid

ROOT = Path(__file__).parents[1]
VERSION = 1
# What must be there, with its kind; docs/infrastructure-*.schema.json say the same in full, held by a contract test.
FACTS: dict[str, type | tuple[type, ...]] = {
    "stack": str, "location": str, "repository": str, "names": dict, "globalNames": dict, "state": dict,
    "sizes": list, "quotas": dict, "providers": list, "roles": dict, "tools": dict, "environments": list,
    "approved": list, "runner": dict, "services": list,
    "subjects": dict, "aks": bool, "network": str, "budgetStart": str, "userPools": list,
}  # fmt: skip
COST: dict[str, type | tuple[type, ...]] = {
    "stack": str, "currency": str, "lines": list, "idle": dict, "busy": dict, "idleWithAks": dict,
    "idleWithoutAks": dict, "ageDays": int,
}  # fmt: skip


def facts(stack: str, root: Path = ROOT) -> dict[str, Any]:
    """What the stack needs of a subscription: names, sizes, quotas, roles, subjects.

    Raises:
        Fault: the stack's configuration is wrong (2), or infra answered something else (1).
    """
    return _ask("facts", stack, FACTS, root)


def cost(stack: str, root: Path = ROOT) -> dict[str, Any]:
    """What the stack costs a month, idle and busy, line by line.

    Raises:
        Fault: as `facts`.
    """
    return _ask("cost", stack, COST, root)


def _ask(verb: str, stack: str, shape: dict[str, type | tuple[type, ...]], root: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "infra", verb, "--stack", stack, "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise _fault(done.returncode, done.stderr, verb)
    return checked(json.loads(done.stdout), shape, f"python -m infra {verb}")


def _fault(code: int, error: str, verb: str) -> Fault:
    try:
        message = str(json.loads(error.splitlines()[-1])["error"])
    except (ValueError, KeyError, TypeError, IndexError):
        return Fault(f"ended with {code}", f"python -m infra {verb}", (error.strip().splitlines() or ["no word"])[-1])
    return invalid(message, remedy="docs/infrastructure.md lists every key")


def checked(answer: Any, shape: dict[str, type | tuple[type, ...]], where: str) -> dict[str, Any]:
    """The answer, where it has the version and the shape that this module knows.

    Raises:
        Fault: it has not.
    """
    if not isinstance(answer, dict) or answer.get("version") != VERSION:
        raise Fault(f"does not speak version {VERSION}", where, "bring infra/ and deploy/ to the same commit")
    wrong = [key for key, kind in shape.items() if not isinstance(answer.get(key), kind)]
    if wrong:
        raise Fault(f"lacks or mistypes {', '.join(wrong)}", where, "bring infra/ and deploy/ to the same commit")
    return answer
