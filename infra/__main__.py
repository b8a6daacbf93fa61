"""What can be asked of the infrastructure without a cloud: cost, facts, prices, a preview, waivers that end."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra import configuration, prices
from infra.cost import lines, priced, total
from infra.facts import facts
from infra.faults import ConfigurationFault
from infra.policy.replaces import refused
from infra.profiles import PROFILES

# A price depends on none of these: it is told before anything is typed.
UNTYPED = {
    "repository": "owner/name",
    "budget": "1",
    "alert": "nobody@example.com",
    "budgetStart": "2026-01-01",
}


def cost(stack: str, today: dt.date) -> dict[str, object]:
    """Monthly prices of a stack as it is configured, and its idle total with AKS on and off."""
    settings = configuration.read_stack(stack, stand_ins=UNTYPED)
    profile, table = PROFILES[stack], prices.load()
    rows = priced(lines(profile, settings), table)
    idle = {
        word: total(priced(lines(profile, replace(settings, aks=word == "on")), table), "idle")
        for word in ("on", "off")
    }
    return {
        "version": 1,
        "stack": stack,
        "currency": "USD",
        "lines": rows,
        "idle": total(rows, "idle"),
        "busy": total(rows, "busy"),
        "idleWithAks": idle["on"],
        "idleWithoutAks": idle["off"],
        "ageDays": prices.age_days(table, today),
    }


def told(found: Mapping[str, Any]) -> str:
    """The cost as plain lines."""

    def money(value: float | None) -> str:
        return "unknown" if value is None else f"{value:.2f}"

    def summed(word: str, one: Mapping[str, Any]) -> str:
        rest = f" and unknown: {', '.join(one['unknown'])}" if one["unknown"] else ""
        return f"{word}: {one['known']:.2f} {found['currency']} a month{rest}"

    rows = [f"{'resource':28} {'idle':>10} {'busy':>10}  read"]
    rows += [f"{r['resource']:28} {money(r['idle']):>10} {money(r['busy']):>10}  {r['read']}" for r in found["lines"]]
    rows += [summed("idle", found["idle"]), summed("busy", found["busy"])]
    rows += [
        summed("idle with AKS at its minimum", found["idleWithAks"]),
        summed("idle with AKS off", found["idleWithoutAks"]),
    ]
    return "\n".join(
        [
            *rows,
            f"the oldest price was read {found['ageDays']} days ago; billed by use (blobs, requests) is not counted",
        ]
    )


def waivers_ending(days: int, today: dt.date) -> list[dict[str, str]]:
    """The recorded waivers that end in so many days, and those that have ended."""
    from infra.policy.waivers import load

    ending = (waiver for waiver in load() if waiver.until <= today + dt.timedelta(days=days))
    return [{"rule": w.rule, "stack": w.stack, "until": w.until.isoformat(), "reason": w.reason} for w in ending]


def main(arguments: list[str] | None = None) -> int:
    """Answers one question; 2 is a wrong configuration, 1 a preview that must not be applied."""
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    parser.add_argument("verb", choices=("cost", "facts", "prices", "check-preview", "waivers"))
    parser.add_argument("--stack", choices=("shared", "dev", "prod"), default="dev")
    parser.add_argument("--region", default="eastus", help="of the prices")
    parser.add_argument("--preview", type=Path, help="the output of `pulumi preview --json`")
    parser.add_argument("--approved", nargs="*", default=[], help="URNs that a person approved by name")
    parser.add_argument("--within", type=int, default=21, help="of the waivers: those that end in so many days")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    try:
        return _answer(given)
    except ConfigurationFault as fault:
        print(json.dumps({"error": str(fault)}) if given.json else fault, file=sys.stderr)
        return 2


def _answer(given: argparse.Namespace) -> int:
    today = dt.datetime.now(dt.UTC).date()
    if given.verb == "cost":
        found = cost(given.stack, today)
        print(json.dumps(found) if given.json else told(found))
    elif given.verb == "facts":
        print(
            json.dumps(
                facts(given.stack, configuration.read_stack(given.stack), configuration.read_shared()),
                indent=None if given.json else 2,
            )
        )
    elif given.verb == "prices":
        unknown = prices.refresh(prices.FILE, given.region, today)
        print(f"read anew; unknown: {', '.join(unknown) or 'none'}")
    elif given.verb == "waivers":
        ending = waivers_ending(given.within, today)
        lines = "\n".join(f"{w['until']} {w['rule']} in {w['stack']}" for w in ending)
        print(json.dumps(ending) if given.json else lines)
    else:
        sentences = refused(
            json.loads(given.preview.read_text(encoding="utf-8")), given.stack, frozenset(given.approved)
        )
        print(json.dumps(sentences) if given.json else "\n".join(sentences) or "nothing that must not be done")
        return 1 if sentences else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
