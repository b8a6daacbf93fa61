"""`mlops status`: pins, endpoints, deployments, traffic, and whether they agree."""

from __future__ import annotations

import argparse
from typing import Any

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.release.state import ModelRef, Observed
from deploy.verbs.plan import check_gated
from ml.fault import Fault
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    only = load_problem(find(arguments.problem)).name if arguments.problem else None
    shown = context.of_stacks(arguments.stack, lambda stack: endpoints(context, stack, only))
    lines = [line for stack in shown for line in _lines(stack, shown[stack], context.here)]
    if arguments.stack:
        result: dict[str, Any] = {
            "stack": arguments.stack,
            "platform": context.platform_name,
            "endpoints": shown[arguments.stack],
        }
    else:
        every = [{"stack": stack, **endpoint} for stack in shown for endpoint in shown[stack]]
        result = {"stack": None, "platform": context.platform_name, "endpoints": every}
    return Done(DONE, result, tuple(lines))


def endpoints(context: Context, stack: str, only: str | None = None) -> list[dict[str, Any]]:
    """Every endpoint of the stack, and every pin that has none yet; those of one problem where it is given."""
    platform = context.platform(stack)
    names = dict.fromkeys([*platform.endpoints(), *context.pins.problems(stack)])
    return [endpoint(context, stack, name) for name in names if only in (None, name)]


def endpoint(context: Context, stack: str, name: str) -> dict[str, Any]:
    """One endpoint as `--json` shows it."""
    platform, pin = context.platform(stack), context.pins.read(stack, name)
    observed = platform.observe(name)
    why = disagreement(pin, observed)
    if why and stack == "dev" and merges_later(context, name, observed):
        why = ""
    try:
        address = platform.address(name)
        url, hint = address.url, address.key_hint
    except Fault as fault:
        url, hint = None, None
        if observed.exists and observed.running:
            context.screen.warn(str(fault))
    return {
        "name": name,
        "problem": name,
        "url": url,
        "key_hint": hint,
        "healthy": _healthy(observed),
        "in_sync": not why,
        "why": why,
        "pin": None if pin is None else {"model": pin.name, "version": pin.version, "digest": pin.digest},
        "deployments": [
            {
                "name": d.name,
                "model": d.model.name,
                "version": d.model.version,
                "digest": d.model.digest,
                "traffic": observed.traffic.get(d.name, 0),
                "state": d.state if observed.running else "stopped",
            }
            for d in observed.deployments
        ],
    }


def merges_later(context: Context, problem: str, observed: Observed) -> bool:
    """Whether dev serves what the gate let through, and only its pin, which is in git, has not merged yet."""
    good = observed.tags.last_good
    if good is None or context.pins.folder == context.home.pins:
        return False
    if disagreement(good, observed):
        return False
    try:
        check_gated(context, "dev", problem, good, "dev")
    except Fault:
        return False
    return True


def disagreement(pin: ModelRef | None, observed: Observed) -> str:
    """Why pin and endpoint do not agree; empty where they do."""
    served = {d.model.digest for d in observed.deployments if observed.traffic.get(d.name)}
    if pin is None:
        return "the endpoint serves, but nothing is pinned" if served else ""
    if not served:
        return f"the pin names {pin}, and nothing is served"
    if pin.digest in observed.tags.rejected:
        return f"the pin names {pin}, which was rejected here: {observed.tags.rejected[pin.digest]}"
    if served != {pin.digest}:
        return f"the pin names {pin}, and the traffic goes to {', '.join(sorted(d[:12] for d in served))}"
    if observed.tags.last_good is None or observed.tags.last_good.digest != pin.digest:
        return "the release was not watched to its end"
    return "" if len(observed.deployments) == 1 else "another deployment has not been removed yet"


def _healthy(observed: Observed) -> bool:
    served = [d for d in observed.deployments if observed.traffic.get(d.name)]
    return observed.running and bool(served) and all(d.state == "ready" for d in served)


def _lines(stack: str, shown: list[dict[str, Any]], here: str) -> list[str]:
    if not shown:
        return [f"{stack}: nothing is released here; `mlops run{here}` goes through the whole loop"]
    lines = []
    for one in shown:
        state = ("healthy" if one["healthy"] else "NOT healthy") + (
            ", in sync" if one["in_sync"] else f", NOT in sync: {one['why']}"
        )
        lines.append(f"{stack}  {one['name']}  {one['url'] or ('no address' if one['healthy'] else 'down')}  {state}")
        lines += [
            f"      {d['name']}  {d['model']}:{d['version']}  {d['digest'][:12]}  {d['traffic']:>3} %  {d['state']}"
            for d in one["deployments"]
        ]
    return lines
